"""Draws masks and hands on bare faces, as training pictures.

Public pictures hardly show masks under the nose or on the chin, dark and patterned masks on every kind of face, or
hands in front of the mouth. The drawings follow YuNet's five landmarks. They need not look real to a person, but the
network must not learn a class from their colour or their edge. Correct and incorrect positions are therefore drawn with
the same cloths.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.faces.yunet import Detection

Random = np.random.Generator
Field = NDArray[np.float32]
PLACES = {
    "mask": ((0.12, 0.45), (0.25, 0.55), (1.65, 2.0)),
    "under_nose": ((0.74, 0.92), (0.5, 0.8), (1.7, 2.05)),
    "chin": ((1.15, 1.4), (0.9, 1.3), (1.95, 2.35)),
}
"""Depth of a mask's upper edge at the nose, of its upper edge at the ears, and of its lower edge: (least, most) each.
Depth 0 is the eyes, depth 1 the mouth."""
LABEL_OF_DRAWING = {"mask": "mask", "under_nose": "incorrect_mask", "chin": "incorrect_mask", "hand": "no_mask"}
"""Label of a bare face after each kind of drawing."""
CLOTHS = (
    (235, 205, 150),
    (240, 240, 240),
    (25, 25, 28),
    (110, 110, 115),
    (150, 120, 40),
    (180, 150, 220),
    (70, 60, 140),
)
"""B, G, R of common masks: surgical blue, white, black, grey, navy, pink, red. A third of the drawings get a random
colour instead."""


@dataclass(frozen=True, slots=True)
class FaceAxes:
    """Coordinates along and across a face, in pixels.

    ``origin`` lies between the eyes. ``down`` leads from there to the mouth, and ``across`` is one pixel to the right.
    ``nose`` is the offset of the middle line; ``left`` and ``right`` are the widths of the face to either side of it.
    """

    origin: Field
    down: Field
    across: Field
    nose: float
    left: float
    right: float

    def at(self, side: float, depth: float) -> Field:
        """Returns the pixel at ``side`` (-1 left edge, 0 nose, 1 right edge) and ``depth`` (0 eyes, 1 mouth)."""
        reach = self.nose + side * (self.right if side > 0 else self.left)
        return np.asarray(self.origin + depth * self.down + reach * self.across, np.float32)


def face_axes(detection: Detection) -> FaceAxes:
    """Returns the coordinates of a detected face. In a profile one side is short."""
    eyes, mouth = detection.landmarks[:2].mean(axis=0), detection.landmarks[3:].mean(axis=0)
    down = (mouth - eyes).astype(np.float32)
    across = np.array([down[1], -down[0]], np.float32) / max(1e-3, float(np.hypot(*down)))
    nose = float((detection.landmarks[2] - eyes) @ across) * 0.6
    middle = float(eyes[0] + nose * across[0])
    left, right = middle - detection.box.x0, detection.box.x1 - middle
    least = 0.15 * detection.box.width
    return FaceAxes(eyes, down, across, nose, max(least, 0.97 * left), max(least, 0.97 * right))


def draw(image: Image, detection: Detection, kind: str, rng: Random) -> Image:
    """Returns a copy of the picture with ``kind`` (a key of ``LABEL_OF_DRAWING``) drawn on the face."""
    axes = face_axes(detection)
    return _hand(image, axes, rng) if kind == "hand" else _mask(image, axes, kind, rng)


def _mask(image: Image, face: FaceAxes, kind: str, rng: Random) -> Image:
    top, ears, bottom = (rng.uniform(*limits) for limits in PLACES[kind])
    wide = rng.uniform(0.85, 1.0)
    low = bottom - rng.uniform(0.55, 0.8)
    upper = [face.at(s * wide, ears + (top - ears) * (1 - abs(s) ** 1.7)) for s in np.linspace(-1, 1, 9)]
    lower = [face.at(s * wide, low + (bottom - low) * (1 - abs(s) ** 2.2)) for s in np.linspace(1, -1, 9)]
    alpha = _filled(image, upper + lower, rng)
    out = _blend(image, _cloth(image, face, rng), alpha)
    if rng.random() < 0.7:
        shade = tuple(map(int, rng.integers(40, 255, 3))) if rng.random() < 0.3 else (225, 225, 225)
        for side, start in ((-1, upper[0]), (1, upper[-1])):
            end = face.at(side * 1.1, rng.uniform(-0.1, 0.4))
            _line(out, start, end, shade, max(1, round(0.03 * float(np.hypot(*face.down)))))
    return out


def _cloth(image: Image, face: FaceAxes, rng: Random) -> Field:
    """Paints colour, pattern, folds and the light on the face, as a picture of the image's size."""
    height, width = image.shape[:2]
    colour = np.array(CLOTHS[rng.integers(len(CLOTHS))] if rng.random() < 0.67 else rng.integers(0, 256, 3))
    cloth = np.empty((height, width, 3), np.float32)
    cloth[:] = np.clip(colour * rng.uniform(0.8, 1.1) + rng.normal(0, 8, 3), 0, 255)
    if rng.random() < 0.3:
        cloth += (_pattern((height, width), face, rng) * rng.uniform(30, 160, 3) * rng.choice([-1, 1], 3))[..., :]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns - face.origin[0], rows - face.origin[1]
    depth = (x * face.down[0] + y * face.down[1]) / max(1e-3, float(face.down @ face.down))
    if rng.random() < 0.5:
        cloth *= (1 + rng.uniform(0.02, 0.1) * np.sin(depth * rng.uniform(12, 26)))[..., np.newaxis]
    side = np.abs(x * face.across[0] + y * face.across[1] - face.nose) / max(face.left, face.right)
    cloth *= (1 - rng.uniform(0, 0.45) * np.clip(side, 0, 1) ** 2)[..., np.newaxis]
    light, at_mouth = _light(image, face)
    cloth *= np.clip(light / max(8.0, at_mouth), 0.4, 1.6)[..., np.newaxis] ** rng.uniform(0.3, 1)
    return np.asarray(cloth * np.clip(at_mouth / 140, 0.25, 1.15), np.float32)


