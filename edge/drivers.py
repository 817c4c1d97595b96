"""What gives pictures one by one: the Pi camera, V4L2 and network cameras, video files, folders of pictures.

Heavy or absent libraries are imported by the driver that needs them, so a laptop without them runs the rest.
"""

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .config.schema import Source as Wanted
from .errors import SourceError

log = logging.getLogger(__name__)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
STREAMS = ("rtsp://", "rtsps://", "http://", "https://")

Image = NDArray[np.uint8]

PATIENCE = 5.0
"""Seconds that a Pi camera may take for a picture before it is closed, to be opened again: its stream may stop for good
without an error. Less than the silence after which ``live`` gives a driver up that hangs."""


class Picture(NamedTuple):
    """An image, its luma where the camera gives it for free, and the recording's time in seconds (None: live)."""

    image: Image
    luma: Image | None = None
    time: float | None = None


class Driver(Protocol):
    """Something that gives pictures. ``read`` may block; it returns None when there are no more.

    Opened, read and closed by one thread: releasing a capture under a thread that reads it is a segmentation fault.
    """

    name: str

    def read(self) -> Picture | None: ...

    def close(self) -> None: ...


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


class Repeated:
    """A recording again and again, as if it were one long one."""

    def __init__(self, opener: Callable[[], Driver]) -> None:
        self._opener, self._driver = opener, opener()
        self.name = self._driver.name
        self._begin, self._last, self._step = 0.0, 0.0, 1 / 25
        self._fresh = True

    def read(self) -> Picture | None:
        found = self._driver.read()
        if found is None and not self._fresh:  # one without a picture would be opened for ever
            self._driver.close()
            self._driver, self._fresh = self._opener(), True
            self._begin = self._last + self._step
            found = self._driver.read()
        if found is None:
            return None
        moment = self._begin + (found.time or 0.0)
        if not self._fresh:
            self._step = moment - self._last
        self._last, self._fresh = moment, False
        return found._replace(time=moment)

    def close(self) -> None:
        self._driver.close()


class Capture:
    """A USB camera (V4L2 node) or a network stream, through OpenCV."""

    def __init__(self, address: str, wanted: Wanted) -> None:
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


class PiCamera:
    """picamera2: main stream "RGB888" (B, G, R in memory) for colour, lores "YUV420" whose grey plane costs nothing."""

    name = "picamera"

    def __init__(self, wanted: Wanted, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._camera = _open_picamera()
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (wanted.width, wanted.height), "format": "RGB888"},
                    lores={"size": (wanted.width // 2 // 2 * 2, wanted.height // 2 // 2 * 2), "format": "YUV420"},
                    controls={"FrameRate": wanted.fps},
                    buffer_count=4,
                )
            )
            actual = self._camera.camera_configuration()  # libcamera may have aligned the sizes
            self._main, self._lores = actual["main"]["size"], actual["lores"]["size"]
            self._camera.start()
        except Exception as error:
            self._camera.close()
            raise SourceError(f"picamera: {error}") from error

    def read(self) -> Picture | None:
        try:
            request = self._camera.capture_request(wait=self._patience)  # main and lores of ONE request belong together
        except TimeoutError as error:
            self._camera.cancel_all_and_flush()  # or close() would wait behind the unanswered request for ever
            raise SourceError(f"picamera: no picture for {self._patience:g} s; is the ribbon cable loose?") from error
        try:
            image = request.make_array("main")
            yuv = request.make_array("lores")
        finally:
            request.release()  # or the camera stalls when its buffers are all out
        width, height = self._lores
        luma = np.ascontiguousarray(yuv[:height, :width])  # rows are padded to the stride
        return Picture(np.ascontiguousarray(image[: self._main[1], : self._main[0], :3]), luma)

    def close(self) -> None:
        with suppress(RuntimeError):
            self._camera.stop()
        self._camera.close()


def _open_picamera() -> Any:
    """A ``Picamera2`` of the first camera on the ribbon. Raises ``SourceError`` for whatever is in the way."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise SourceError(
            f"picamera2 is not there ({error}); sudo apt install python3-picamera2 --no-install-recommends, "
            "and make the venv with --system-site-packages"
        ) from error
    except Exception as error:  # libcamera's manager starts with the import
        raise SourceError(f"picamera2 cannot be loaded: {error}") from error
    try:
        found = [each for each in Picamera2.global_camera_info() if "/usb" not in each["Id"]]  # its own sign of USB
    except Exception as error:
        raise SourceError(f"picamera: {error}; libcamera cannot start") from error
    if not found:
        raise SourceError("no Pi camera found; check the ribbon cable, then `rpicam-hello --list-cameras`")
    camera: Any = Picamera2.__new__(Picamera2)
    try:
        camera.__init__()
        return camera
    except Exception as error:
        with suppress(AttributeError, OSError):  # picamera2 leaves it open, one descriptor for each attempt
            os.close(camera.notifyme_w)
        reason = error.__cause__ or error  # its own text only says that it did not work
        raise SourceError(f"picamera: {reason}; is another program using the camera?") from error


def without_secrets(address: str) -> str:
    """An address as it may be shown: without user and password, and without a query, where cameras take them too."""
    scheme, _, rest = address.partition("://")
    shown, query, _ = rest.rpartition("@")[2].partition("?")
    return f"{scheme}://{shown}{'?...' if query else ''}" if rest else address
