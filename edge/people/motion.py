"""Is there anything new to look at, and where: a tiny grey picture against what each part showed when last searched.

Not against the picture before: who comes slowly changes little from one to the next, and too much since the last
search all the same. What a search has covered is what its part is compared with from then on, so a chair that was
moved, or a light that was switched on, costs one search and no more.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from ..faces.geometry import Box

WIDE = 80
"""Width of the tiny picture, pixels: a face of 48 in a picture 640 wide is 6 of them."""
CELL = 5
"""Side of a cell, in pixels of the tiny picture. Cells are what is searched or not."""
STEP = 5
"""Least change of a pixel, of 255 levels. A face against the light at a door is 10 to 20 levels from its background;
one pixel of the tiny picture is the mean of two, so a quiet sensor's noise stays within 3."""
NOISE = 4
"""Further levels for each level that half of the pixels change by from one picture to the next."""
ENOUGH = 3
"""Changed pixels of the tiny picture that make a cell a changed one."""
NOISE_EVERY = 30
"""Pictures between two measurements of the noise."""


class MotionGate:
    """The parts of the picture that changed since they were last searched. No picture is allocated once it runs."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._noise, self._count = 0.0, 0

    def look(self, image: Image, luma: Image | None = None) -> bool:
        """Takes the next picture (``luma`` saves work where the camera has it); whether anything changed."""
        plane = image if luma is None else luma
        if plane.shape != self._shape:
            self._begin(plane)
        self._sample(plane)
        if self._count % NOISE_EVERY == 0:
            self._measure()
        self._count += 1
        cv2.absdiff(self._tiny, self._searched, dst=self._change)
        cv2.threshold(self._change, STEP + NOISE * self._noise, 1, cv2.THRESH_BINARY, dst=self._change)
        return cv2.countNonZero(self._change) >= ENOUGH and bool(self.changed().any())

    def changed(self) -> NDArray[np.bool_]:
        """The cells ``(rows, columns)`` of the last picture that changed: single pixels are noise."""
        rows, columns = self.cells
        return np.asarray(self._change.reshape(rows, CELL, columns, CELL).sum(axis=(1, 3)) >= ENOUGH)

    @property
    def cells(self) -> tuple[int, int]:
        return self._tiny.shape[0] // CELL, self._tiny.shape[1] // CELL

    def searched(self, boxes: Sequence[Box], image: Image) -> None:
        """From now on those boxes (pixels of ``image``) are compared with what they show in the last picture."""
        height, width = image.shape[:2]
        down, across = self._tiny.shape[0] / height, self._tiny.shape[1] / width
        for box in boxes:
            rows = slice(round(box.y0 * down), round(box.y1 * down))
            columns = slice(round(box.x0 * across), round(box.x1 * across))
            self._searched[rows, columns] = self._tiny[rows, columns]

    def _begin(self, plane: Image) -> None:
        """A picture of another size: the first is new everywhere, for a searched picture of nothing is black or white.

        Its tiny picture has whole cells.
        """
        height, width = plane.shape[:2]
        rows = max(1, round(height / width * WIDE / CELL)) * CELL
        self._shape = plane.shape
        # two samples a pixel are mean enough, and rows are passed over: memory is what it takes time to read
        self._steps = max(1, height // rows), max(1, width // WIDE // 2)
        sampled = plane[:: self._steps[0], :: self._steps[1]].shape[:2]
        self._part: Image = np.empty(sampled, np.uint8)
        self._tiny: Image = np.zeros((rows, WIDE), np.uint8)
        self._before, self._change = np.zeros_like(self._tiny), np.zeros_like(self._tiny)
        self._sample(plane)
        self._searched = np.where(self._tiny < 128, 255, 0).astype(np.uint8)
        self._before[:] = self._tiny
        self._noise, self._count = 0.0, 0

    def _sample(self, plane: Image) -> None:
        """Green stands for luma where there is none: two thirds of it are green, and it needs no conversion."""
        grey = plane if plane.ndim == 2 else plane[..., 1]
        np.copyto(self._part, grey[:: self._steps[0], :: self._steps[1]])
        cv2.resize(self._part, (WIDE, self._tiny.shape[0]), dst=self._tiny, interpolation=cv2.INTER_AREA)

    def _measure(self) -> None:
        """Half of the pixels change by less than this from one measured picture to the next: noise, not people."""
        if self._count:
            cv2.absdiff(self._tiny, self._before, dst=self._change)
            self._noise = float(np.median(self._change))
        self._before[:] = self._tiny
