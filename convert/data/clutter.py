"""Draws clutter without a face: what a cascade takes for faces, and what pictures of faces never show."""

from collections.abc import Callable

import cv2
import numpy as np

from edge.camera.frames import Image

Random = np.random.Generator
Ends = list[list[int]]
"""Two points, ``[[x, y], [x, y]]``."""
Colour = list[int]


def clutter(side: int, rng: Random) -> Image:
    """Draws signs, stripes, bricks, letters and blots on a plain or chequered ground, ``(side, side, 3)``."""
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        cells = rng.integers(0, 256, (int(rng.integers(2, 9)), int(rng.integers(2, 9)), 3), np.uint8)
        picture = np.asarray(cv2.resize(cells, (side, side), interpolation=int(rng.integers(0, 3))), np.uint8)
    for _ in range(int(rng.integers(1, 9))):
        ends, colour = rng.integers(-side // 4, side * 5 // 4, (2, 2)).tolist(), rng.integers(0, 256, 3).tolist()
        SHAPES[rng.integers(len(SHAPES))](picture, ends, colour, rng)
    return picture


def _rectangle(picture: Image, ends: Ends, colour: Colour, rng: Random) -> None:
    cv2.rectangle(picture, ends[0], ends[1], colour, int(rng.choice([-1, 2, 4])))


def _ellipse(picture: Image, ends: Ends, colour: Colour, rng: Random) -> None:
    half_axes, angle = rng.integers(2, len(picture) // 2, 2).tolist(), float(rng.uniform(0, 180))
    cv2.ellipse(picture, ends[0], half_axes, angle, 0, 360, colour, int(rng.choice([-1, 2, 4])))


def _stripes(picture: Image, ends: Ends, colour: Colour, rng: Random) -> None:
    (x0, y0), (x1, y1) = ends
    for shift in range(0, len(picture), int(rng.integers(6, len(picture) // 3))):
        cv2.line(picture, (x0, y0 + shift), (x1, y1 + shift), colour, 2)


def _letters(picture: Image, ends: Ends, colour: Colour, rng: Random) -> None:
    text = "".join(map(chr, rng.integers(48, 91, 6)))
    font, size = int(rng.integers(0, 8)), float(rng.uniform(0.4, 3))
    cv2.putText(picture, text, (ends[0][0] // 2, ends[0][1]), font, size, colour, int(rng.integers(1, 6)))


def _line(picture: Image, ends: Ends, colour: Colour, rng: Random) -> None:
    cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(1, len(picture) // 4)), cv2.LINE_AA)


SHAPES: tuple[Callable[[Image, Ends, Colour, Random], None], ...] = (_rectangle, _ellipse, _stripes, _letters, _line)
