"""What a doorway does to a picture, drawn at random: light, blur, noise, compression, distance, tilt, framing.

Every function takes and gives one picture ``(size, size, 3) uint8`` (either colour order) and an own generator,
so a run is repeatable from its seed whatever the number of workers.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Random = np.random.Generator


def doorway(picture: Picture, rng: Random, clean: float = 0.25) -> Picture:
    """One training view of a face crop: framing always, faults of light and camera unless it stays ``clean`` (0..1)."""
    picture = framing(picture, rng)
    if rng.random() < clean:
        return picture
    steps: tuple[tuple[float, Callable[[Picture, Random], Picture]], ...] = (
        (0.12, occlusion), (0.8, light), (0.25, backlight), (0.25, tint), (0.12, grey), (0.35, distance),
        (0.2, motion_blur), (0.4, noise), (0.35, compression),
    )  # fmt: skip
    for chance, step in steps:
        if rng.random() < chance:
            picture = step(picture, rng)
    return picture


def framing(picture: Picture, rng: Random) -> Picture:
    """Mirrored, turned up to 15 degrees, 20 % looser to 20 % tighter, moved by up to 8 %."""
    size = picture.shape[0]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    angle, zoom = rng.normal(0, 6), rng.uniform(0.8, 1.2)
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), float(np.clip(angle, -15, 15)), zoom)
    matrix[:, 2] += rng.uniform(-0.08, 0.08, 2) * size
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(picture), matrix, (size, size), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def light(picture: Picture, rng: Random) -> Picture:
    """Gain, offset and gamma."""
    ramp = np.arange(256) / 255.0
    table = ramp ** rng.uniform(0.6, 1.7) * rng.uniform(0.5, 1.25) + rng.uniform(-0.08, 0.08)
    return _levels(table)[picture]


def backlight(picture: Picture, rng: Random) -> Picture:
    """A door camera looks into the light: the face dark and flat, a bright veil from one side."""
    size = picture.shape[0]
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    veil = (
        np.outer(ramp, np.ones(size, np.float32)) if rng.random() < 0.5 else np.outer(np.ones(size, np.float32), ramp)
    )
    if rng.random() < 0.5:
        veil = veil[::-1, ::-1]
    dark = picture.astype(np.float32) * rng.uniform(0.2, 0.6)
    bright = veil**2 * rng.uniform(0, 140) + rng.uniform(0, 50)
    return _clipped(dark + bright[:, :, np.newaxis])


def tint(picture: Picture, rng: Random) -> Picture:
    """White balance off by up to 20 % a channel."""
    return _clipped(picture * rng.uniform(0.8, 1.2, 3))


def grey(picture: Picture, rng: Random) -> Picture:
    """Night view or a grey camera."""
    mean = picture.mean(axis=2, keepdims=True)
    return _clipped(np.repeat(mean, 3, axis=2))


def distance(picture: Picture, rng: Random) -> Picture:
    """A face of 22 to 70 pixels, enlarged."""
    size, small = picture.shape[0], int(rng.integers(22, 70))
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def motion_blur(picture: Picture, rng: Random) -> Picture:
    """A straight streak of 3 to 9 pixels, or defocus."""
    length = int(rng.integers(3, 10))
    if rng.random() < 0.4:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 2.0))), np.uint8)
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(rng.uniform(0, 180)), 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(picture, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)


def noise(picture: Picture, rng: Random) -> Picture:
    """Sensor noise of 2 to 16 grey levels (standard deviation), the same in all channels half the time."""
    shape = (*picture.shape[:2], 3 if rng.random() < 0.5 else 1)
    return _clipped(picture + rng.standard_normal(shape, np.float32) * rng.uniform(2, 16))


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


def _clipped(values: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)
