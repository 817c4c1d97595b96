"""Coded streams for the tests of ``edge.camera``: the bundled clip as H.264 without a container, whole or with losses.

Nothing is encoded here: the units of the clip are taken out of its MP4 file, and bytes are taken out of the units, as
they are missing after lost packets.
"""

import http.server
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from support import PATIENCE

START = b"\0\0\0\1"


def h264_units(clip: Path) -> list[bytes]:
    """Returns the parameter sets and then one unit per picture of an MP4 file that has nothing but H.264 in it."""
    data = clip.read_bytes()
    at = data.index(b"avcC") + 4
    sets, at = [], at + 6
    for _ in range(2):  # one sequence parameter set; then, behind their number, one picture parameter set
        length = int.from_bytes(data[at : at + 2], "big")
        sets.append(data[at + 2 : at + 2 + length])
        at += 2 + length + 1
    at = data.index(b"mdat") + 4
    end = at - 8 + int.from_bytes(data[at - 8 : at - 4], "big")
    units = []
    while at < end:
        length = int.from_bytes(data[at : at + 4], "big")
        units.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return sets + units


def kind_of(unit: bytes) -> int:
    """Returns the type of a unit: 5 is a key picture, 1 another picture."""
    return unit[0] & 31


def with_losses(units: Iterable[bytes], lost: Iterable[int]) -> list[bytes]:
    """Takes the middle out of the key pictures whose numbers are ``lost``; the first key picture has number 0."""
    damaged, number = [], -1
    numbers = set(lost)
    for unit in units:
        number += kind_of(unit) == 5
        is_lost = kind_of(unit) == 5 and number in numbers
        damaged.append(unit[: len(unit) // 4] + unit[len(unit) // 2 :] if is_lost else unit)
    return damaged


def as_stream(units: Iterable[bytes]) -> bytes:
    return b"".join(START + unit for unit in units)


class StreamServer:
    """Serves one body over HTTP on loopback, in pieces with ``interval`` seconds between them, and then stays silent.

    ``headers`` are sent with it. ``requests`` counts the requests; ``hold`` keeps the answer itself back.
    """

    def __init__(
        self, pieces: Iterable[bytes], interval: float = 0.0, *, hold: bool = False, ends: bool = False, **headers: str
    ) -> None:
        self.requests = 0
        self.logins: list[str | None] = []
        body, ended = list(pieces), threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                server.logins.append(self.headers.get("Authorization"))
                if hold:
                    ended.wait()
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                try:
                    for piece in body:
                        self.wfile.write(piece)
                        if interval and ended.wait(interval):
                            return
                    if not ends:
                        ended.wait()
                except OSError:  # the client has closed the connection
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._ended = ended
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def __enter__(self) -> "StreamServer":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def frames_of(units: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the units with their start codes, the parameter sets together with the first picture."""
    waiting = b""
    for unit in units:
        waiting += START + unit
        if kind_of(unit) in (1, 5):
            yield waiting
            waiting = b""
