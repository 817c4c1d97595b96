"""Detects motion: compares a thumbnail of each frame with what each part showed when it was last searched.

The reference is not the previous frame, because a person who comes slowly changes little from one frame to the next,
but enough since the last search. A search makes what it covered the new reference. A moved chair or a light that was
switched on therefore costs one search and no more.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from ..faces.geometry import Box

THUMBNAIL_WIDTH = 80
"""Width of the thumbnail in pixels. A face 48 wide in an image 640 wide has 6 of them."""
CELL_SIDE = 5
"""Side of a cell, in pixels of the thumbnail. A cell is searched as a whole or not at all."""
MOTION_THRESHOLD = 5
"""Smallest change of a pixel that counts, of 255 levels. A face against the light at a door differs from its background
by 10 to 20 levels. A pixel of the thumbnail is the mean of two, so the noise of a good sensor stays within 3."""
NOISE_FACTOR = 4
"""Levels by which the threshold rises per level of noise. The noise is the median change between two frames."""
MIN_CHANGED_PIXELS = 3
"""Changed pixels of the thumbnail from which a cell counts as changed. Fewer are noise."""
NOISE_INTERVAL_FRAMES = 30
"""Frames between two measurements of the noise."""


class MotionGate:
    """Finds the parts of the image that changed since they were last searched.

    Its buffers are allocated once per frame size, so an unchanged frame allocates no image.
    """

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._noise = 0.0
        self._count = 0

    def update(self, image: Image, luma: Image | None = None) -> bool:
        """Takes the next frame; ``luma`` saves work where the camera gives it. Returns whether anything changed."""
        plane = image if luma is None else luma
        if plane.shape != self._shape:
            self._begin(plane)
        self._sample(plane)
        if self._count % NOISE_INTERVAL_FRAMES == 0:
            self._measure_noise()
        self._count += 1
        cv2.absdiff(self._thumbnail, self._reference, dst=self._change)
        cv2.threshold(
            self._change, MOTION_THRESHOLD + NOISE_FACTOR * self._noise, 1, cv2.THRESH_BINARY, dst=self._change
        )
        return cv2.countNonZero(self._change) >= MIN_CHANGED_PIXELS and bool(self.changed_cells().any())

    def changed_cells(self) -> NDArray[np.bool_]:
        """Returns which cells of the last frame changed, ``(rows, columns)``."""
        rows, columns = self.grid
        return np.asarray(
            self._change.reshape(rows, CELL_SIDE, columns, CELL_SIDE).sum(axis=(1, 3)) >= MIN_CHANGED_PIXELS
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self._thumbnail.shape[0] // CELL_SIDE, self._thumbnail.shape[1] // CELL_SIDE

    def mark_searched(self, boxes: Sequence[Box], image: Image) -> None:
        """Makes the last frame the reference inside ``boxes``, which are pixels of ``image``."""
        height, width = image.shape[:2]
        down, across = self._thumbnail.shape[0] / height, self._thumbnail.shape[1] / width
        for box in boxes:
            rows = slice(round(box.y0 * down), round(box.y1 * down))
            columns = slice(round(box.x0 * across), round(box.x1 * across))
            self._reference[rows, columns] = self._thumbnail[rows, columns]

    def _begin(self, plane: Image) -> None:
        """Allocates the buffers for frames of a new size. The first of them counts as changed everywhere.

        For that, each pixel of the reference is black or white, whichever is further from the first frame. The
        thumbnail's height is a whole number of cells.
        """
        height, width = plane.shape[:2]
        rows = max(1, round(height / width * THUMBNAIL_WIDTH / CELL_SIDE)) * CELL_SIDE
        self._shape = plane.shape
        # Two samples per pixel are enough for the mean, and skipping rows saves time: reading memory is the main cost.
        self._steps = max(1, height // rows), max(1, width // THUMBNAIL_WIDTH // 2)
        sampled = plane[:: self._steps[0], :: self._steps[1]].shape[:2]
        self._samples: Image = np.empty(sampled, np.uint8)
        self._thumbnail: Image = np.zeros((rows, THUMBNAIL_WIDTH), np.uint8)
        self._previous = np.zeros_like(self._thumbnail)
        self._change = np.zeros_like(self._thumbnail)
        self._sample(plane)
        self._reference = np.where(self._thumbnail < 128, 255, 0).astype(np.uint8)
        self._previous[:] = self._thumbnail
        self._noise = 0.0
        self._count = 0

    def _sample(self, plane: Image) -> None:
        """Reduces a frame to the thumbnail.

        Without luma the green channel is taken: it contributes most to luma, and it needs no conversion.
        """
        grey = plane if plane.ndim == 2 else plane[..., 1]
        np.copyto(self._samples, grey[:: self._steps[0], :: self._steps[1]])
        cv2.resize(
            self._samples,
            (THUMBNAIL_WIDTH, self._thumbnail.shape[0]),
            dst=self._thumbnail,
            interpolation=cv2.INTER_AREA,
        )

    def _measure_noise(self) -> None:
        """Measures the noise: the median change, because people change fewer than half of the pixels."""
        if self._count:
            cv2.absdiff(self._thumbnail, self._previous, dst=self._change)
            self._noise = float(np.median(self._change))
        self._previous[:] = self._thumbnail
