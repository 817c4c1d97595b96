"""Tests cameras that give pictures over HTTP: snapshot addresses, and Motion JPEG of every style."""

import hashlib
import http.server
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice

import numpy as np
import pytest
from support import PATIENCE
from support.cameras import as_jpeg, picture
from support.streams import StreamServer
from support.viewer import SHORT_PAUSES, watching

from edge.camera import pictures
from edge.camera.http_camera import HttpCamera
from edge.camera.live import Live
from edge.camera.source import open_source
from edge.config.schema import SourceConfig
from edge.errors import SourceError

FAST = SourceConfig(fps=40)
Answer = Callable[[int], tuple[int, dict[str, str], bytes]]
"""Returns status, headers and body of the answer to a request, by its number."""


class SnapshotCamera:
    """Serves one JPEG per request on loopback.

    ``answer`` chooses status, headers and body of the next answers. ``times`` are those of the requests.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer or self.picture
        self.times: list[float] = []
        self.logins: list[str] = []
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.times.append(time.monotonic())
                camera.logins.append(self.headers.get("Authorization", ""))
                camera._authorization = camera.logins[-1]
                status, headers, body = camera.answer(len(camera.times))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._authorization = ""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/snapshot.jpg"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def picture(self, number: int) -> tuple[int, dict[str, str], bytes]:
        jpeg = as_jpeg(picture(number))
        return 200, {"Content-Type": "image/jpeg", "Content-Length": str(len(jpeg))}, jpeg

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


@pytest.fixture
def camera() -> Iterator[SnapshotCamera]:
    with closing(SnapshotCamera()) as made:
        yield made


@contextmanager
def series(parts: list[bytes], content_type: str = "multipart/x-mixed-replace; boundary=frame") -> Iterator[str]:
    """Serves the parts again and again until the client leaves."""
    endless = list(itertools.chain.from_iterable(itertools.repeat(parts, 200)))
    with StreamServer(endless, 0.005, Content_Type=content_type) as server:
        yield server.url


def test_a_snapshot_address_is_polled_at_fps(camera: SnapshotCamera) -> None:
    with watching(open_source(camera.url, SourceConfig(fps=10))) as viewer:
        viewer.wait_for_frames(12)
        assert viewer.conditions == []
    steps = np.diff(camera.times[1:11])
    assert np.median(steps) >= 0.095, "not more often than asked for"
    assert len({frame.image.tobytes() for frame in viewer.frames[:5]}) == 5


def failing(camera: SnapshotCamera, status: int, every: int) -> Answer:
    return lambda number: camera.picture(number) if number % every else (status, {}, b"")


def cut_off(camera: SnapshotCamera) -> Answer:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        status, headers, jpeg = camera.picture(number)
        return status, headers, jpeg if number % 3 == 0 else jpeg[: len(jpeg) * (number % 3) // 3]

    return answer


FAULTS = {
    "busy": lambda camera: failing(camera, 503, 3),
    "not found": lambda camera: failing(camera, 404, 3),
    "too many requests": lambda camera: failing(camera, 429, 3),
    "cut off": cut_off,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_single_requests_that_fail_do_not_flap(fault: Callable[..., Answer], camera: SnapshotCamera) -> None:
    with watching(open_source(camera.url, FAST)) as viewer:
        viewer.wait_for_frames(2)
        camera.answer = fault(camera)
        viewer.wait_for_frames(3)
        assert viewer.conditions == []


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Type": "image/jpeg"}, {}], ids=str)
@pytest.mark.parametrize("has_length", [True, False])
def test_a_snapshot_is_recognized_by_its_content(
    headers: dict[str, str], has_length: bool, camera: SnapshotCamera
) -> None:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        jpeg = as_jpeg(picture(number))
        return 200, headers | ({"Content-Length": str(len(jpeg))} if has_length else {}), jpeg

    camera.answer = answer
    with watching(open_source(camera.url, FAST)) as viewer:
        viewer.wait_for_frames(8)
        assert viewer.conditions == []


def test_a_snapshot_address_may_redirect_each_request(camera: SnapshotCamera) -> None:
    camera.answer = lambda number: camera.picture(number) if number % 2 == 0 else (302, {"Location": "/now.jpg"}, b"")
    with watching(open_source(camera.url, FAST)) as viewer:
        viewer.wait_for_frames(8)
        assert viewer.conditions == []


def test_a_snapshot_camera_that_goes_away_is_lost_and_found_again(camera: SnapshotCamera) -> None:
    source = Live(lambda: HttpCamera(camera.url, FAST), "door", lost_after=3, pauses=SHORT_PAUSES)
    with watching(source) as viewer:
        viewer.wait_for_frames(3)
        camera.answer = lambda number: (403, {}, b"")
        viewer.wait_for("lost", "answers with HTTP status 403; check user and password")
        requests = len(camera.times)
        assert not threading.Event().wait(1.0)
        assert len(camera.times) - requests < 15, "a refusal is not asked for again at once"
        camera.answer = camera.picture
        viewer.wait_for("ok")
        viewer.wait_for_frames(3)


def basic(camera: SnapshotCamera) -> Answer:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        if camera._authorization == "Basic Y2FtOnBAc3M6dy9yZA==":  # cam:p@ss:w/rd
            return camera.picture(number)
        return 401, {"WWW-Authenticate": 'Basic realm="camera"'}, b""

    return answer


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def digest(camera: SnapshotCamera) -> Answer:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        said = dict(part.strip().partition("=")[::2] for part in camera._authorization[7:].split(","))
        said = {name: value.strip('"') for name, value in said.items()}
        secret = f"{md5('cam:camera:p@ss:w/rd')}:once:{said.get('nc')}:{said.get('cnonce')}:auth"
        if said.get("response") == md5(f"{secret}:{md5('GET:/snapshot.jpg')}"):
            return camera.picture(number)
        return 401, {"WWW-Authenticate": 'Digest realm="camera", nonce="once", qop="auth"'}, b""

    return answer


@pytest.mark.parametrize("kind", [basic, digest])
def test_the_login_of_an_address_is_used(kind: Callable[..., Answer], camera: SnapshotCamera) -> None:
    camera.answer = kind(camera)
    address = camera.url.replace("//", "//cam:p%40ss%3Aw%2Frd@")
    with closing(open_source(address, FAST)) as source:
        assert len(list(islice(source, 10))) == 10
    with pytest.raises(SourceError, match="HTTP status 401; check user and password") as error:
        open_source(address.replace("cam:", "cam:x"), FAST)
    assert "p%40ss" not in str(error.value) and "p@ss" not in str(error.value)


JPEG = as_jpeg(picture(0))
HEADER = b"--frame\r\nContent-Type: image/jpeg\r\n"
STYLES = {
    "with lengths": (HEADER + b"Content-Length: %d\r\n\r\n%s\r\n" % (len(JPEG), JPEG), "boundary=frame"),
    "without lengths": (HEADER + b"\r\n%s\r\n" % JPEG, "boundary=frame"),
    "lower case": (b"--frame\ncontent-length:%d\n\n%s\n" % (len(JPEG), JPEG), "boundary=frame"),
    "dashes announced": (HEADER + b"\r\n%s\r\n" % JPEG, "boundary=--frame"),
    "in quotes": (HEADER + b"Content-Length: %d\r\n\r\n%s" % (len(JPEG), JPEG), 'boundary="frame"'),
    "length of nothing": (HEADER + b"Content-Length: 0\r\n\r\n%s\r\n" % JPEG, "boundary=frame"),
    "not announced": (HEADER + b"\r\n%s\r\n" % JPEG, ""),
    "no dashes": ((HEADER + b"\r\n%s\r\n" % JPEG).removeprefix(b"--"), "boundary=frame"),
}


@pytest.mark.parametrize("style", STYLES)
def test_motion_jpeg_of_every_style(style: str) -> None:
    part, boundary = STYLES[style]
    with series([part], f"multipart/x-mixed-replace; {boundary}") as url, closing(open_source(url)) as source:
        frames = list(islice(source, 5))
    assert all(frame.image.shape == picture(0).shape for frame in frames)


def test_pictures_may_follow_each_other_without_a_boundary() -> None:
    with series([as_jpeg(picture(number)) for number in range(4)], "image/jpeg") as url:
        with watching(open_source(url)) as viewer:
            viewer.wait_for_frames(8)
            assert viewer.conditions == []
    assert len({frame.image.tobytes() for frame in viewer.frames}) == 4


def test_a_series_that_ends_each_connection_does_not_flap() -> None:
    parts = [HEADER + b"\r\n%s\r\n" % as_jpeg(picture(number)) for number in range(5)]
    with StreamServer(parts, 0.005, ends=True, Content_Type="multipart/x-mixed-replace; boundary=frame") as server:
        with watching(open_source(server.url, FAST)) as viewer:
            viewer.wait_for_frames(20)
            assert viewer.conditions == []


def test_parts_that_are_cut_off_or_no_picture_are_passed_over() -> None:
    """Nothing of them is shown: a decoder that goes on fills the rest with grey."""
    good = [as_jpeg(picture(number)) for number in range(6)]
    bodies = [good[0], good[1][:-300], b"", good[2], b"no picture", good[3][: len(good[3]) // 2], bytes(99), good[4]]
    parts = [HEADER + b"Content-Length: %d\r\n\r\n%s\r\n" % (len(body), body) for body in bodies]
    wanted = {pictures.decode(good[number]).tobytes() for number in (0, 2, 4)}
    with series(parts) as url, watching(open_source(url)) as viewer:
        viewer.wait_for_frames(20)
        assert viewer.conditions == []
    assert {frame.image.tobytes() for frame in viewer.frames} <= wanted
