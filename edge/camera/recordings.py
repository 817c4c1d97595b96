"""Reads video files."""

import logging
import math
from pathlib import Path

import cv2
import numpy as np

from ..errors import SourceError
from .frames import Picture

log = logging.getLogger(__name__)


class VideoFile:
    """Reads a video file with OpenCV's own FFmpeg. Its times are the recording's, and each is later than the last.

    The constructor raises ``SourceError`` if the file cannot be opened as a video.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise SourceError(
                f"{path} cannot be opened as a video; is it complete, and in a format such as MP4 (H.264)?"
            )
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._interval = 1 / fps if math.isfinite(fps) and 0 < fps <= 240 else 1 / 25
        self._expected_count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._count = 0
        self._time = -self._interval

    def read(self) -> Picture | None:
        """Reads the next picture; None at the end. Logs a warning if the file ends much earlier than it says."""
        success, image = self._capture.read()
        if not success:
            if 0 < self._count < 0.9 * self._expected_count:
                log.warning(
                    "%s ends after %d of %d frames; is it cut off?", self.name, self._count, self._expected_count
                )
            return None
        self._count += 1
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._time = stamp if stamp > self._time else self._time + self._interval  # some containers hold no times
        return Picture(np.asarray(image, np.uint8), time=self._time)

    def close(self) -> None:
        """Closes the file."""
        self._capture.release()
