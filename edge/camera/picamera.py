"""Reads the Pi camera through picamera2, which is imported only when the camera is opened."""

import os
from contextlib import suppress
from typing import Any

import numpy as np

from ..config.schema import SourceConfig
from ..errors import SourceError
from .frames import Picture

PATIENCE = 5.0
"""Seconds that a Pi camera may take for a picture before it is closed, to be opened again: its stream may stop for good
without an error. Less than the silence after which ``live`` gives a driver up that hangs."""


class PiCamera:
    """picamera2: main stream "RGB888" (B, G, R in memory) for colour, lores "YUV420" whose grey plane costs nothing."""

    name = "picamera"

    def __init__(self, wanted: SourceConfig, patience: float = PATIENCE) -> None:
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
