"""Reads USB cameras and network streams through OpenCV."""

import time

import cv2
import numpy as np

from ..addresses import shown
from ..config.schema import SourceConfig
from ..errors import SourceError
from .access import address_with_login, certificate_check, hint
from .frames import Picture

STREAMS = ("rtsp://", "rtsps://", "http://", "https://")
"""Beginnings of the addresses of network streams."""
NETWORK_TIMEOUT_MS = 7_000
"""Time limit for opening a stream and for each read from it: without one, a stuck stream blocks for ever."""
NETWORK_ATTEMPTS = 4
"""Reads per picture from a network stream: a single picture that cannot be decoded does not end the stream."""
TIMED_OUT_S = 1.0
"""A read that fails after more than this many seconds has run into the time limit; a second one would only wait."""


class Capture:
    """Drives a USB camera (V4L2 node) or a network stream.

    The constructor raises ``SourceError`` if the camera cannot be opened.
    """

    def __init__(self, address: str, config: SourceConfig) -> None:
        self.name = shown(address)
        network = address.startswith(STREAMS)
        self._attempts = NETWORK_ATTEMPTS if network else 1
        if network:
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS
            ]  # fmt: skip
            with certificate_check(address, config):
                self._capture = cv2.VideoCapture(address_with_login(address, config), cv2.CAP_FFMPEG, limits)
        else:
            self._capture = cv2.VideoCapture(address, cv2.CAP_V4L2)
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
            self._capture.set(cv2.CAP_PROP_FPS, config.fps)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{self.name} does not answer with a video stream; check address, user, password and network"
                f"{hint(address, config)}"
                if network
                else f"{self.name} cannot be opened; check that the camera is plugged in, that this user may read it "
                "(group video), and that no other program uses it"
            )

    def read(self) -> Picture | None:
        """Reads the next picture. Returns None if the camera gives no more, at once if it was unplugged."""
        for _ in range(self._attempts):
            start = time.monotonic()
            success, image = self._capture.read()
            if success:
                return Picture(np.asarray(image, np.uint8))
            if time.monotonic() - start > TIMED_OUT_S:
                break
        return None

    def close(self) -> None:
        """Releases the camera."""
        self._capture.release()
