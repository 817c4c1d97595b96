"""What a doorway does to a picture, drawn at random: light, blur, noise, compression, distance, tilt, framing.

Every function takes and gives one picture ``(size, size, 3) uint8`` (either colour order) and an own generator,
so a run is repeatable from its seed whatever the number of workers.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.faces.card import Card
from edge.faces.crop import as_network_input

Picture = NDArray[np.uint8]
Random = np.random.Generator


def view(picture: Picture, card: Card, rng: Random, clean: float) -> Picture:
    """What a network with ``card`` is given of a doorway's view of a B, G, R crop (larger than its input, or equal)."""
    return as_network_input(doorway(picture, rng, clean, card.size), card)


def doorway(picture: Picture, rng: Random, clean: float = 0.25, size: int = 0) -> Picture:
    """One training view of a face crop: framing always, faults of light and camera unless it stays ``clean`` (0..1).

    ``size`` is the view's side in pixels, 0 that of the picture; a larger picture keeps its detail when it is enlarged.
    """
    picture = framing(picture, rng, size)
    if rng.random() < clean:
        return picture
    steps: tuple[tuple[float, Callable[[Picture, Random], Picture]], ...] = (
        (0.12, occlusion), (0.7, light), (0.3, backlight), (0.25, tint), (0.12, grey), (0.35, distance),
        (0.2, motion_blur), (0.15, low_light), (0.35, noise), (0.35, compression),
    )  # fmt: skip
    for chance, step in steps:
        if rng.random() < chance:
            picture = step(picture, rng)
    return picture


def framing(picture: Picture, rng: Random, size: int = 0) -> Picture:
    """Mirrored, turned up to 20 degrees, 20 % looser to 20 % tighter, moved by up to 8 %; ``size`` as above."""
    side, size = picture.shape[0], size or picture.shape[0]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    angle, zoom = float(np.clip(rng.normal(0, 8), -20, 20)), float(rng.uniform(0.8, 1.2))
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, zoom * size / side)
    matrix[:, 2] += (size - side) / 2 + rng.uniform(-0.08, 0.08, 2) * size
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(picture), matrix, (size, size), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def light(picture: Picture, rng: Random) -> Picture:
    """Gain, offset and gamma."""
    ramp = np.arange(256) / 255.0
    table = ramp ** rng.uniform(0.6, 1.7) * rng.uniform(0.5, 1.25) + rng.uniform(-0.08, 0.08)
    return _levels(table)[picture]


def backlight(picture: Picture, rng: Random) -> Picture:
    """A door camera looks into the light: the face dark and flat, around it the bright day, a veil over all of it."""
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
    """1 within an oval in the middle, as wide as a head in a crop, and softly 0 outside: ``(size, size, 1)``."""
    columns = np.arange(size, dtype=np.float32) / size - 0.5
    rows = columns[:, np.newaxis]
    wide, high = rng.uniform(0.34, 0.5), rng.uniform(0.45, 0.7)
    far = ((columns - rng.uniform(-0.05, 0.05)) / wide) ** 2 + (rows / high) ** 2
    soft = float(rng.uniform(0.05, 0.5))
    return np.asarray(np.clip((1 + soft - far) / soft, 0, 1), np.float32)[..., np.newaxis]


def low_light(picture: Picture, rng: Random) -> Picture:
    """Few photons: grain that grows with the root of the light, smeared by the camera's denoising, then amplified."""
    size = picture.shape[0]
    dim = picture * np.float32(rng.uniform(0.08, 0.5))
    grain = rng.standard_normal((size, size, 3), np.float32) * np.sqrt(dim + 1) * np.float32(rng.uniform(0.1, 0.7))
    dim = dim + grain
    if rng.random() < 0.6:
        dim = cv2.GaussianBlur(dim, (0, 0), float(rng.uniform(0.5, 1.4)))
    return clipped(dim * rng.uniform(0.8, 4.0))


def tint(picture: Picture, rng: Random) -> Picture:
    """White balance off by up to 20 % a channel."""
    return clipped(picture * rng.uniform(0.8, 1.2, 3))


def grey(picture: Picture, rng: Random) -> Picture:
    """Night view or a grey camera."""
    mean = picture.mean(axis=2, keepdims=True)
    return clipped(np.repeat(mean, 3, axis=2))


def distance(picture: Picture, rng: Random) -> Picture:
    """A face of a third to four fifths of the picture's pixels, enlarged."""
    size = picture.shape[0]
    small = int(size * rng.uniform(0.3, 0.8))
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def motion_blur(picture: Picture, rng: Random) -> Picture:
    """A straight streak of up to a tenth of the picture, or defocus."""
    length = int(rng.integers(3, max(5, picture.shape[0] // 10)))
    if rng.random() < 0.4:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 2.0))), np.uint8)
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(rng.uniform(0, 180)), 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(picture, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)


def noise(picture: Picture, rng: Random) -> Picture:
    """Sensor noise of 3 to 25 % of the picture's contrast, the same in all channels half the time."""
    shape = (*picture.shape[:2], 3 if rng.random() < 0.5 else 1)
    contrast = np.float32(picture.std() * rng.uniform(0.03, 0.25))
    return clipped(picture + rng.standard_normal(shape, np.float32) * contrast)


def compression(picture: Picture, rng: Random) -> Picture:
    """JPEG at quality 15 to 80."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def occlusion(picture: Picture, rng: Random) -> Picture:
    """Something in the way (a hand's edge, a phone, a door): a plain rectangle over up to a third of one side."""
    size = picture.shape[0]
    out = picture.copy()
    deep, start = int(size * rng.uniform(0.05, 0.33)), int(size * rng.uniform(0, 0.6))
    stop = start + int(size * rng.uniform(0.2, 0.5))
    colour = rng.integers(0, 256, 3)
    view = np.rot90(out, int(rng.integers(0, 4)))
    view[start:stop, :deep] = colour
    return out


def _levels(table: NDArray[np.float64]) -> Picture:
    return np.asarray(np.clip(table * 255.0, 0, 255), np.uint8)


def clipped(values: NDArray[np.floating]) -> Picture:
    """As pixels: 0..255, fractions cut off."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)
