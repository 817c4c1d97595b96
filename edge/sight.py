"""Does the camera see anything: pictures that never change, and pictures that show nothing."""

import numpy as np
from numpy.typing import NDArray

from .drivers import Image

FROZEN = 6.0
"""Seconds of bit-identical pictures; a real sensor's noise makes two alike never, a coded stream's for a moment."""
DARK = 4.0
"""Seconds without anything to see."""
DARK_MEAN, LIT_MEAN = 16.0, 20.0
"""Mean brightness, of 255, below which a flat picture is dark, and above which it is not any more."""
FLAT = 3.0
"""Standard deviation below which a picture shows nothing, whatever its brightness: a covered or dazzled lens."""
STEP = 8
"""Every so many pixels are looked at."""


class Sight:
    """Looks at each picture of one camera; ``condition`` is ``ok``, ``frozen`` or ``dark``."""

    def __init__(self, frozen: float = FROZEN, dark: float = DARK) -> None:
        self.condition = "ok"
        self._frozen, self._dark = frozen, dark
        self._last: NDArray[np.uint8] | None = None
        self._moved = self._seen = float("-inf")

    def look(self, image: Image, now: float) -> str:
        sample = image[::STEP, ::STEP]
        if self._last is None:
            self._moved = self._seen = now
        elif not np.array_equal(sample, self._last):
            self._moved = now
        self._last = sample.copy()
        mean, spread = float(sample.mean()), float(sample.std(axis=(0, 1)).max())
        dim = mean < (DARK_MEAN if self.condition == "ok" else LIT_MEAN) and spread < 10
        if not dim and spread >= FLAT:
            self._seen = now
        if now - self._moved > self._frozen:
            self.condition = "frozen"
        else:
            self.condition = "dark" if now - self._seen > self._dark else "ok"
        return self.condition
