"""Measures the door under its page: memory and dropped frames, with four viewers and two checks at once."""

import http.client
import http.server
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..camera.pictures import encode_jpeg
from ..errors import EdgeError
from .memory import tree_memory_mb
from .progress import Progress, no_progress
from .scale import load_demo

FPS = 15.0
PHASE_S = 12.0
VIEWERS, CHECKS = 4, 2
PHOTOGRAPH = (4032, 3024)
"""Width and height of what most phones take."""
START_S, REQUEST_S = 60.0, 90.0
SAMPLE_S = 0.1


def measure_page(
    options: list[str], progress: Progress = no_progress, wrapper: Sequence[str] = ()
) -> dict[str, Any] | None:
    """Watches the bundled clip as a camera shows it, first alone and then under load; None without the extra ``web``.

    Returns ``alone`` and ``load``, each with ``peak_mb`` (of all processes, in 10^6 bytes), ``frames`` and ``dropped``;
    and ``check_s``, seconds per check. ``wrapper`` is a command that runs maskwatch. Raises ``EdgeError`` if maskwatch
    does not start.
    """
    if importlib.util.find_spec("aiohttp") is None:
        return None
    images = [encode_jpeg(frame.image, 90) for frame in load_demo()]
    photograph = _photograph(load_demo()[60].image)
    with _camera(images) as address, _door([*wrapper, sys.executable, "-m", "edge"], address, options) as door:
        progress("page alone", 0)
        alone = _phase(door)
        progress("page under load", 0)
        checks = [Repeated(lambda: _check(door.port, photograph)) for _ in range(CHECKS)]
        viewers = [Repeated(lambda: _look(door.port)) for _ in range(VIEWERS)]
        for thread in (*checks, *viewers):
            thread.start()
        load = _phase(door)
        for thread in (*checks, *viewers):
            thread.stopped.set()
        for thread in checks:
            thread.join()
        failed = [thread.failure for thread in (*checks, *viewers) if thread.failure]
    if failed:
        raise EdgeError(f"the page failed under load: {failed[0]}")
    seconds = [second for thread in checks for second in thread.seconds]
    return {
        "alone": alone,
        "load": load,
        "viewers": VIEWERS,
        "checks": len(seconds),
        "check_s": float(np.mean(seconds)),
    }


class Repeated(threading.Thread):
    """Repeats a call until ``stopped``; keeps the seconds of each, and the first error."""

    def __init__(self, call: Any) -> None:
        super().__init__(name="load", daemon=True)
        self.stopped = threading.Event()
        self.seconds: list[float] = []
        self.failure: str | None = None
        self._call = call

    def run(self) -> None:
        """Repeats the call."""
        while not self.stopped.is_set() and self.failure is None:
            started = time.monotonic()
            try:
                self._call()
            except (OSError, http.client.HTTPException, EdgeError) as error:
                self.failure = None if self.stopped.is_set() else str(error) or type(error).__name__
            self.seconds.append(time.monotonic() - started)


class Door:
    """A running maskwatch: its process and the port of its page."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port

    def frames(self) -> tuple[int, int]:
        """Returns how many frames were processed, and how many were dropped."""
        _, body = _request(self.port, "GET", "/metrics")
        values = dict(line.rpartition(" ")[::2] for line in body.decode().splitlines() if not line.startswith("#"))
        totals = {name.partition("{")[0]: float(value) for name, value in values.items()}
        return int(totals.get("maskwatch_frames_total", 0)), int(totals.get("maskwatch_frames_dropped_total", 0))


def _phase(door: Door) -> dict[str, float]:
    frames, dropped = door.frames()
    peak, until = 0.0, time.monotonic() + PHASE_S
    while time.monotonic() < until:
        peak = max(peak, tree_memory_mb(door.process.pid))
        time.sleep(SAMPLE_S)
    now_frames, now_dropped = door.frames()
    return {"peak_mb": peak, "frames": now_frames - frames, "dropped": now_dropped - dropped}


def _photograph(image: Any) -> bytes:
    """Makes a photograph of 12 million pixels: as sharp and noisy as one, 3 to 5 MB."""
    large = cv2.resize(image, PHOTOGRAPH, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).integers(-8, 9, (PHOTOGRAPH[1], PHOTOGRAPH[0], 1), np.int16)
    return encode_jpeg(np.clip(large + noise, 0, 255).astype(np.uint8), 90)


def _request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_S)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _check(port: int, photograph: bytes) -> None:
    status, body = _request(port, "POST", "/api/check", photograph)
    if status != 200:
        raise EdgeError(f"a check was answered with status {status}: {json.loads(body).get('error')}")


def _look(port: int) -> None:
    """Looks at the live image for the length of a phase, as a viewer does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_S)
    try:
        connection.request("GET", "/live.mjpeg")
        answer, until = connection.getresponse(), time.monotonic() + PHASE_S
        if answer.status != 200:
            time.sleep(0.2)  # the place of the viewer before is not free yet
        while answer.status == 200 and time.monotonic() < until and answer.read1(65536):
            pass
    finally:
        connection.close()


@contextmanager
def _camera(images: list[bytes]) -> Iterator[str]:
    """Serves images as Motion JPEG, as a network camera does, and yields its address."""
    ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Sends the images again and again."""
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            number, started = 0, time.monotonic()
            with suppress(OSError):
                while not ended.wait(max(0.0, started + number / FPS - time.monotonic())):
                    jpeg = images[number % len(images)]
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    number += 1

        def log_message(self, format: str, *args: Any) -> None:
            """Prints nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="camera-server", daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


@contextmanager
def _door(program: list[str], source: str, options: list[str]) -> Iterator[Door]:
    """Runs ``maskwatch run --web`` on a source, with a state folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder, tempfile.TemporaryFile() as stderr:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        file = Path(folder) / "door.toml"
        file.write_text(f"[web]\nport = {port}\n", "utf-8")
        command = [*program, "run", "--print", "--web", "--source", source, "--config", str(file)]
        environment = os.environ | {"XDG_STATE_HOME": folder}
        command += options
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            _wait_for_frames(door := Door(process, port))
            yield door
        except ConnectionError:
            stderr.seek(0)
            lines = stderr.read().decode(errors="replace").strip().splitlines()
            raise EdgeError(f"maskwatch run --web failed: {lines[-1] if lines else 'it printed no error'}") from None
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


def _wait_for_frames(door: Door) -> None:
    """Waits until the door watches. Raises ``ConnectionError`` if it does not."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and door.process.poll() is None:
        with suppress(OSError):
            if door.frames()[0] > 2 * FPS:
                return
        time.sleep(0.2)
    raise ConnectionError
