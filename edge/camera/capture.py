"""Reads USB cameras and network streams through OpenCV."""

import socket
import time
from urllib.parse import urlsplit

import cv2
import numpy as np

from ..addresses import shown, split_login
from ..config.schema import SourceConfig
from ..errors import SourceError
from .access import address_with_login, hint, opening
from .decoder_log import StreamDamage
from .frames import Image, Picture

STREAMS = ("rtsp://", "rtsps://", "http://", "https://")
"""Beginnings of the addresses of network streams."""
NETWORK_TIMEOUT_MS = 7_000
"""Time limit for opening a stream and for each read from it: without one, a stuck stream blocks for ever."""
NETWORK_ATTEMPTS = 4
"""Reads per picture from a network stream: a single picture that cannot be decoded does not end the stream."""
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
CONNECTED_WITHIN_S = 1.0
"""Time limit for a connection that only tells whether a camera answers."""
TIMED_OUT_S = 1.0
"""A read that fails after more than this many seconds has run into the time limit; a second one would only wait."""
NO_ANSWER = "does not answer with a video stream; check address, user, password and network"
NO_PICTURE = f"answers, but sends no picture for {NETWORK_TIMEOUT_MS / 1000:g} s; check camera, address and password"
NOT_OPENED = (
    "cannot be opened; check that the camera is plugged in, that this user may read it (group video), and that no "
    "other program uses it"
)


class Capture:
    """Drives a USB camera (V4L2 node) or a network stream.

    The constructor raises ``SourceError`` if the camera cannot be opened.
    """

    def __init__(self, address: str, config: SourceConfig) -> None:
        self.name = shown(address)
        network = address.startswith(STREAMS)
        self._attempts = NETWORK_ATTEMPTS if network else 1
        self._damage = StreamDamage() if network else None
        if network:
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS
            ]  # fmt: skip
            began = time.monotonic()
            with opening(address, config):
                self._capture = cv2.VideoCapture(address_with_login(address, config), cv2.CAP_FFMPEG, limits)
        else:
            self._capture = cv2.VideoCapture(address, cv2.CAP_V4L2)
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
            self._capture.set(cv2.CAP_PROP_FPS, config.fps)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not self._capture.isOpened():
            self._capture.release()
            if not network:
                raise SourceError(f"{self.name} {NOT_OPENED}")
            silent = time.monotonic() - began > TIMED_OUT_S and accepts(address)
            raise SourceError(f"{self.name} {NO_PICTURE if silent else NO_ANSWER}{hint(address, config)}")
        if self._damage:
            self._damage.start()

    def read(self) -> Picture | None:
        """Reads the next picture. Returns None if the camera gives no more, at once if it was unplugged."""
        for _ in range(self._attempts):
            start = time.monotonic()
            success, image = self._capture.read()
            if success:
                return self._picture(np.asarray(image, np.uint8))
            if time.monotonic() - start > TIMED_OUT_S:
                break
        return None

    def _picture(self, image: Image) -> Picture:
        if self._damage is None:
            return Picture(image)
        kind = chr(int(self._capture.get(cv2.CAP_PROP_FRAME_TYPE)))
        is_key = kind == "I" if kind in "IPB" else None
        return Picture(image, is_key=is_key, is_damaged=self._damage.has_picture(is_key, time.monotonic()))

    def close(self) -> None:
        """Releases the camera."""
        self._capture.release()
        if self._damage:
            self._damage.stop()


def accepts(address: str) -> bool:
    """Returns whether something accepts connections at an address."""
    try:
        parts = urlsplit(split_login(address)[0])
        port = parts.port or PORTS[parts.scheme]
        with socket.create_connection((parts.hostname or "", port), CONNECTED_WITHIN_S):
            return True
    except (OSError, ValueError):
        return False
