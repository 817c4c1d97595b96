"""Augments training pictures at random with what a camera at a door does to faces.

Every function takes one picture ``(size, size, 3) uint8`` (either colour order) and a random generator, and returns a
new picture. The result depends on the generator alone, so a run can be repeated from its seed.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.camera.pictures import decode, encode_jpeg
from edge.faces.card import Card
from edge.faces.crop import as_network_input

Random = np.random.Generator
CLEAN = 0.25
"""Share of views without faults of light and camera, unless the caller says otherwise."""


def view(picture: Image, card: Card, rng: Random, clean: float) -> Image:
    """Augments a BGR crop, at least as large as the network's input, and presents it as the network's card says."""
    return as_network_input(doorway(picture, rng, clean, card.size), card)


def doorway(picture: Image, rng: Random, clean: float = CLEAN, size: int = 0) -> Image:
    """Returns one augmented view of a face crop, ``size`` pixels wide (0: as wide as the picture).

    The framing always changes. Faults of light and camera are added, except in a share ``clean`` (0..1) of the views.
    If the picture is larger than ``size``, the view keeps its detail where the framing zooms in.
    """
    picture = framing(picture, rng, size)
    if rng.random() < clean:
        return picture
    steps: tuple[tuple[float, Callable[[Image, Random], Image]], ...] = (
        (0.12, occlusion), (0.7, light), (0.3, backlight), (0.25, tint), (0.12, grey), (0.35, distance),
        (0.2, motion_blur), (0.15, low_light), (0.35, noise), (0.35, compression),
    )  # fmt: skip
    for chance, step in steps:
        if rng.random() < chance:
            picture = step(picture, rng)
    return picture


def framing(picture: Image, rng: Random, size: int = 0) -> Image:
    """Changes the framing: mirrors, turns by up to 20 degrees, zooms by -20 % to +20 % and moves by up to 8 %.

    ``size`` is the width of the result in pixels (0: as wide as the picture).
    """
    side, size = picture.shape[0], size or picture.shape[0]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    angle, zoom = float(np.clip(rng.normal(0, 8), -20, 20)), float(rng.uniform(0.8, 1.2))
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, zoom * size / side)
    matrix[:, 2] += (size - side) / 2 + rng.uniform(-0.08, 0.08, 2) * size
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(picture), matrix, (size, size), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def light(picture: Image, rng: Random) -> Image:
    """Changes gain, offset and gamma."""
    ramp = np.arange(256) / 255.0
    table = ramp ** rng.uniform(0.6, 1.7) * rng.uniform(0.5, 1.25) + rng.uniform(-0.08, 0.08)
    return _levels(table)[picture]


def backlight(picture: Image, rng: Random) -> Image:
    """Simulates a camera that looks into the light: a dark, flat face, a bright background, and veiling glare."""
    size = picture.shape[0]
    dark = picture * np.float32(rng.uniform(0.08, 0.5))
    veil = np.linspace(0, 1, size, dtype=np.float32) ** 2 * np.float32(rng.uniform(0, 90))
    veil = np.rot90(np.broadcast_to(veil, (size, size)), int(rng.integers(4)))[..., np.newaxis]
    dark = dark + veil + np.float32(rng.uniform(0, 50))
    if rng.random() < 0.6:
        day = picture * np.float32(rng.uniform(0.3, 1)) + np.float32(rng.uniform(60, 220))
        face = _ellipse(size, rng)
        dark = dark * face + day * (1 - face)
    return clipped(dark)


def _ellipse(size: int, rng: Random) -> NDArray[np.float32]:
    """Returns a soft mask ``(size, size, 1)``: 1 in an oval as wide as a head in a crop, 0 outside."""
    columns = np.arange(size, dtype=np.float32) / size - 0.5
    rows = columns[:, np.newaxis]
    wide, high = rng.uniform(0.34, 0.5), rng.uniform(0.45, 0.7)
    far = ((columns - rng.uniform(-0.05, 0.05)) / wide) ** 2 + (rows / high) ** 2
    soft = float(rng.uniform(0.05, 0.5))
    return np.asarray(np.clip((1 + soft - far) / soft, 0, 1), np.float32)[..., np.newaxis]


def low_light(picture: Image, rng: Random) -> Image:
    """Simulates a dark scene: shot noise (its deviation grows with the root of the light), denoising, and gain."""
    size = picture.shape[0]
    dim = picture * np.float32(rng.uniform(0.08, 0.5))
    grain = rng.standard_normal((size, size, 3), np.float32) * np.sqrt(dim + 1) * np.float32(rng.uniform(0.1, 0.7))
    dim = dim + grain
    if rng.random() < 0.6:
        dim = cv2.GaussianBlur(dim, (0, 0), float(rng.uniform(0.5, 1.4)))
    return clipped(dim * rng.uniform(0.8, 4.0))


def tint(picture: Image, rng: Random) -> Image:
    """Changes the white balance by up to 20 % per channel."""
    return clipped(picture * rng.uniform(0.8, 1.2, 3))


def grey(picture: Image, rng: Random) -> Image:
    """Removes the colour, as a night view or a monochrome camera does."""
    mean = picture.mean(axis=2, keepdims=True)
    return clipped(np.repeat(mean, 3, axis=2))


def distance(picture: Image, rng: Random) -> Image:
    """Simulates a distant face: reduces the side to 30 to 80 %, and enlarges the picture again."""
    size = picture.shape[0]
    small = int(size * rng.uniform(0.3, 0.8))
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def motion_blur(picture: Image, rng: Random) -> Image:
    """Blurs along a straight line of up to a tenth of the side, or defocuses."""
    length = int(rng.integers(3, max(5, picture.shape[0] // 10)))
    if rng.random() < 0.4:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 2.0))), np.uint8)
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(rng.uniform(0, 180)), 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(picture, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)


def noise(picture: Image, rng: Random) -> Image:
    """Adds sensor noise of 3 to 25 % of the picture's contrast, in half of the cases equal in all channels."""
    shape = (*picture.shape[:2], 3 if rng.random() < 0.5 else 1)
    contrast = np.float32(picture.std() * rng.uniform(0.03, 0.25))
    return clipped(picture + rng.standard_normal(shape, np.float32) * contrast)


def compression(picture: Image, rng: Random) -> Image:
    """Compresses as JPEG with quality 15 to 80."""
    return decode(encode_jpeg(picture, int(rng.integers(15, 80))))


def occlusion(picture: Image, rng: Random) -> Image:
    """Covers up to a third of one side by a plain rectangle, as a hand, a phone or a door does."""
    size = picture.shape[0]
    out = picture.copy()
    deep, start = int(size * rng.uniform(0.05, 0.33)), int(size * rng.uniform(0, 0.6))
    stop = start + int(size * rng.uniform(0.2, 0.5))
    colour = rng.integers(0, 256, 3)
    view = np.rot90(out, int(rng.integers(0, 4)))
    view[start:stop, :deep] = colour
    return out


def _levels(table: NDArray[np.float64]) -> Image:
    return np.asarray(np.clip(table * 255.0, 0, 255), np.uint8)


def clipped(values: NDArray[np.floating]) -> Image:
    """Converts values to pixels: limited to 0..255, fractions cut off."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)