def _light(image: Image, face: FaceAxes) -> tuple[NDArray[np.uint8], float]:
    """Returns the blurred luma of the image, and its value halfway between eyes and mouth."""
    height, width = image.shape[:2]
    sigma = max(1.0, 0.3 * float(face.right))
    luma = np.asarray(cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), sigma), np.uint8)
    row, column = np.clip(face.at(0, 0.5)[::-1].astype(int), 0, (height - 1, width - 1))
    return luma, float(luma[row, column])


def _pattern(shape: tuple[int, int], face: FaceAxes, rng: Random) -> Field:
    """Returns blobs, stripes or checks: 0 or 1, ``(h, w, 1)``."""
    cell = max(2.0, rng.uniform(0.08, 0.4) * float(np.hypot(*face.down)))
    kind = rng.integers(3)
    if kind == 0:
        cells = rng.random((max(2, int(shape[0] / cell)), max(2, int(shape[1] / cell)))).astype(np.float32)
        field = cv2.resize(cells, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC) > 0.6
    else:
        rows, columns = np.mgrid[: shape[0], : shape[1]] / cell
        angle = rng.uniform(0, np.pi)
        field = np.sin(np.pi * (rows * np.cos(angle) + columns * np.sin(angle))) > 0
        if kind == 2:
            field = field ^ (np.sin(np.pi * (columns * np.cos(angle) - rows * np.sin(angle))) > 0)
    return np.asarray(field, np.float32)[..., np.newaxis]


def _hand(image: Image, face: FaceAxes, rng: Random) -> Image:
    """Draws fingers across the mouth, from the side or from below, in the colour of the bridge of the nose."""
    height, width = image.shape[:2]
    at = np.clip(face.at(0, 0.3)[::-1].astype(int), 0, (height - 1, width - 1))
    around = image[max(0, at[0] - 2) : at[0] + 3, max(0, at[1] - 2) : at[1] + 3].reshape(-1, 3)
    skin = np.asarray(around.mean(axis=0) * rng.uniform(0.75, 1.1), np.float32)
    out, side, thick = image, float(rng.choice([-1, 1])), rng.uniform(0.2, 0.3) * float(np.hypot(*face.down))
    angle = rng.uniform(-0.5, 0.9)
    for finger in range(int(rng.integers(3, 5))):
        depth = rng.uniform(0.55, 0.7) + finger * 0.27
        start, end = face.at(side * 1.3, depth + angle), face.at(-side * rng.uniform(0.2, 0.6), depth)
        spot = np.zeros((height, width), np.float32)
        _line(spot, start, end, 1.0, max(2, round(thick)))
        shade = np.empty((height, width, 3), np.float32)
        shade[:] = skin * rng.uniform(0.88, 1.06)
        rim = cv2.GaussianBlur(spot, (0, 0), max(0.6, thick * 0.25))
        shade *= (0.6 + 0.4 * np.clip(rim * 1.6 - 0.4, 0, 1))[..., np.newaxis]
        out = _blend(out, shade, np.asarray(cv2.GaussianBlur(spot, (0, 0), 0.7), np.float32))
    return out


def _filled(image: Image, polygon: Sequence[Field], rng: Random) -> Field:
    alpha = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(np.stack(polygon) * 8).astype(np.int32)], 1.0, cv2.LINE_AA, 3)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.5, 1.3))), np.float32)


def _line(canvas: NDArray[np.generic], start: Field, end: Field, colour: object, thick: int) -> None:
    ends = [tuple(int(round(float(v) * 8)) for v in point) for point in (start, end)]
    cv2.line(canvas, ends[0], ends[1], colour, thick, cv2.LINE_AA, 3)  # type: ignore[call-overload]


def _blend(image: Image, over: Field, alpha: Field) -> Image:
    weight = np.clip(alpha, 0, 1)[..., np.newaxis]
    return np.asarray(np.clip(image * (1 - weight) + over * weight, 0, 255), np.uint8)
