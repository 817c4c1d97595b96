"""Stands in for picamera2 without a Pi: the part that ``edge.camera.picamera`` uses, with the faults of the real one.

- configure() may change the requested sizes; camera_configuration() returns the actual ones;
- "RGB888" lies in memory as B, G, R; the rows of "YUV420" are padded to a stride;
- there are few buffers: a caller that does not release its requests waits, and gets an error after ``STARVED_S``
  seconds;
- a request may be released only once;
- an attempt to open a camera that is in use leaves a descriptor open, and gives the reason only in the
  error's cause;
- USB cameras that libcamera knows are listed too; listing may fail;
- a camera may be absent, in use by another program, or pulled out;
- a camera may stop delivering without an exception: a request without a time limit is then never answered, and after
  one that timed out the camera cannot be stopped until the request is cancelled;
- a camera that was not closed cannot be opened again by the same process.
"""

import os
import threading
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

ALIGN = 16
STRIDE = 128
STARVED_S = 5.0
BGR = (200, 60, 20)
"""The colour of every picture: mostly blue, so that swapped channels show."""
LUMA = 64
"""About the grey value of ``BGR``."""
PADDING = 255
"""Value of the columns between width and stride."""
INTERVAL_S = 0.005
"""Seconds between two pictures."""


class Picamera2:
    """A camera whose faults are chosen by class attributes; each test starts from ``Picamera2.reset()``."""

    cameras: ClassVar[list[dict[str, Any]]] = []
    busy: ClassVar[bool] = False
    broken: ClassVar[bool] = False
    unconfigurable: ClassVar[bool] = False
    unplug_after: ClassVar[int | None] = None
    freeze_after: ClassVar[int | None] = None
    opened: ClassVar[list["Picamera2"]] = []

    @classmethod
    def reset(cls) -> None:
        cls.cameras = [{"Model": "imx219", "Num": 0, "Id": "/base/soc/i2c0mux/i2c@1/imx219@10"}]
        cls.busy, cls.broken, cls.unconfigurable = False, False, False
        cls.unplug_after, cls.freeze_after = None, None
        cls.opened = []

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        if Picamera2.broken:
            raise RuntimeError("Failed to start CameraManager")
        return Picamera2.cameras

    def __init__(self) -> None:
        self.notifyme_w = os.open(os.devnull, os.O_WRONLY)
        if self.busy or any(camera.is_open for camera in self.opened):
            busy = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from busy
        self.is_open, self.started = True, False
        self.delivered = 0
        self._config: dict[str, Any] = {}
        self._state = threading.Condition()
        self._free = 0
        self._unanswered = False
        Picamera2.opened.append(self)

    def create_video_configuration(
        self, *, main: dict[str, Any], lores: dict[str, Any], controls: dict[str, Any], buffer_count: int
    ) -> dict[str, Any]:
        return {"main": main, "lores": lores, "controls": controls, "buffer_count": buffer_count}

    def configure(self, config: dict[str, Any]) -> None:
        if self.unconfigurable or self.started:
            raise RuntimeError("Failed to configure the camera")
        self._config = {**config, "main": _aligned(config["main"]), "lores": _aligned(config["lores"])}
        self._free = config["buffer_count"]

    def camera_configuration(self) -> dict[str, Any]:
        return self._config

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        with self._state:
            self._state.wait_for(lambda: not self._unanswered)
            self.started = False
            self._state.notify_all()

    def close(self) -> None:
        self.stop()
        if self.is_open:
            os.close(self.notifyme_w)
        self.is_open = False

    @property
    def outstanding(self) -> int:
        return int(self._config["buffer_count"]) - self._free

    def cancel_all_and_flush(self) -> None:
        with self._state:
            self._unanswered = False
            self._state.notify_all()

    def capture_request(self, wait: float | None = None) -> "Request":
        with self._state:
            if self.delivered == self.unplug_after:
                raise RuntimeError("Camera frontend has timed out!")
            if self.delivered == self.freeze_after:
                self._unanswered = True
                if not self._state.wait_for(lambda: not self._unanswered, wait):
                    raise TimeoutError
                raise RuntimeError("cancelled")
            self._state.wait_for(lambda: not self.started, INTERVAL_S)
            if not self._state.wait_for(lambda: self._free > 0 or not self.started, STARVED_S):
                raise RuntimeError("no buffer left: requests are not released")
            if not self.started:
                raise RuntimeError("the camera was stopped")
            self._free -= 1
            self.delivered += 1
            self._state.notify_all()
            return Request(self, self._config)

    def wait_for(self, delivered: int, timeout: float) -> bool:
        """Waits until ``delivered`` pictures have been taken."""
        with self._state:
            return self._state.wait_for(lambda: self.delivered >= delivered, timeout)

    def take_back(self) -> None:
        with self._state:
            self._free += 1
            self._state.notify_all()


class Request:
    """One completed capture: both streams at the same moment."""

    def __init__(self, camera: Picamera2, config: dict[str, Any]) -> None:
        self._camera, self._config, self._released = camera, config, False

    def make_array(self, name: str) -> NDArray[np.uint8]:
        assert not self._released, "read after release"
        width, height = self._config[name]["size"]
        if self._config[name]["format"] == "RGB888":
            return np.full((height, width, 3), BGR, np.uint8)
        assert self._config[name]["format"] == "YUV420"
        planes = np.full((height * 3 // 2, -(-width // STRIDE) * STRIDE), PADDING, np.uint8)
        planes[:height, :width] = LUMA
        return planes

    def release(self) -> None:
        if self._released:
            raise RuntimeError("request released twice")
        self._released = True
        self._camera.take_back()


def _aligned(stream: dict[str, Any]) -> dict[str, Any]:
    width, height = stream["size"]
    return {**stream, "size": (width // ALIGN * ALIGN, height // 2 * 2)}
