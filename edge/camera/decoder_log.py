"""Hears from FFmpeg that it had to make up a part of a picture.

FFmpeg conceals what is missing and gives the picture as if it were whole; OpenCV does not pass on that it is not. Only
FFmpeg's log tells. The function that receives it runs in FFmpeg's threads, and only counts.
"""

import atexit
import ctypes
import threading
from pathlib import Path
from typing import Any

import cv2

DAMAGE = (
    b"concealing %d",  # H.264, MPEG-2 and MPEG-4: blocks of this picture are missing
    b"error while decoding MB",
    b"Missing reference picture",
    b"Frame num gap",  # a picture is missing as a whole
    b"Could not find ref with POC",  # H.265
    b"Error constructing the frame RPS",
)
"""Beginnings of the messages that tell of a damaged picture. Others, errors too, are common in whole streams."""
QUIET = -8
MAX_DECODER_THREADS = 16
"""OpenCV gives FFmpeg one thread per core, and no more than these."""
MAX_REORDERED = 4
"""Pictures that an encoder may hold back to give them in another order; cameras use 0 to 2."""
LONGEST_GROUP_S = 10.0
"""Seconds after which a damaged area was coded anew in a stream that has no key pictures."""
_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class DecoderLog:
    """Counts in ``damages`` what FFmpeg says about damaged pictures of any stream of this process.

    Release every ``VideoCapture`` while it listens. One that is only forgotten is destroyed with Python's lock held,
    waits for FFmpeg's threads then, and they wait for the lock.
    """

    def __init__(self) -> None:
        self.damages = 0
        self._listeners = 0
        self._library: Any = None
        self._lock = threading.Lock()  # a camera that hangs and the one opened in its place have a thread each
        self._callback = _Callback(self._receive)

    def start(self) -> None:
        """Listens until ``stop`` was called as often. Call it after an opening: OpenCV sets a receiver of its own.

        Where FFmpeg cannot be found in this process, damage is not heard of.
        """
        with self._lock:
            self._listeners += 1
            if self._library is None:
                try:
                    self._library = ctypes.CDLL(loaded_library("libavutil"))
                except OSError:  # not there, or replaced since this process has started
                    return
                atexit.register(self._hang_up)  # FFmpeg logs while OpenCV ends too, when the interpreter is gone
            self._library.av_log_set_callback(self._callback)

    def stop(self) -> None:
        """Ends what one ``start`` began."""
        with self._lock:
            self._listeners -= 1
            if not self._listeners:
                self._hang_up()

    def _hang_up(self) -> None:
        if self._library is not None:
            self._library.av_log_set_level(QUIET)  # it would print addresses with their passwords
            self._library.av_log_set_callback(self._library.av_log_default_callback)

    def _receive(self, context: Any, level: int, message: bytes | None, arguments: Any) -> None:
        if message is not None and message.startswith(DAMAGE):
            self.damages += 1


def loaded_library(name: str) -> str:
    """Returns the path of a shared library that this process has loaded. Raises ``FileNotFoundError``."""
    maps = Path("/proc/self/maps").read_text("utf-8", "surrogateescape")
    for line in maps.split("\n"):
        path = Path(line[line.find("/") :])
        if path.name.startswith(name):
            return str(path)
    raise FileNotFoundError(name)


LOG = DecoderLog()
"""The only one: FFmpeg has one log per process."""


class StreamDamage:
    """Follows which pictures of a stream are damaged: from FFmpeg's complaint to the next key picture.

    FFmpeg decodes several pictures at a time and gives them in another order. So a complaint may be about a picture
    that comes some pictures later, and the next key picture counts only behind them.
    """

    def __init__(self) -> None:
        self._listening = self._is_damaged = False
        self._complaints = self._pictures_since = 0
        self._complained_at = 0.0
        self._late = min(cv2.getNumberOfCPUs(), MAX_DECODER_THREADS) + MAX_REORDERED

    def start(self) -> None:
        """Begins to listen."""
        self._listening = True
        LOG.start()
        self._complaints = LOG.damages

    def has_picture(self, is_key: bool | None, now: float) -> bool:
        """Takes the next picture; returns whether it may be damaged."""
        self._pictures_since += 1
        if LOG.damages != self._complaints:
            self._complaints, self._pictures_since, self._complained_at = LOG.damages, 0, now
            self._is_damaged = True
        elif is_key and self._pictures_since > self._late or now - self._complained_at > LONGEST_GROUP_S:
            self._is_damaged = False
        return self._is_damaged

    def stop(self) -> None:
        """Ends the listening."""
        if self._listening:
            self._listening = False
            LOG.stop()
