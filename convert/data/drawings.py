"""Masks and hands drawn on bare faces: what public pictures hardly show.

Nobody photographs enough masks under the nose or on the chin, dark and patterned ones on every kind of face, or hands
before the mouth. Drawn from YuNet's five points they need not deceive a person: the network only must not take
their colour or their edge for the class, so right and wrong positions are drawn with the same cloths.
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
"""Where a mask's upper edge lies at the nose and at the ears, and its lower edge; 0 is the eyes, 1 the mouth."""
LABELS = {"mask": "mask", "under_nose": "incorrect_mask", "chin": "incorrect_mask", "hand": "no_mask"}
"""What each kind of drawing shows."""
CLOTHS = (
    (235, 205, 150),
    (240, 240, 240),
    (25, 25, 28),
    (110, 110, 115),
    (150, 120, 40),
    (180, 150, 220),
    (70, 60, 140),
)
"""B, G, R of common masks: surgical blue, white, black, grey, navy, pink, red; a third get any colour instead."""


@dataclass(frozen=True, slots=True)
class Axes:
    """A face's own coordinates: ``origin`` between the eyes, ``down`` to the mouth, ``across`` one pixel to the right,
    and how far the face reaches from its middle line to either side, in pixels."""

    origin: Field
    down: Field
    across: Field
    nose: float
    left: float
    right: float

    def at(self, side: float, depth: float) -> Field:
        """The pixel at ``side`` (-1 left edge, 0 nose, 1 right edge) and ``depth`` (0 eyes, 1 mouth)."""
        reach = self.nose + side * (self.right if side > 0 else self.left)
        return np.asarray(self.origin + depth * self.down + reach * self.across, np.float32)


def axes(find: Detection) -> Axes:
    """The coordinates of a found face; profiles have one short side."""
    eyes, mouth = find.landmarks[:2].mean(axis=0), find.landmarks[3:].mean(axis=0)
    down = (mouth - eyes).astype(np.float32)
    across = np.array([down[1], -down[0]], np.float32) / max(1e-3, float(np.hypot(*down)))
    nose = float((find.landmarks[2] - eyes) @ across) * 0.6
    middle = float(eyes[0] + nose * across[0])
    left, right = middle - find.box.x0, find.box.x1 - middle
    least = 0.15 * find.box.width
    return Axes(eyes, down, across, nose, max(least, 0.97 * left), max(least, 0.97 * right))


def draw(image: Image, find: Detection, kind: str, rng: Random) -> Image:
    """A copy of the picture with ``kind`` (a key of ``LABELS``) drawn on the face."""
    return _hand(image, axes(find), rng) if kind == "hand" else _mask(image, axes(find), kind, rng)


def clutter(side: int, rng: Random) -> Image:
    """Signs, stripes, bricks and blots, ``(side, side, 3)``: what a cascade fires on and public faces never show."""
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        cells = rng.integers(0, 256, (int(rng.integers(2, 9)), int(rng.integers(2, 9)), 3), np.uint8)
        picture = np.asarray(cv2.resize(cells, (side, side), interpolation=int(rng.integers(0, 3))), np.uint8)
    for _ in range(int(rng.integers(1, 9))):
        ends, colour = rng.integers(-side // 4, side * 5 // 4, (2, 2)).tolist(), rng.integers(0, 256, 3).tolist()
        kind = rng.integers(5)
        if kind == 0:
            cv2.rectangle(picture, ends[0], ends[1], colour, int(rng.choice([-1, 2, 4])))
        elif kind == 1:
            axes_ = rng.integers(2, side // 2, 2).tolist()
            cv2.ellipse(
                picture, ends[0], axes_, float(rng.uniform(0, 180)), 0, 360, colour, int(rng.choice([-1, 2, 4]))
            )
        elif kind == 2:
            for shift in range(0, side, int(rng.integers(6, side // 3))):
                cv2.line(picture, (ends[0][0], ends[0][1] + shift), (ends[1][0], ends[1][1] + shift), colour, 2)
        elif kind == 3:
            text = "".join(map(chr, rng.integers(48, 91, 6)))
            font, size = int(rng.integers(0, 8)), float(rng.uniform(0.4, 3))
            cv2.putText(picture, text, (ends[0][0] // 2, ends[0][1]), font, size, colour, int(rng.integers(1, 6)))
        else:
            cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(1, side // 4)), cv2.LINE_AA)
    return picture


def _mask(image: Image, face: Axes, kind: str, rng: Random) -> Image:
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


def _cloth(image: Image, face: Axes, rng: Random) -> Field:
    """Colour, pattern, folds and the light that falls on the face, as a picture of the whole image's size."""
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
    light = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), max(1.0, 0.3 * float(face.right)))
    at = np.clip(face.at(0, 0.5)[::-1].astype(int), 0, (height - 1, width - 1))
    cloth *= np.clip(light / max(8.0, float(light[tuple(at)])), 0.4, 1.6)[..., np.newaxis] ** rng.uniform(0.3, 1)
    return np.asarray(cloth * np.clip(float(light[tuple(at)]) / 140, 0.25, 1.15), np.float32)


def _pattern(shape: tuple[int, int], face: Axes, rng: Random) -> Field:
    """Blobs, stripes or checks, 0..1 ``(h, w, 1)``."""
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


def _hand(image: Image, face: Axes, rng: Random) -> Image:
    """Fingers across the mouth, from the side or from below, in the colour of the nose's bridge."""
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
