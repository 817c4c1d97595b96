"""Recordings, and a network camera that serves Motion JPEG, for the tests of ``edge.camera``."""

import http.server
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from support import PATIENCE

SIZE = (160, 120)

Image = NDArray[np.uint8]


def picture(number: int) -> Image:
    """Draws a picture that differs from those with neighbouring numbers."""
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    image[:, : 10 + number * 7 % 140] = (10, 200, 90)
    return image


def black(number: int) -> Image:
    """Draws what a covered lens gives: only the sensor's noise."""
    noise = np.random.default_rng(number).integers(0, 8, (SIZE[1] // 8, SIZE[0] // 8, 3), np.uint8)
    return np.asarray(cv2.resize(noise, SIZE, interpolation=cv2.INTER_NEAREST), np.uint8)


def write_folder(folder: Path, count: int = 6) -> Path:
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03}.png"), picture(number))
    return folder


def write_video(path: Path, count: int = 12, fps: float = 25) -> Path:
    """Writes Motion JPEG in AVI, which every build of OpenCV can write."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, SIZE)
    assert writer.isOpened()
    for number in range(count):
        writer.write(picture(number))
    writer.release()
    return path


def as_jpeg(image: Image) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def clip_pictures(path: Path, first: int, last: int, step: int = 2) -> list[bytes]:
    """Returns every ``step``-th frame of a clip from ``first`` to before ``last``, as JPEG."""
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_POS_FRAMES, first)
    images = [np.asarray(capture.read()[1], np.uint8) for _ in range(first, last)]
    capture.release()
    return [as_jpeg(image) for image in images[::step]]


class NetworkCamera:
    """Serves Motion JPEG over HTTP on loopback, in threads of its own.

    ``show`` chooses the pictures: a function of their number, or a list of JPEGs that is repeated.

    ``fall_silent`` keeps the connections and sends nothing, ``hang_up`` ends them, ``unplug`` closes the port too.
    ``send`` and ``plug_in`` undo that, the latter on the same port; a connection that fell silent stays silent.
    """

    def __init__(self, pictures: Callable[[int], Image] | list[bytes] = picture, interval: float = 0.01) -> None:
        self._state = threading.Condition()
        self.sent = 0
        self._mode, self._epoch, self._kept = "send", 0, 0
        self._pictures, self._interval = pictures, interval
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                epoch = camera._epoch
                try:
                    while camera._may_send(epoch):
                        self.wfile.write(camera._part())
                except OSError:  # the client has closed the connection
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._handler = Handler
        self._server: http.server.ThreadingHTTPServer | None = None
        self.port = 0
        self.plug_in()
        self.url = f"http://127.0.0.1:{self.port}/"

    def _may_send(self, epoch: int) -> bool:
        def ended() -> bool:
            return self._mode == "end" or epoch < self._kept

        with self._state:
            self._state.wait_for(ended, self._interval)
            self._state.wait_for(lambda: ended() or (self._mode, self._epoch) == ("send", epoch))
            return not ended()

    def _part(self) -> bytes:
        shown = self._pictures
        jpeg = shown[self.sent % len(shown)] if isinstance(shown, list) else as_jpeg(shown(self.sent))
        with self._state:
            self.sent += 1
            self._state.notify_all()
        return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)

    def wait_for(self, sent: int, timeout: float = PATIENCE) -> bool:
        with self._state:
            return self._state.wait_for(lambda: self.sent >= sent, timeout)

    def _switch(self, mode: str) -> None:
        with self._state:
            if "silent" in (self._mode, mode):
                self._epoch += 1
            if mode == "end":
                self._epoch += 1
                self._kept = self._epoch
            self._mode = mode
            self._state.notify_all()

    def show(self, pictures: Callable[[int], Image] | list[bytes]) -> None:
        self._pictures = pictures

    def every(self, interval: float) -> None:
        """Sends a picture every ``interval`` seconds from now on."""
        self._interval = interval

    def freeze(self) -> None:
        """Repeats the same picture from now on."""
        shown = self._pictures
        self.show([shown[self.sent % len(shown)] if isinstance(shown, list) else as_jpeg(shown(self.sent))])

    def fall_silent(self) -> None:
        self._switch("silent")

    def send(self) -> None:
        self._switch("send")

    def hang_up(self) -> None:
        self._switch("end")

    def unplug(self) -> None:
        self._switch("end")
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(PATIENCE)
            self._server = None

    def plug_in(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._switch("send")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.unplug()
