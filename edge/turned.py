"""A camera that hangs upside down or on its side, seen upright."""

import cv2
import numpy as np

from .drivers import Driver, Image, Picture
from .live import as_image, as_luma

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""Degrees clockwise -> OpenCV's name for it."""


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
