"""``maskwatch watch --post`` with a real HTTP server: addresses, logins, ``--test``, and texts about alerts."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.phone import Server, alert

CANARY = "c4n4ry"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_test_is_posted_once_and_the_answer_shown(server: Server, maskwatch: Any, tmp_path: Path) -> None:
    address = secret(tmp_path / "phone", server.url + "\n")
    test = maskwatch("watch", "--test", "--post", address)
    assert test.end() == 0 and test.out == "127.0.0.1 has accepted the test\n", test.err
    (posted,) = server.accepted
    assert posted.headers["Title"] == "maskwatch: test" and b": a test, " in posted.body
    server.code = 403
    test = maskwatch("watch", "--test", "--post", address)
    assert test.end() == 1 and "127.0.0.1 answers 403" in test.out
    server.stop()
    test = maskwatch("watch", "--test", "--post", address)
    assert test.end() == 1 and "127.0.0.1 cannot be reached: " in test.out


def test_a_test_needs_an_address_which_the_service_hands_over_as_a_credential(
    server: Server, maskwatch: Any, tmp_path: Path
) -> None:
    test = maskwatch("watch", "--test")
    assert test.end() == 2 and "--test needs an address" in test.err
    secret(tmp_path / "phone", server.url + "\n")
    secret(tmp_path / "phone-token", "tk_1\n")
    test = maskwatch("watch", "--test", env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert test.end() == 0, test.err
    assert server.accepted[0].headers["Authorization"] == "Bearer tk_1"


def test_a_token_comes_from_a_file_that_not_everybody_can_read(server: Server, maskwatch: Any, tmp_path: Path) -> None:
    file = secret(tmp_path / "token", "tk_abc\n")
    assert maskwatch("watch", "--test", "--post", server.url, "--post-token", file).end() == 0
    assert server.accepted[0].headers["Authorization"] == "Bearer tk_abc"
    refused = maskwatch("watch", "--test", "--post", server.url, "--post-token", secret(file, CANARY, 0o644))
    assert refused.end() == 2 and "chmod 640" in refused.err and CANARY not in refused.err
    refused = maskwatch("watch", "--test", "--post", server.url, "--post-token", secret(file, f"{CANARY}\nx"))
    assert refused.end() == 2 and "the token alone" in refused.err and CANARY not in refused.err
    empty = maskwatch("watch", "--test", "--post", server.url, "--post-token", secret(file, "\r\n"))
    assert empty.end() == 2 and "is empty; write the token into it" in empty.err
    os.mkfifo(tmp_path / "fifo", 0o600)
    refused = maskwatch("watch", "--test", "--post", server.url, "--post-token", tmp_path / "fifo")
    assert refused.end() == 2 and "cannot be read: it is a named pipe" in refused.err
    both = server.url.replace("//", f"//user:{CANARY}@")
    refused = maskwatch("watch", "--test", "--post", both, "--post-token", secret(file, "tk"))
    assert refused.end() == 2 and "use one of them" in refused.err and CANARY not in refused.err


@pytest.mark.parametrize(
    "address",
    [
        f"ntfy.sh/{CANARY}",
        f"user:{CANARY}@ntfy.sh/door",
        f"ftp://user:{CANARY}@ntfy.sh/door",
        f"https://user:{CANARY}/x@ntfy.sh/door",
        f"https://user:{CANARY}?x@ntfy.sh/door",
        f"https://user:{CANARY}#x@ntfy.sh/door",
        f"https://user:12/{CANARY}@ntfy.sh/door",
        f"https://user:{CANARY}@/door",
        f"https://user:{CANARY}@ntfy.sh:port/door",
        f"https://user:{CANARY}@[::1/door",
        f"https://user:{CANARY} @ntfy.sh/door",
        f"https://user:{CANARY}ü@ntfy.sh/door",
        f"https://ntfy.sh/{CANARY}\nhttps://ntfy.sh/other",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_never_shown(address: str, maskwatch: Any) -> None:
    refused = maskwatch("watch", "--test", "--post", address)
    assert refused.end() == 2 and len(refused.err.splitlines()) == 1, refused.err
    assert "https://" in refused.err and CANARY not in refused.err + refused.out and "Traceback" not in refused.err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"ntfy.sh/c4n4ry"], ids=["empty", "not UTF-8", "no address"])
def test_a_file_without_an_address_is_refused(content: bytes, maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "phone").write_bytes(content)
    refused = maskwatch("watch", "--post", tmp_path / "phone")
    assert refused.end() == 2 and "--post" in refused.err and CANARY not in refused.err
    os.mkfifo(tmp_path / "fifo")
    unwritten = maskwatch("watch", "--post", tmp_path / "fifo")
    assert unwritten.end() == 2 and "the file is empty" in unwritten.err, "nobody writes: no reason to wait for ever"
    missing = maskwatch("watch", "--post", tmp_path / "missing")
    assert missing.end() == 2 and "nor a file that can be read: No such file or directory" in missing.err


def test_the_address_may_come_through_a_pipe(server: Server, maskwatch: Any, tmp_path: Path) -> None:
    """As a shell hands over the output of a password manager, which may take a while: ``--post <(pass ntfy)``."""
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["sh", "-c", f"exec >{tmp_path}/fifo; sleep 1; echo {server.url}"]):
        with (tmp_path / "fifo").open("rb") as held:  # a pipe that is handed over is open, and has its writer
            test = maskwatch("watch", "--test", "--post", tmp_path / "fifo")
            assert test.end() == 0, test.err
            assert held.read() == b""


HOSTILE = (
    alert("X").replace(b'"X"', b'"po\\ud800rch"'), alert("p", id="X").replace(b'"X"', b'"\\udfff"'),
    alert("p" * 1_000_000), alert("p", score=10**400), alert("p", box=[-(10**4299), 1, 10**4299, 2]), b"[" * 100_000,
)  # fmt: skip
"""What is no alert, but looks like one: text that cannot be encoded, and numbers that cannot be shown."""


def test_no_message_keeps_the_next_alerts_from_the_phone(
    server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any, tmp_path: Path
) -> None:
    """More than the 20 messages that a broker sends without an acknowledgement."""
    broker = mosquitto().start()
    config = secret(tmp_path / "my.toml", "[phone]\nburst = 0\npage = 'http://{device}.local/'\n")
    watch = maskwatch("watch", "--broker", broker.address, "--post", server.url, "--config", config)
    watch.wait_for("connected to the broker")
    client = subscriber(broker.port)
    for payload in HOSTILE * 5:
        client.publish("maskwatch/porch/alert", payload)
    client.publish("maskwatch/porch/alert", alert("a\r\nX-Evil: 1\r\n\r\nb 🚪"))
    client.publish("maskwatch/porch/alert", alert("porch"))
    until(lambda: len(server.accepted) == 2, lambda: watch.err[-2000:])
    assert (
        server.messages[0].startswith("a??X-Evil: 1????b 🚪: no mask, ") and "X-Evil" not in server.accepted[0].headers
    )
    assert server.messages[1].startswith("porch: no mask, ")
    assert "Traceback" not in watch.err and "cannot be written" not in watch.err
    assert watch.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("hours", ["25:00-06:00", "22-6", "22:00", "22:00-22:00", "night"])
def test_wrong_quiet_hours_are_refused(hours: str, maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(f"[phone]\nquiet = '{hours}'\n")
    refused = maskwatch("watch", "--config", tmp_path / "my.toml", "--post", "https://ntfy.sh/x")
    assert refused.end() == 2 and "phone.quiet" in refused.err and "HH:MM-HH:MM" in refused.err


def test_watch_posts_alerts(server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    address = secret(tmp_path / "phone", server.url.replace("//", "//us%40er:p%3Aw%2F%C3%BC@") + "\n")
    config = secret(tmp_path / "my.toml", "[phone]\nburst = 0\n")
    watch = maskwatch("watch", "--broker", broker.address, "--post", address, "--config", config)
    client = subscriber(broker.port)
    raised = {
        "schema": 1, "event_type": "incorrect_mask", "id": "a", "device": "porch", "time": "2026-11-25T05:00:00.000Z",
        "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
        "clock_synced": True, "model": "m@1", "snapshot": False,
    }  # fmt: skip
    watch.wait_for("waiting for alerts")
    until(lambda: client.publish("maskwatch/porch/status", b"online") or "porch  is online" in watch.out)
    for message in (raised, raised, raised | {"id": "b", "event_type": "no_mask"}):
        client.publish("maskwatch/porch/alert", json.dumps(message).encode())
    client.publish("maskwatch/porch/alert", b"{}")
    until(lambda: len(server.texts) == 2)
    assert [text.rpartition(",")[0] for text in server.messages] == ["porch: mask worn incorrectly", "porch: no mask"]
    login = base64.b64encode("us@er:p:w/ü".encode()).decode()
    assert {posted.headers["Authorization"] for posted in server.accepted} == {f"Basic {login}"}
    assert watch.end(signal.SIGTERM) == 0
    assert not any(word in watch.err + watch.out for word in ("p%3Aw", "p:w", "secret-door", login))
