"""Cuts a face out of a frame and prepares it for the network. ``convert`` trains and evaluates with the same code."""

from functools import lru_cache

import cv2
import numpy as np

from ..camera.frames import Image
from .card import Card
from .geometry import Box, clip, square

CONTEXT = 1.3
"""Side of the crop over the side of the detector's box: chin, ears and the mask's edge belong to the evidence."""
MOST_GAIN = 8.0
"""Contrast is stretched no further: beyond that there is only noise."""


def crop(image: Image, box: Box) -> Image:
    """The square around a detector's box, ``CONTEXT`` times as wide; the picture's edge is repeated outside it."""
    frame = Box(0, 0, image.shape[1], image.shape[0])
    want = square(box, CONTEXT)
    have = clip(want, frame)
    if have.area == 0:
        raise ValueError(f"box {tuple(box)} lies outside the {frame.width}x{frame.height} picture")
    part = image[have.y0 : have.y1, have.x0 : have.x1]
    if have == want:
        return part
    edges = (have.y0 - want.y0, want.y1 - have.y1, have.x0 - want.x0, want.x1 - have.x1)
    return np.asarray(cv2.copyMakeBorder(part, *edges, cv2.BORDER_REPLICATE), np.uint8)


def prepare(part: Image, card: Card) -> Image:
    """One crop as the network takes it: ``(size, size, 3) uint8`` in the card's colour order and exposure."""
    shrink = min(part.shape[:2]) > card.size
    small = cv2.resize(part, (card.size, card.size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return present(np.asarray(small, np.uint8), card)


def present(small: Image, card: Card) -> Image:
    """A crop of the network's size in the card's exposure and colour; ``luma`` is the grey picture three times."""
    exposed = expose(small) if card.exposure == "face" else small
    if card.colour == "luma":
        return np.repeat(cv2.cvtColor(exposed, cv2.COLOR_BGR2GRAY)[..., np.newaxis], 3, axis=2)
    return np.asarray(cv2.cvtColor(exposed, cv2.COLOR_BGR2RGB) if card.colour == "rgb" else exposed, np.uint8)


def expose(picture: Image) -> Image:
    """A square face crop exposed for the face and not for the window behind it.

    The middle of the crop (half its width, from a quarter of its height down) is stretched linearly so that its
    2nd and 98th percentile become black and white, at most ``MOST_GAIN`` times. A camera that looks into the light
    leaves a face 20 of 256 levels; stretched before the network, its 8 bits resolve them.
    """
    size = picture.shape[0]
    middle = picture[size // 4 : size - size // 8, size // 4 : size - size // 4].reshape(-1)
    counts = np.cumsum(np.bincount(middle, minlength=256))
    low, high = np.searchsorted(counts, (0.02 * counts[-1], 0.98 * counts[-1]))
    gain = min(255.0 / max(1.0, float(high - low)), MOST_GAIN)
    return np.asarray(cv2.LUT(picture, _levels(int(low), gain)), np.uint8)


@lru_cache(maxsize=4096)
def _levels(low: int, gain: float) -> Image:
    return np.asarray(np.clip((np.arange(256) - low) * gain, 0, 255), np.uint8)
