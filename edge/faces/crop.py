"""Crops a face from an image and prepares it for the network. ``convert`` trains and evaluates with the same code."""

from functools import lru_cache

import cv2
import numpy as np

from ..camera.frames import Image
from .card import Card
from .geometry import Box, clip, square

CROP_SCALE = 1.3
"""Side of the crop over the side of the detector's box: chin, ears and the mask's edge are evidence too."""
MAX_GAIN = 8.0
"""Largest factor by which contrast is stretched; a larger one would amplify only noise."""


def crop(image: Image, box: Box) -> Image:
    """Cuts out the square around a detector's box, ``CROP_SCALE`` times as wide.

    Outside the image its edge pixels are repeated. Raises ``ValueError`` for a box that lies completely outside.
    """
    frame = Box(0, 0, image.shape[1], image.shape[0])
    target = square(box, CROP_SCALE)
    inside = clip(target, frame)
    if inside.area == 0:
        raise ValueError(f"box {tuple(box)} lies outside the {frame.width}x{frame.height} picture")
    part = image[inside.y0 : inside.y1, inside.x0 : inside.x1]
    if inside == target:
        return part
    edges = (inside.y0 - target.y0, target.y1 - inside.y1, inside.x0 - target.x0, target.x1 - inside.x1)
    return np.asarray(cv2.copyMakeBorder(part, *edges, cv2.BORDER_REPLICATE), np.uint8)


def prepare(part: Image, card: Card) -> Image:
    """Converts a crop of any size to the network's input, ``(size, size, 3) uint8`` in the card's format."""
    shrink = min(part.shape[:2]) > card.size
    small = cv2.resize(part, (card.size, card.size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return as_network_input(np.asarray(small, np.uint8), card)


def as_network_input(small: Image, card: Card) -> Image:
    """Converts a crop of the network's size to the card's exposure and colour order."""
    exposed = expose(small) if card.exposure == "face" else small
    if card.colour == "luma":
        return np.repeat(cv2.cvtColor(exposed, cv2.COLOR_BGR2GRAY)[..., np.newaxis], 3, axis=2)
    return np.asarray(cv2.cvtColor(exposed, cv2.COLOR_BGR2RGB) if card.colour == "rgb" else exposed, np.uint8)


def expose(picture: Image) -> Image:
    """Stretches the contrast of a square crop so that it suits the face and not the window behind it.

    The 2nd and 98th percentile of the crop's middle (half its width, from a quarter of its height down) become black
    and white; the gain is at most ``MAX_GAIN``. A camera that looks into the light leaves a face 20 of 256 levels.
    After the stretch, 8 bits are enough for the network to resolve them.
    """
    size = picture.shape[0]
    middle = picture[size // 4 : size - size // 8, size // 4 : size - size // 4].reshape(-1)
    counts = np.cumsum(np.bincount(middle, minlength=256))
    low, high = np.searchsorted(counts, (0.02 * counts[-1], 0.98 * counts[-1]))
    gain = min(255.0 / max(1.0, float(high - low)), MAX_GAIN)
    return np.asarray(cv2.LUT(picture, _stretch_table(int(low), gain)), np.uint8)


@lru_cache(maxsize=4096)
def _stretch_table(low: int, gain: float) -> Image:
    return np.asarray(np.clip((np.arange(256) - low) * gain, 0, 255), np.uint8)
