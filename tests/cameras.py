"""What the tests of ``edge.source`` are run against: recordings, and a network camera that really is one."""

import http.server
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (160, 120)
PATIENCE = 30.0
"""Seconds after which something that should have happened has not, on the slowest machine."""


def picture(number: int) -> NDArray[np.uint8]:
    """A picture that differs from its neighbours."""
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    image[:, : 10 + number * 7 % 140] = (10, 200, 90)
    return image


def write_folder(folder: Path, count: int = 6) -> Path:
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03}.png"), picture(number))
    return folder


def write_video(path: Path, count: int = 12, fps: float = 25) -> Path:
    """Motion JPEG in AVI: what OpenCV writes everywhere."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, SIZE)
    assert writer.isOpened()
    for number in range(count):
        writer.write(picture(number))
    writer.release()
    return path


class NetworkCamera:
    """Motion JPEG over HTTP on loopback. ``freeze`` keeps the connection and sends nothing, ``hang_up`` ends it."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self.sent = 0
        self._mode = "send"
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    while camera._may_send():
                        self.wfile.write(camera._part())
                except OSError:  # the viewer has gone
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def _may_send(self) -> bool:
        with self._state:
            self._state.wait_for(lambda: self._mode == "end", 0.01)  # the pace of this camera
            self._state.wait_for(lambda: self._mode != "freeze")
            return self._mode == "send"

    def _part(self) -> bytes:
        jpeg = cv2.imencode(".jpg", picture(self.sent))[1].tobytes()
        with self._state:
            self.sent += 1
            self._state.notify_all()
        return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)

    def wait_for(self, sent: int, timeout: float = PATIENCE) -> bool:
        with self._state:
            return self._state.wait_for(lambda: self.sent >= sent, timeout)

    def _switch(self, mode: str) -> None:
        with self._state:
            self._mode = mode
            self._state.notify_all()

    def freeze(self) -> None:
        self._switch("freeze")

    def hang_up(self) -> None:
        self._switch("end")

    def close(self) -> None:
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)
