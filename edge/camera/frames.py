"""The types of the camera room: an image, a picture as a driver gives it, a frame as the loop takes it."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Condition = Literal["ok", "lost", "frozen", "dark"]
"""Whether a camera sees: ``lost`` gives no frames, ``frozen`` the same one again and again, ``dark`` nothing to see."""


class Picture(NamedTuple):
    """An image, its luma where the camera gives it for free, and the recording's time in seconds (None: live)."""

    image: Image
    luma: Image | None = None
    time: float | None = None


class Driver(Protocol):
    """Something that gives pictures. ``read`` may block; it returns None when there are no more.

    Opened, read and closed by one thread: releasing a capture under a thread that reads it is a segmentation fault.
    """

    name: str

    def read(self) -> Picture | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, its luma where the camera gives it for free, its time and its number from 0 (gaps: dropped)."""

    image: Image
    luma: Image | None
    time: float
    number: int


def as_image(image: Any) -> Image | None:
    """A picture in the house's form, None for what is none: grey and four-channel ones are converted."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.size == 0:
        return None
    if image.ndim == 2 or image.ndim == 3 and image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    if image.ndim == 3 and image.shape[2] == 4:
        return np.ascontiguousarray(image[:, :, :3])
    return np.ascontiguousarray(image) if image.ndim == 3 and image.shape[2] == 3 else None


def as_luma(luma: Any) -> Image | None:
    """A luma picture that is one; None, and the detector makes its own from the image."""
    fits = isinstance(luma, np.ndarray) and luma.dtype == np.uint8 and luma.ndim == 2 and luma.size > 0
    return np.ascontiguousarray(luma) if fits else None
