"""Takes pictures of alerts, where the configuration asks for them, and deletes them after a while.

Faces are blurred before the picture is encoded: averaged down to a few cells, then smoothed. The blur covers what the
loop found in the frame and what a less strict detector finds. A face that neither finds stays visible, which is why
pictures are off by default. The marks are drawn last: the alert's box and label, the local time and the device.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np

from ..camera.frames import Image
from ..camera.pictures import decode, encode_jpeg
from ..clock import clock_synced
from ..config.schema import SnapshotsConfig
from ..faces.drawing import annotate, caption
from ..faces.face import Face
from ..faces.geometry import Box
from ..files import replace
from ..mqtt.messages import UNBLURRED
from .retention import purge, trusted_time

QUALITY, LOWER_QUALITY = 80, 60
SHRINK = 0.7
NARROWEST = 160
"""Width of the smallest picture that still shows something."""


class Snapshots:
    """Takes pictures and keeps them in ``folder``.

    ``hide`` returns an image without recognizable faces, given those that are known; None for mode ``full``.
    ``report`` receives why a picture cannot be saved, and None when it can again. Runs in the loop's thread.
    """

    def __init__(
        self,
        rules: SnapshotsConfig,
        folder: Path,
        device: str,
        hide: Callable[[Image, list[Box]], Image] | None = None,
        report: Callable[[str | None], None] = lambda text: None,
    ) -> None:
        self._rules = rules
        self._folder = folder
        self._device = device
        self._hide = hide
        self._report = report

    @property
    def on(self) -> bool:
        """Returns whether pictures are taken."""
        return self._rules.mode != "off"

    def take(self, image: Image, boxes: Sequence[Box], face: Face) -> bytes:
        """Encodes the image as JPEG, with every face blurred unless ``mode`` is ``full``, which is said in the file.

        ``boxes`` are the people in the image, and ``face`` is the one that caused the alert: it gets a box.
        """
        hidden = image if self._hide is None else self._hide(image, [*boxes])
        time = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
        uncertain = "" if clock_synced() else " (time uncertain)"
        marked = caption(annotate(hidden, [face], boxes), f"{self._device} {time}{uncertain}", boxes)
        jpeg = encode_jpeg(marked, QUALITY)
        return jpeg if self._hide else UNBLURRED + jpeg[2:]

    def fitted(self, jpeg: bytes, largest: int | None) -> bytes:
        """Returns a picture as it can be sent, where the broker takes ``largest`` bytes (None: any number).

        It becomes smaller until it fits, as long as it shows something.
        """
        if largest is None or len(jpeg) <= largest:
            return jpeg
        mark, image = UNBLURRED if jpeg.startswith(UNBLURRED) else b"", decode(jpeg)
        while len(jpeg) > largest and image.shape[1] >= NARROWEST:
            small = encode_jpeg(image, LOWER_QUALITY)
            jpeg = mark + small[2:] if mark else small
            image = np.asarray(cv2.resize(image, None, fx=SHRINK, fy=SHRINK, interpolation=cv2.INTER_AREA), np.uint8)
        return jpeg

    def keep(self, name: str, jpeg: bytes) -> None:
        """Writes a picture, whole or not at all, then deletes pictures that are too old or too many."""
        fault = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(self._folder / f"{name}.jpg", jpeg, durable=False)  # the loop must not wait for the disk
        except OSError as error:
            fault = f"snapshots cannot be saved in {self._folder}: {error.strerror}"
        try:
            purge(self._folder, self._rules, trusted_time())
        except OSError as error:
            fault = fault or f"old snapshots cannot be deleted in {self._folder}: {error.strerror}"
        self._report(fault)
