"""What a door does to whole pictures, the same way every time: the conditions under which a pipeline is judged.

Training draws its faults at random (``augment``); these are fixed, coarser, and act on the picture before faces are
looked for, so that what they cost the detector is counted too. They stand in for cameras that nobody has labelled
pictures of; ``edge_camera`` is the hard one: a cheap camera indoors that looks into the light.
"""

from collections.abc import Callable

import cv2
import numpy as np

from edge.camera.frames import Image

from .augment import clipped


def condition(name: str, number: int = 0) -> Callable[[Image], Image]:
    """The change that ``name`` (a key of ``CONDITIONS``) makes; its noise follows from ``number`` alone."""
    rng = np.random.default_rng(number)
    return lambda image: CONDITIONS[name](image, rng)


def _plain(image: Image, rng: np.random.Generator) -> Image:
    return image


def _mirrored(image: Image, rng: np.random.Generator) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def _grey(image: Image, rng: np.random.Generator) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def _dim(image: Image, rng: np.random.Generator) -> Image:
    """A quarter of the light, with grain."""
    return _grain(image * np.float32(0.25), 2.5, rng)


def _soft(image: Image, rng: np.random.Generator) -> Image:
    """Out of focus by one pixel in 400."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[1] / 400), np.uint8)


def _noisy(image: Image, rng: np.random.Generator) -> Image:
    return _grain(image.astype(np.float32), 12, rng)


def _bright(image: Image, rng: np.random.Generator) -> Image:
    """Half a stop too much: skies and white masks are gone."""
    return clipped(image * np.float32(1.5) + 20)


def _edge_camera(image: Image, rng: np.random.Generator) -> Image:
    """A window beside the picture (a third wider for it, so that it hides nobody) blinds a cheap camera: people at a
    sixth of the light behind the window's veil, soft, grainy, and squeezed into a thin stream."""
    height, width = image.shape[:2]
    window = width // 3
    dark = cv2.GaussianBlur(image, (0, 0), width / 700) * np.float32(0.16) + 12
    veil = np.linspace(0, 1, width, dtype=np.float32)[np.newaxis, :, np.newaxis] ** 3 * np.float32(50)
    whole = np.full((height, width + window, 3), 245, np.float32)
    whole[:, :width] = dark + veil
    _, data = cv2.imencode(".jpg", _grain(whole, 2.0, rng), [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


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
