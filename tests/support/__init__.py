"""Helpers of several tests: paths and waiting; each module of this package has one kind of helper."""

import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOOR = ROOT / "edge" / "camera" / "door.mp4"
"""The bundled clip."""
DOOR_TRUTH = ROOT / "tests" / "support" / "door.json"
"""The people in the clip, when they are visible, and the boxes of their faces; written by make_clip.py."""
STANDINS = ROOT / "tests" / "support" / "standins"
"""A folder for the import path, with a picamera2 that needs no camera."""
PATIENCE = 30.0
"""Seconds after which an expected event counts as missing, on the slowest machine."""


def until(
    holds: Callable[[], object],
    what: str | Callable[[], str] = "the condition holds",
    timeout: float = PATIENCE,
    pause: float = 0.02,
) -> float:
    """Waits until ``holds()`` is true; returns the seconds that it took.

    After ``timeout`` seconds it fails with ``what``, the expected event. ``pause`` is the time between two checks.
    """
    start = time.monotonic()
    while not holds():
        if time.monotonic() > start + timeout:
            raise AssertionError(f"not within {timeout:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(pause)
    return time.monotonic() - start
