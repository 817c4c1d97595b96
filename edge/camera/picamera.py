"""Reads the Pi camera through picamera2, which is imported only when the camera is opened."""

import os
from contextlib import suppress
from typing import Any

import numpy as np

from ..config.schema import SourceConfig
from ..errors import SourceError
from .frames import Picture

REQUEST_TIMEOUT_S = 5.0
"""Time limit for one picture. The stream of a Pi camera may stop for good without an error; the camera is then closed
and opened again. It is shorter than ``live.LOST_AFTER_S``, after which a driver counts as hanging."""


class PiCamera:
    """Drives a Pi camera: the main stream is colour, the small stream gives luma at no cost.

    The main stream's format "RGB888" lies in memory as B, G, R. The small one is "YUV420", whose first plane is luma.
    The constructor raises ``SourceError`` for whatever keeps the camera from starting.
    """

    name = "picamera"

    def __init__(self, config: SourceConfig, request_timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._request_timeout = request_timeout
        self._camera = _open_picamera()
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (config.width, config.height), "format": "RGB888"},
                    lores={"size": (config.width // 2 // 2 * 2, config.height // 2 // 2 * 2), "format": "YUV420"},
                    controls={"FrameRate": config.fps},
                    buffer_count=4,
                )
            )
            actual = self._camera.camera_configuration()  # libcamera may have aligned the sizes
            self._main_size = actual["main"]["size"]
            self._luma_size = actual["lores"]["size"]
            self._camera.start()
        except Exception as error:
            self._camera.close()
            raise SourceError(f"picamera: {error}") from error

    def read(self) -> Picture | None:
        """Waits for the next picture. Raises ``SourceError`` when it does not come in time."""
        try:
            # both streams are taken from one request: only then do they show the same moment
            request = self._camera.capture_request(wait=self._request_timeout)
        except TimeoutError as error:
            self._camera.cancel_all_and_flush()  # otherwise close() waits for the unanswered request for ever
            raise SourceError(
                f"picamera: no picture for {self._request_timeout:g} s; is the ribbon cable loose?"
            ) from error
        try:
            image = request.make_array("main")
            yuv = request.make_array("lores")
        finally:
            request.release()  # otherwise the camera stalls as soon as all of its buffers are in use
        width, height = self._luma_size
        luma = np.ascontiguousarray(yuv[:height, :width])  # rows are padded to the stride
        return Picture(np.ascontiguousarray(image[: self._main_size[1], : self._main_size[0], :3]), luma)

    def close(self) -> None:
        """Stops and releases the camera."""
        with suppress(RuntimeError):
            self._camera.stop()
        self._camera.close()


def _open_picamera() -> Any:
    """Opens the first camera on the ribbon as a ``Picamera2``. Raises ``SourceError``."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise SourceError(
            f"picamera2 is not installed ({error}): sudo apt install python3-picamera2 --no-install-recommends; "
            "then make clean && make run"
        ) from error
    except Exception as error:  # the import starts libcamera's camera manager, which may fail
        raise SourceError(f"picamera2 cannot be loaded: {error}") from error
    try:
        cameras = [info for info in Picamera2.global_camera_info() if "/usb" not in info["Id"]]  # how it marks USB
    except Exception as error:
        raise SourceError(f"picamera: {error}; libcamera cannot start") from error
    if not cameras:
        raise SourceError("no Pi camera found; check the ribbon cable, then `rpicam-hello --list-cameras`")
    camera: Any = Picamera2.__new__(Picamera2)
    try:
        camera.__init__()
        return camera
    except Exception as error:
        with suppress(AttributeError, OSError):  # picamera2 leaves this descriptor open after each failed attempt
            os.close(camera.notifyme_w)
        reason = error.__cause__ or error  # picamera2's own text gives no reason
        raise SourceError(f"picamera: {reason}; is another program using the camera?") from error
