"""Reads recordings: video files and folders of pictures."""

import logging
import math
from pathlib import Path

import cv2
import numpy as np

from ..errors import SourceError
from .frames import Picture
from .pictures import PICTURES

log = logging.getLogger(__name__)


class VideoFile:
    """A video file, decoded by OpenCV's own FFmpeg. Times are the recording's, and always grow."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise SourceError(
                f"{path} cannot be opened as a video; is it complete, and in a format such as MP4 (H.264)?"
            )
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._step = 1 / fps if math.isfinite(fps) and 0 < fps <= 240 else 1 / 25
        self._promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._count = 0
        self._time = -self._step

    def read(self) -> Picture | None:
        found, image = self._capture.read()
        if not found:
            if 0 < self._count < 0.9 * self._promised:
                log.warning("%s ends after %d of %d frames; is it cut off?", self.name, self._count, self._promised)
            return None
        self._count += 1
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._time = stamp if stamp > self._time else self._time + self._step  # some containers carry no time
        return Picture(np.asarray(image, np.uint8), time=self._time)

    def close(self) -> None:
        self._capture.release()


class Folder:
    """The pictures of a folder in the order of their names, ``fps`` a second. Unreadable ones are named and skipped."""

    def __init__(self, path: Path, fps: float) -> None:
        self.name = str(path)
        self._files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
        if not self._files:
            raise SourceError(f"{path} has no pictures ({', '.join(sorted(PICTURES))}) in it")
        self._fps = fps
        self._next = 0

    def read(self) -> Picture | None:
        while self._next < len(self._files):
            path, moment = self._files[self._next], self._next / self._fps
            self._next += 1
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None:
                return Picture(np.asarray(image, np.uint8), time=moment)
            log.warning("%s is no picture that can be read: skipped", path)
        return None

    def close(self) -> None:
        self._next = len(self._files)
