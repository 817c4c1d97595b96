"""Changes whole pictures by fixed conditions, under which the evaluations on scenes and clips measure a pipeline.

Training draws its faults at random (``augment``). The conditions are fixed and coarser. They act on the picture before
faces are detected, so that the figures include what they cost the detector. They stand in for cameras of which there
are no labelled pictures. The hardest is ``edge_camera``: a cheap camera indoors that looks into the light.
"""

from collections.abc import Callable

import cv2
import numpy as np

from edge.camera.frames import Image
from edge.camera.pictures import decode, encode_jpeg

from .augment import clipped


def condition(name: str, number: int = 0) -> Callable[[Image], Image]:
    """Returns the change that ``name`` (a key of ``CONDITIONS``) makes. ``number`` is the seed of its noise."""
    rng = np.random.default_rng(number)
    return lambda image: CONDITIONS[name](image, rng)


def _plain(image: Image, rng: np.random.Generator) -> Image:
    return image


def _mirrored(image: Image, rng: np.random.Generator) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def _grey(image: Image, rng: np.random.Generator) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def _dim(image: Image, rng: np.random.Generator) -> Image:
    """Reduces the light to a quarter, and adds grain."""
    return _grain(image * np.float32(0.25), 2.5, rng)


def _soft(image: Image, rng: np.random.Generator) -> Image:
    """Defocuses with a standard deviation of 1/400 of the width."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[1] / 400), np.uint8)


def _noisy(image: Image, rng: np.random.Generator) -> Image:
    return _grain(image.astype(np.float32), 12, rng)


def _bright(image: Image, rng: np.random.Generator) -> Image:
    """Overexposes by half a stop: skies and white masks lose their detail."""
    return clipped(image * np.float32(1.5) + 20)


def _edge_camera(image: Image, rng: np.random.Generator) -> Image:
    """Simulates a cheap camera beside a window.

    People get a sixth of the light, behind veiling glare, defocused, with grain, and compressed strongly. The window is
    added beside the picture, which becomes a third wider, so that it covers nobody.
    """
    height, width = image.shape[:2]
    window = width // 3
    dark = cv2.GaussianBlur(image, (0, 0), width / 700) * np.float32(0.16) + 12
    veil = np.linspace(0, 1, width, dtype=np.float32)[np.newaxis, :, np.newaxis] ** 3 * np.float32(50)
    whole = np.full((height, width + window, 3), 245, np.float32)
    whole[:, :width] = dark + veil
    return decode(encode_jpeg(_grain(whole, 2.0, rng), 60))


def _grain(image: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", sigma: float, rng: np.random.Generator) -> Image:
    return clipped(image + rng.standard_normal(image.shape, np.float32) * np.float32(sigma))


CONDITIONS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "plain": _plain,
    "mirrored": _mirrored,
    "grey": _grey,
    "dim": _dim,
    "soft": _soft,
    "noisy": _noisy,
    "bright": _bright,
    "edge_camera": _edge_camera,
}
