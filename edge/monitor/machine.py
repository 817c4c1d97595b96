"""Reads what this machine reports of itself: temperature, throttling, memory."""

import os
from pathlib import Path
from typing import Any


def _number(path: str) -> Any:
    try:
        return int(Path(path).read_text("utf-8").split()[0], 0)
    except (OSError, ValueError, IndexError):
        return None


def cpu_temperature() -> float | None:
    """Returns degrees Celsius; None if the machine has no sensor."""
    value = _number("/sys/class/thermal/thermal_zone0/temp")
    return None if value is None else round(value / 1000, 1)


def throttled() -> bool | None:
    """Returns whether the Pi's firmware throttles the processor now (heat or low voltage); None on other machines."""
    try:
        file = next(Path("/sys/devices/platform").glob("soc*/soc*firmware/get_throttled"))
        return bool(int(file.read_text("utf-8"), 16) & 0xF)
    except (OSError, ValueError, StopIteration):
        return None


def resident_mb(process: int | str = "self") -> float:
    """Returns the resident memory of a process (by default this one) in MB (10^6 bytes); 0 without /proc."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text("utf-8").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
