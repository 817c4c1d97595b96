"""Checks this machine: disk, temperature, clock."""

import os
import shutil
from pathlib import Path

from ..clock import clock_synced
from ..monitor.machine import cpu_temperature, throttled
from ..monitor.state import refuse_file
from .check import Result

MIN_FREE_MB = 200
HOT = 80.0
"""Temperature of the processor from which the cooling must be improved."""


def check_disk(state: Path) -> Result:
    """Checks that the state folder can be written and that there is space. Raises ``ConfigError``."""
    refuse_file(state)
    existing = next((folder for folder in (state, *state.parents) if folder.exists()), Path("/"))
    if not os.access(existing, os.W_OK) or shutil.disk_usage(existing).total == 0:  # 0: /proc, for example
        return "FAIL", f"{existing} cannot be written: alerts would be kept in memory only; set [state] folder"
    free = shutil.disk_usage(existing).free / 1e6
    if free < MIN_FREE_MB:
        return "warn", f"only {free:.0f} MB are free; delete files that are not needed"
    return "ok", f"{free:.0f} MB are free"


def check_temperature() -> Result:
    """Reads the temperature of the processor, and whether the Pi's firmware throttles it."""
    temperature = cpu_temperature()
    if throttled():
        return "warn", f"{temperature} °C, and the Pi is throttled: improve the cooling or the power supply"
    if temperature is None:
        return "ok", "this machine has no sensor"
    if temperature >= HOT:
        return "warn", f"{temperature} °C is too hot: improve the cooling"
    return "ok", f"{temperature} °C"


def check_clock() -> Result:
    """Asks whether the clock is synchronized, because alerts carry its time."""
    if clock_synced():
        return "ok", "synchronized"
    return "warn", "not synchronized: alert times may be wrong; check the network and `timedatectl`"
