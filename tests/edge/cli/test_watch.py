"""``maskwatch watch --post`` with a real HTTP server that accepts texts, refuses them, stops and starts again."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.phone import Server

from edge.cli.watch import MAX_WAITING, Poster, read_url
from edge.errors import ConfigError
from edge.timing import Backoff


def quick() -> Backoff:
    return Backoff(0.05, 0.2)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def test_texts_arrive_in_order_when_the_server_starts(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    poster = Poster(server.url, quick())
    for number in range(5):
        poster(f"text {number}")
    until(lambda: "cannot be reached" in caplog.text)
    server.start()
    until(lambda: len(server.texts) == 5)
    assert server.texts == [("/secret-door", f"text {number}") for number in range(5)]
    assert caplog.text.count("cannot be reached") == 1 and "accepts texts again" in caplog.text
    assert "secret-door" not in caplog.text
    poster.close()


def test_a_text_is_repeated_after_503_and_dropped_after_404(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.code = 503
    poster = Poster(server.start().url, quick())
    poster("later")
    until(lambda: "answers 503" in caplog.text)
    server.code = 200
    until(lambda: server.texts)
    server.code = 404
    poster("refused")
    until(lambda: "answers 404" in caplog.text)
    server.code = 200
    poster("after")
    until(lambda: len(server.texts) == 2)
    assert [text for _, text in server.texts] == ["later", "after"]
    poster.close()


def test_the_newest_texts_are_kept(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    poster = Poster(server.url, quick())
    for number in range(MAX_WAITING + 7):
        poster(str(number))
    server.start()
    until(lambda: len(server.texts) == MAX_WAITING)
    assert [int(text) for _, text in server.texts] == list(range(7, MAX_WAITING + 7))
    poster.close()


@pytest.mark.parametrize("url", ["ntfy.sh/door", "ftp://a/b", "https://", "http://a/\nb", "https://a/ü"])
def test_an_unusable_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="ntfy.sh"):
        Poster(url)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nor a file that can be read"):
        read_url(str(tmp_path / "phone"))


def test_watch_posts_alerts(server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    (tmp_path / "phone").write_text(server.start().url + "\n")
    watch = maskwatch("watch", "--broker", broker.address, "--post", tmp_path / "phone")
    client = subscriber(broker.port)
    alert = {
        "schema": 1, "event_type": "incorrect_mask", "id": "a", "device": "porch", "time": "2026-11-25T05:00:00.000Z",
        "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
        "clock_synced": True, "model": "m@1", "snapshot": False,
    }  # fmt: skip
    watch.wait_for("waiting for alerts")
    until(lambda: client.publish("maskwatch/porch/status", b"online") or "porch  is online" in watch.out)
    for message in (alert, alert, alert | {"id": "b", "event_type": "no_mask"}):
        client.publish("maskwatch/porch/alert", json.dumps(message).encode())
    until(lambda: len(server.texts) == 2)
    assert [text.rpartition(",")[0] for _, text in server.texts] == ["porch: mask worn incorrectly", "porch: no mask"]
    assert watch.end(signal.SIGTERM) == 0
