"""What several tests share: where things are, waiting, and one module for each kind of helper."""

import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOOR = ROOT / "edge" / "camera" / "door.mp4"
"""The bundled clip."""
DOOR_TRUTH = ROOT / "tests" / "support" / "door.json"
"""Who is in it, when, and where each face is; written by make_clip.py."""
STANDINS = ROOT / "tests" / "support" / "standins"
"""On the import path: a picamera2 that needs no camera."""
PATIENCE = 30.0
"""Seconds after which an expected event counts as missing, on the slowest machine."""


def until(
    holds: Callable[[], object],
    what: str | Callable[[], str] = "it did not come about",
    timeout: float = PATIENCE,
    pause: float = 0.02,
) -> float:
    """Waits until ``holds()`` is true; returns the seconds that it took. Fails with ``what`` after ``timeout``."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() > start + timeout:
            raise AssertionError(f"not within {timeout:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(pause)
    return time.monotonic() - start
