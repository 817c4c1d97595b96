"""Reads USB cameras and network streams through OpenCV."""

import time

import cv2
import numpy as np

from ..config.schema import SourceConfig
from ..errors import SourceError
from .frames import Picture

STREAMS = ("rtsp://", "rtsps://", "http://", "https://")


class Capture:
    """A USB camera (V4L2 node) or a network stream, through OpenCV."""

    def __init__(self, address: str, wanted: SourceConfig) -> None:
        self.name = without_secrets(address)
        network = address.startswith(STREAMS)
        self._tries = 4 if network else 1
        if network:  # bounded waits: a stuck stream would otherwise block for ever
            waits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 7_000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 7_000]
            self._capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, waits)
        else:
            self._capture = cv2.VideoCapture(address, cv2.CAP_V4L2)
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.height)
            self._capture.set(cv2.CAP_PROP_FPS, wanted.fps)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{self.name} does not answer with a video stream; check address, user, password and network"
                if network
                else f"{self.name} cannot be opened; check that it is there, yours to read, and in no other use"
            )

    def read(self) -> Picture | None:
        """None at once when unplugged; of a network camera, single pictures that cannot be decoded are passed over."""
        for _ in range(self._tries):
            start = time.monotonic()
            found, image = self._capture.read()
            if found:
                return Picture(np.asarray(image, np.uint8))
            if time.monotonic() - start > 1:  # that was the timeout: there is nothing to decode
                break
        return None

    def close(self) -> None:
        self._capture.release()


def without_secrets(address: str) -> str:
    """An address as it may be shown: without user and password, and without a query, where cameras take them too."""
    scheme, _, rest = address.partition("://")
    shown, query, _ = rest.rpartition("@")[2].partition("?")
    return f"{scheme}://{shown}{'?...' if query else ''}" if rest else address
