"""A maskwatch with its page, which watches a network camera that shows the bundled clip, and a client of the page."""

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support import DOOR, until
from support.brokers import free_port
from support.cameras import NetworkCamera, clip_pictures

BARE = (20, 70)
"""The first and last frame of the clip that show one person without a mask completely."""


class Answer:
    """The response to a request."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends requests to the page; each has a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.headers: dict[str, str] = {}

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, self.headers | named)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def post(self, path: str, data: Any, **headers: str) -> Answer:
        return self.ask(path, "POST", json.dumps(data).encode(), Content_Type="application/json", **headers)

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=self.headers)
        answer = connection.getresponse()
        try:
            yield answer
        finally:
            connection.close()


def pictures_of(stream: http.client.HTTPResponse) -> Iterator[bytes]:
    """Gives the JPEG images of an MJPEG stream."""
    while True:
        line = stream.readline()
        if not line:
            return
        if line.startswith(b"Content-Length: "):
            assert stream.readline() == b"\r\n"
            yield stream.read(int(line.split()[1]))


def events_of(stream: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Gives the (kind, data) of server-sent events."""
    kind = ""
    while line := stream.readline().decode():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ").strip()
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


class Watched:
    """``maskwatch run --web`` as a process of its own, its configuration file, and a client of its page."""

    def __init__(self, maskwatch: Callable[..., Any], folder: Path, text: str = "", *options: str) -> None:
        self.camera = NetworkCamera(clip_pictures(DOOR, *BARE, 1), interval=1 / 20)
        self.port, self.file = free_port(), folder / "door.toml"
        self.file.write_text(f"[web]\nport = {self.port}\n{text}")
        self._start = lambda: maskwatch("run", "--web", "--config", self.file, "--source", self.camera.url, *options)
        self.process = self._start()
        self.client = Client(self.port)
        self.process.wait_for("the page is at")
        self.process.wait_for("watching")

    def until(self, value: Callable[[], Any], what: str, timeout: float = 60) -> Any:
        """Waits until ``value()`` is true; returns that value. The failure shows the log of the process."""
        last: Any = None

        def holds() -> bool:
            nonlocal last
            last = value()
            return bool(last)

        until(holds, lambda: f"{what}; the process printed:\n{self.process.err}", timeout, 0.1)
        return last

    def again(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Ends the process and starts it again, with the same configuration and state folder."""
        assert self.process.end(15) == 0
        meanwhile()
        self.process = self._start()
        self.process.wait_for("watching")

    def close(self) -> None:
        self.camera.close()
