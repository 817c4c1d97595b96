"""An HTTP server that takes texts for a phone, as ntfy does."""

import json
import socket
import sqlite3
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.brokers import free_port

from edge.mqtt.messages import utc_now


@dataclass(frozen=True)
class Posted:
    """One request, and the time (monotonic) of its arrival."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Server:
    """Answers every request with the status ``code`` and ``headers``.

    ``answers`` are given first, one a request: (status, headers). ``answer``, if set, is called with the request
    instead. ``requests`` are all requests, ``texts`` the paths and bodies of the POSTs that were accepted.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port, self.code, self.headers = port or free_port(), 200, dict[str, str]()
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.answer: Callable[[Posted], tuple[int, dict[str, str]]] | None = None
        self.requests: list[Posted] = []
        self.accepted: list[Posted] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def texts(self) -> list[tuple[str, str]]:
        return [(one.path, one.body.decode("utf-8", "replace")) for one in list(self.accepted)]

    @property
    def messages(self) -> list[str]:
        """The accepted texts, wherever they are: ntfy takes them in a header where the body is a picture."""
        return [one.headers.get("Message") or one.body.decode() for one in list(self.accepted)]

    def start(self, tls: ssl.SSLContext | None = None) -> "Server":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed
                    return
                posted = Posted(self.command, self.path, dict(self.headers), body, time.monotonic())
                code, headers = outer._answer(posted)
                self.send_response_only(code)
                for name, value in {"Date": self.date_time_string(), **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def _answer(self, posted: Posted) -> tuple[int, dict[str, str]]:
        self.requests.append(posted)
        if self.answer:
            code, headers = self.answer(posted)
        elif self.answers:
            code, headers = self.answers.pop(0)
        else:
            code, headers = self.code, self.headers
        if code == 200 and posted.method == "POST":
            self.accepted.append(posted)
        return code, headers

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/secret-door"


class SilentServer:
    """A server that accepts connections and reads, and answers nothing, or one byte now and then."""

    def __init__(self, drips: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"
        self.connected = threading.Event()
        self._drips = drips
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                self.connected.set()
                while self._drips:
                    connection.sendall(b"H")
                    time.sleep(0.02)
                while connection.recv(4096):
                    pass
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()


def alert(device: str, **values: Any) -> bytes:
    """The payload of an alert that was raised now."""
    message = {
        "schema": 1, "event_type": "no_mask", "id": str(uuid.uuid4()), "device": device, "time": utc_now(),
        "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
        "clock_synced": True, "model": "m@1", "snapshot": False,
    }  # fmt: skip
    return json.dumps(message | values).encode()


def waiting(folder: Path) -> int:
    """The texts that wait on the disk of a process that was started in this folder."""
    with closing(sqlite3.connect(folder / "state" / "maskwatch" / "entrance" / "texts.db")) as db:
        return int(db.execute("SELECT count(*) FROM waiting").fetchone()[0])


def configured(folder: Path, **phone: Any) -> Path:
    """A configuration file with these options in its section for the phone."""
    file = folder / "phone.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in phone.items()]
    file.write_text("[phone]\n" + "\n".join(lines))
    return file
