"""What every address of the page answers: HEAD without a body, and files compressed and kept by the browser."""

import gzip
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched

from edge.web import routes
from edge.web.assets import file_routes
from edge.web.viewers import MAX_VIEWERS

READ = re.findall(r'web\.get\("([^"]+)"', Path(routes.__file__).read_text("utf-8"))
PATHS = [re.sub(r"\{.*\}", "01a20696-75ce-7c37-871a-000000000000", path) for path in READ]
FILES = [route.path for route in file_routes()]


@pytest.fixture
def served(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as watched:
        watched.until(lambda: watched.client.ask("/live.jpg").status == 200, "the first frame")
        yield watched


def answer_to(watched: Watched, request: str) -> tuple[int, dict[str, str], bytes]:
    """Sends a request as it is and reads until nothing comes for two seconds, or the connection ends."""
    with socket.create_connection(("127.0.0.1", watched.port), 10) as connection:
        connection.sendall(f"{request} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


def test_head_is_answered_at_once_and_without_a_body(served: Watched) -> None:
    for path in (*PATHS, *FILES, "/api/check", "/api/settings", "/nowhere"):
        status, headers, body = answer_to(served, f"HEAD {path}")
        assert body == b"" and status in (200, 404, 405, 503), (path, status)
        if status == 200:
            assert headers["content-type"].partition(";")[0] != "application/octet-stream", path


def test_streams_take_no_place_for_head_and_pass_proxies_at_once(served: Watched) -> None:
    for path in ("/live.mjpeg", "/events"):
        for _ in range(MAX_VIEWERS + 20):
            status, headers, _ = answer_to(served, f"HEAD {path}")
            assert status == 200
        assert headers["x-accel-buffering"] == "no" and "no-transform" in headers["cache-control"]
        assert "content-encoding" not in headers and "content-length" not in headers


def test_a_file_is_sent_compressed_and_asked_for_again_cheaply(served: Watched) -> None:
    for path in ("/", "/login", *FILES):
        check_file(served, path)


def check_file(served: Watched, path: str) -> None:
    plain, packed = served.client.ask(path), served.client.ask(path, Accept_Encoding="gzip, deflate, br")
    assert "Content-Encoding" not in plain.headers and plain.headers["Cache-Control"] == "no-cache"
    if path.endswith((".js", ".css")) or path in ("/", "/login"):
        assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
        assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body)
    for answer, accepted in ((plain, "identity"), (packed, "gzip, deflate, br")):
        again = served.client.ask(path, Accept_Encoding=accepted, If_None_Match=answer.headers["ETag"])
        assert again.status == 304 and again.body == b"" and again.headers["ETag"] == answer.headers["ETag"]
    assert served.client.ask(path, If_None_Match='"another"').status == 200


def test_what_is_not_a_file_is_kept_by_nobody_and_never_compressed(served: Watched) -> None:
    for path in ("/api/now", "/api/alerts", "/live.jpg", "/metrics", "/healthz", "/nowhere"):
        answer = served.client.ask(path, Accept_Encoding="gzip")
        assert answer.headers["Cache-Control"] == "no-store" and "Content-Encoding" not in answer.headers, path


def test_the_live_image_is_sent_again_only_when_there_is_another(served: Watched) -> None:
    first = served.client.ask("/live.jpg?viewer=a")
    assert first.headers["ETag"] and first.headers["Content-Type"] == "image/jpeg"
    served.until(
        lambda: served.client.ask("/live.jpg?viewer=a", If_None_Match=first.headers["ETag"]).status == 200,
        "another image",
    )
    tags = [served.client.ask("/live.jpg?viewer=a").headers["ETag"] for _ in range(2)]
    statuses = {served.client.ask("/live.jpg?viewer=a", If_None_Match=tag).status for tag in tags}
    assert statuses <= {200, 304}


def test_viewers_that_ask_for_images_share_the_places_with_streams(maskwatch: Any, tmp_path: Path) -> None:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as watched:
        watched.until(lambda: watched.client.ask("/live.jpg").status == 200, "the first frame")
        for number in range(MAX_VIEWERS):
            assert watched.client.ask(f"/live.jpg?viewer={number}").status == 200
        refused = watched.client.ask("/live.jpg?viewer=another")
        assert refused.status == 503 and refused.json["viewers"] == MAX_VIEWERS
        assert refused.json["error"].startswith("4 browsers show the live image")
        assert watched.client.ask("/live.jpg?viewer=0").status == 200, "a viewer keeps its place"
        assert watched.client.ask("/live.jpg").status == 200, "a single image takes no place"
        watched.until(lambda: watched.client.ask("/live.jpg?viewer=another").status == 200, "a place that was left")
