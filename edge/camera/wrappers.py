"""Drivers around other drivers: one repeats a recording, one turns the picture upright."""

from collections.abc import Callable

import cv2
import numpy as np

from .frames import Driver, Image, Picture, as_image, as_luma

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""Degrees clockwise -> OpenCV's name for it."""


class Repeated:
    """A recording again and again, as if it were one long one."""

    def __init__(self, opener: Callable[[], Driver]) -> None:
        self._opener, self._driver = opener, opener()
        self.name = self._driver.name
        self._begin, self._last, self._step = 0.0, 0.0, 1 / 25
        self._fresh = True

    def read(self) -> Picture | None:
        found = self._driver.read()
        if found is None and not self._fresh:  # one without a picture would be opened for ever
            self._driver.close()
            self._driver, self._fresh = self._opener(), True
            self._begin = self._last + self._step
            found = self._driver.read()
        if found is None:
            return None
        moment = self._begin + (found.time or 0.0)
        if not self._fresh:
            self._step = moment - self._last
        self._last, self._fresh = moment, False
        return found._replace(time=moment)

    def close(self) -> None:
        self._driver.close()


class Turned:
    """A driver whose pictures are turned clockwise by 90, 180 or 270 degrees.

    A Pi camera could turn by 180 for nothing, but by 90 not at all, and USB and network cameras seldom can: here is one
    way for all.
    """

    def __init__(self, driver: Driver, degrees: int) -> None:
        self.name, self._driver, self._turn = driver.name, driver, TURNS[degrees]

    def read(self) -> Picture | None:
        found = self._driver.read()
        if found is None or (image := as_image(found.image)) is None:  # what is no picture is passed over later
            return found
        luma = as_luma(found.luma)
        return found._replace(image=self._turned(image), luma=None if luma is None else self._turned(luma))

    def _turned(self, image: Image) -> Image:
        return np.asarray(cv2.rotate(image, self._turn), np.uint8)

    def close(self) -> None:
        self._driver.close()
