"""Drivers that wrap another driver: one repeats a recording, one rotates its pictures."""

from collections.abc import Callable

import cv2
import numpy as np

from .frames import Driver, Image, Picture, as_image, as_luma

ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""OpenCV's code for each number of degrees clockwise."""


class RepeatedDriver:
    """Plays a recording again and again; its times continue to grow."""

    def __init__(self, opener: Callable[[], Driver]) -> None:
        self._opener = opener
        self._driver = opener()
        self.name = self._driver.name
        self._offset = 0.0
        self._last = 0.0
        self._interval = 1 / 25
        self._at_start = True

    def read(self) -> Picture | None:
        """Reads the next picture; after the last one, the first one again. Returns None if the recording has none."""
        picture = self._driver.read()
        if picture is None and not self._at_start:  # a recording without pictures would be opened for ever
            self._driver.close()
            self._driver, self._at_start = self._opener(), True
            self._offset = self._last + self._interval
            picture = self._driver.read()
        if picture is None:
            return None
        moment = self._offset + (picture.time or 0.0)
        if not self._at_start:
            self._interval = moment - self._last
        self._last, self._at_start = moment, False
        return picture._replace(time=moment)

    def close(self) -> None:
        """Closes the recording."""
        self._driver.close()


class RotatedDriver:
    """Rotates the pictures of a driver clockwise by 90, 180 or 270 degrees.

    A Pi camera could rotate by 180 degrees at no cost, but not by 90, and few USB and network cameras can rotate at
    all. Therefore every source is rotated here.
    """

    def __init__(self, driver: Driver, degrees: int) -> None:
        self.name = driver.name
        self._driver = driver
        self._rotation = ROTATIONS[degrees]

    def read(self) -> Picture | None:
        """Reads the next picture and rotates image and luma. Returns an invalid one as it is; it is dropped later."""
        picture = self._driver.read()
        if picture is None or (image := as_image(picture.image)) is None:
            return picture
        luma = as_luma(picture.luma)
        return picture._replace(image=self._rotate(image), luma=None if luma is None else self._rotate(luma))

    def _rotate(self, image: Image) -> Image:
        return np.asarray(cv2.rotate(image, self._rotation), np.uint8)

    def close(self) -> None:
        """Closes the wrapped driver."""
        self._driver.close()
