"""Pictures of alerts, for those who ask for them: blurred before they are encoded, kept for a while, never for ever.

A face is made unrecognizable twice over: averaged down to a few cells, then smoothed. The blur covers what the loop
found in the frame and what more eager detectors find; a face that none of them finds stays visible,
which is why pictures are off by default.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from .camera.frames import Image
from .camera.pictures import as_jpeg
from .config.schema import Snapshots as Rules
from .files import replacing
from .geometry import Box

log = logging.getLogger(__name__)

MARGIN = 0.35
"""Of a face's size, blurred on every side of it: hair, ears and chin tell who somebody is, too."""
CELLS = 5
"""Cells across a blurred face."""
QUALITY = 80


class Snapshots:
    """Takes and keeps pictures in ``folder``. ``search`` finds face boxes eagerly; ``trouble`` hears of the disk."""

    def __init__(
        self,
        rules: Rules,
        folder: Path,
        search: Callable[[Image], list[Box]],
        trouble: Callable[[str | None], None] = lambda text: None,
    ) -> None:
        self._rules, self._folder, self._search, self._trouble = rules, folder, search, trouble

    @property
    def on(self) -> bool:
        return self._rules.mode != "off"

    def take(self, image: Image, boxes: Iterable[Box]) -> bytes:
        """The picture as JPEG, with every face blurred unless ``mode`` is ``full``."""
        if self._rules.mode != "full":
            image = blurred(image, [*boxes, *self._search(image)])
        return as_jpeg(image, QUALITY)

    def keep(self, name: str, jpeg: bytes) -> None:
        """Writes a picture (whole, or not at all), then deletes what is too old or too much."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (
                replacing(self._folder / f"{name}.jpg") as new,
                open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            ):
                file.write(jpeg)
            self._trouble(None)
        except OSError as error:
            self._trouble(f"snapshots cannot be saved in {self._folder}: {error.strerror}")
        purge(self._folder, self._rules)


def blurred(image: Image, boxes: Iterable[Box]) -> Image:
    """A copy in which nobody in ``boxes`` can be recognized or even found."""
    image, (height, width) = image.copy(), image.shape[:2]
    for box in boxes:
        margin = round(MARGIN * max(box.width, box.height))
        x0, y0 = max(0, box.x0 - margin), max(0, box.y0 - margin)
        x1, y1 = min(width, box.x1 + margin), min(height, box.y1 + margin)
        if x1 <= x0 or y1 <= y0:
            continue
        part = image[y0:y1, x0:x1]
        cells = cv2.resize(part, (min(CELLS, x1 - x0), min(CELLS, y1 - y0)), interpolation=cv2.INTER_AREA)
        image[y0:y1, x0:x1] = np.asarray(
            cv2.resize(cells, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR), np.uint8
        )
    return image


def purge(folder: Path, rules: Rules, now: float | None = None) -> int:
    """Deletes the pictures that are older than ``keep_days`` or beyond ``keep_mb``, oldest first; how many.

    By the files' own times: a clock that jumps forward deletes early, never late.
    """
    now = time.time() if now is None else now
    files = []
    for path in folder.glob("*.jpg") if folder.is_dir() else ():
        with suppress(OSError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    kept, deleted = 0, 0
    for stamp, size, path in sorted(files, reverse=True):
        kept += size
        if now - stamp > rules.keep_days * 86400 or kept > rules.keep_mb * 1e6:
            with suppress(OSError):
                path.unlink()
                deleted += 1
    return deleted


def purge_all(folder: Path) -> int:
    """Deletes every picture; how many."""
    deleted = 0
    for path in folder.glob("*.jpg") if folder.is_dir() else ():
        path.unlink(missing_ok=True)
        deleted += 1
    return deleted
