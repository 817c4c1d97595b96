"""The types of this room: an image, a picture as a driver gives it, and a frame as the loop takes it."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Condition = Literal["ok", "lost", "frozen", "dark"]
"""What a camera gives: ``lost`` no frames, ``frozen`` one frame again and again, ``dark`` frames without content."""


class Picture(NamedTuple):
    """One picture as a driver gives it.

    ``luma`` is given only by cameras that produce it at no cost. ``time`` is the position in a recording, in seconds;
    it is None for a live camera. ``is_key`` is False for a picture that is coded as a difference to others, and None
    where no picture is. ``is_damaged`` is true for a picture of which the decoder had to make up a part.
    """

    image: Image
    luma: Image | None = None
    time: float | None = None
    is_key: bool | None = None
    is_damaged: bool = False


class Driver(Protocol):
    """Reads pictures from one device, file or folder.

    One thread opens, reads and closes a driver: releasing a capture while another thread reads it is a segmentation
    fault.
    """

    name: str

    def read(self) -> Picture | None:
        """Returns the next picture, or None when there are no more. May block."""
        ...

    def close(self) -> None:
        """Releases what the driver holds."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture with its time and number, as the loop takes it.

    ``luma`` is None where the camera does not give it at no cost. Numbers start at 0; a gap in them means frames that
    were dropped.
    """

    image: Image
    luma: Image | None
    time: float
    number: int


def as_image(image: Any) -> Image | None:
    """Converts an array to ``Image``; grey and four-channel arrays are accepted. Returns None for anything else."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.size == 0:
        return None
    if image.ndim == 2 or image.ndim == 3 and image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    if image.ndim == 3 and image.shape[2] == 4:
        return np.ascontiguousarray(image[:, :, :3])
    return np.ascontiguousarray(image) if image.ndim == 3 and image.shape[2] == 3 else None


def as_luma(luma: Any) -> Image | None:
    """Returns a valid luma plane, contiguous. Returns None for anything else; the detector then makes its own."""
    valid = isinstance(luma, np.ndarray) and luma.dtype == np.uint8 and luma.ndim == 2 and luma.size > 0
    return np.ascontiguousarray(luma) if valid else None
