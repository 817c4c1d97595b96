"""Reads video files."""

import logging
import math
import os
from pathlib import Path

import cv2
import numpy as np

from ..addresses import printable
from ..errors import SourceError
from ..paths import opencv_path
from .containers import examine
from .frames import Image, Picture

log = logging.getLogger(__name__)

END_AFTER = 10_000
"""Reads without a picture after which a recording is over. OpenCV says the same about a picture that cannot be decoded
and about the end; only the first is followed by pictures. At 30 pictures per second these are 5 minutes of damage, and
at the end of a file they take 0.15 to 0.3 s (x86)."""
END_AFTER_AT_DURATION = 100
"""The same, where the file says that its duration is over."""
CUT_OFF_SHARE = 0.9
"""A file with an exact count that gives less than this share of its frames is reported."""
# OpenCV gives up a read after 4096 packets of other streams, which are 90 s of sound without a picture
os.environ.setdefault("OPENCV_FFMPEG_READ_ATTEMPTS", "10000000")


class VideoFile:
    """Reads a video file with OpenCV's own FFmpeg. Its times are the recording's, and each is later than the last.

    The file is over when its container is over: pictures that cannot be decoded are passed over and counted. ``told``
    holds what was logged already, for a file that is played again and again. The constructor raises ``SourceError`` if
    the file cannot be opened as a video.
    """

    def __init__(self, path: Path, told: set[str] | None = None) -> None:
        self.name = printable(path)
        self._told = set() if told is None else told
        self._capture = _opened(path, self.name)
        self._container = examine(path)
        fps, count = self._capture.get(cv2.CAP_PROP_FPS), self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if not (math.isfinite(fps) and fps > 0 and math.isfinite(count) and count > 0):
            count = 0.0  # without a header; what OpenCV then says may be negative
        self._interval = 1 / fps if math.isfinite(fps) and 0 < fps <= 240 else 1 / 25
        self._expected_count = int(count)
        self._duration = count / fps if count else math.inf
        self._count = self._undecodable = self._places = 0
        self._time = -self._interval

    def read(self) -> Picture | None:
        """Reads the next picture that can be decoded; None at the end. Logs at the end what was passed over."""
        failures = 0
        while (image := self._decoded()) is None:
            failures += 1
            over = self._time + 2 * self._interval >= self._duration
            if failures >= (END_AFTER_AT_DURATION if over else END_AFTER):
                self._report()
                return None
        self._count += 1
        self._undecodable += failures
        self._places += bool(failures)
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._time = stamp if stamp > self._time else self._time + self._interval  # some containers hold no times
        return Picture(image, time=self._time)

    def _decoded(self) -> Image | None:
        try:
            success, image = self._capture.read()
        except cv2.error:  # more pixels than there is memory for
            return None
        return np.asarray(image, np.uint8) if success else None

    def _report(self) -> None:
        if self._undecodable:
            self._tell(
                f"{self.name}: {self._undecodable} of {self._count + self._undecodable} pictures cannot be decoded "
                f"(places: {self._places}); they were passed over"
            )
        # the count of other containers is their duration times a rate, both of which may be wrong
        missing = self._expected_count * CUT_OFF_SHARE - self._count - self._undecodable
        short = self._container.count_is_exact and missing > 0
        if self._count and (short or self._container.is_cut_off) and self._count < self._expected_count:
            self._tell(f"{self.name} ends after {self._count} of {self._expected_count} frames; is it cut off?")

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            log.warning("%s", text)

    def close(self) -> None:
        """Closes the file."""
        self._capture.release()


def _opened(path: Path, name: str) -> cv2.VideoCapture:
    """Opens a file by its absolute path: FFmpeg takes what stands before a colon in a relative one for a protocol."""
    try:
        absolute = opencv_path(path.absolute())
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}") from error
    capture = cv2.VideoCapture(absolute, cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise SourceError(f"{name} cannot be opened as a video; is it complete, and in a format such as MP4 (H.264)?")
    return capture
