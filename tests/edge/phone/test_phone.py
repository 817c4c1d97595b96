"""The phone with a real disk and a real HTTP server that accepts, refuses, stops and starts again."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.phone import Server

from edge.config.phone import PhoneConfig
from edge.mqtt.messages import UNBLURRED, AlertMessage, utc_now
from edge.phone.destination import Destination
from edge.phone.phone import Phone
from edge.phone.store import Store
from edge.timing import Backoff

JPEG = b"\xff\xd8\xff\xe0picture"
Opener = Callable[..., Phone]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def phone(server: Server, tmp_path: Path) -> Iterator[Opener]:
    """Starts a phone with the given options, and ends the one before, as a restart does."""
    running: list[tuple[Phone, Store]] = []

    def end() -> None:
        for one, store in running:
            one.close()
            store.close()
        running.clear()

    def start(link: str = "", limits: Any = None, **options: Any) -> Phone:
        end()
        store = Store(tmp_path / "texts.db")
        config = PhoneConfig(**{"burst": 0, **options})
        backoff = Backoff(0.05, 0.2)
        running.append((Phone(config, link, Destination(server.url), store, backoff=backoff, **limits or {}), store))
        return running[-1][0]

    yield start
    end()


def ring(phone: Phone, device: str, id: str, **values: Any) -> bool:
    alert = {
        "schema": 1, "event_type": "no_mask", "id": id, "device": device, "time": utc_now(), "score": 0.9,
        "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480], "clock_synced": True,
        "model": "m@1", "snapshot": False,
    } | values  # fmt: skip
    payload = json.dumps(alert).encode()
    return phone.alert(AlertMessage.decode(payload), payload)


def devices(server: Server) -> list[str]:
    return [text.partition(":")[0] for text in server.messages]


def test_texts_arrive_in_order_when_the_server_starts(
    phone: Opener, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one = phone()
    for number in range(5):
        assert ring(one, f"door{number}", str(number))
    until(lambda: "cannot be reached" in caplog.text)
    assert not ring(one, "door0", "0"), "the same id"
    server.start()
    until(lambda: len(server.texts) == 5)
    assert devices(server) == [f"door{number}" for number in range(5)]
    assert caplog.text.count("cannot be reached") == 1 and "accepts texts again" in caplog.text
    assert "secret-door" not in caplog.text


def test_texts_survive_restarts_and_no_id_rings_twice(phone: Opener, server: Server) -> None:
    for number in range(5):
        one = phone()
        assert ring(one, f"door{number}", str(number))
    server.start()
    one = phone()
    until(lambda: len(server.texts) == 5)
    assert devices(server) == [f"door{number}" for number in range(5)]
    one = phone()
    assert not any(ring(one, "door", str(number)) for number in range(5))


def test_a_text_is_repeated_after_503_and_401_and_dropped_after_404(
    phone: Opener, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one = phone()
    server.start()
    for code in (503, 401, 404):
        server.code = code
        ring(one, f"at{code}", str(code))
        until(lambda code=code: f"answers {code}" in caplog.text)
        server.code = 200
        ring(one, f"after{code}", f"after{code}")
        until(lambda code=code: f"after{code}" in devices(server))
    assert devices(server) == ["at503", "after503", "at401", "after401", "after404"]
    assert "answers 404; check the path of the address; the text was dropped" in caplog.text
    assert "then restart; texts wait" in caplog.text


def test_retry_after_is_obeyed(phone: Opener, server: Server) -> None:
    server.answers = [(503, {"Retry-After": "3"}), (429, {"Retry-After": "2"})]
    one = phone()
    server.start()
    ring(one, "porch", "a")
    until(lambda: server.texts)
    times = [posted.at for posted in server.requests]
    assert times[1] - times[0] >= 3 and times[2] - times[1] >= 2 and len(times) == 3


def test_the_newest_alerts_are_kept_and_the_drop_is_said(
    phone: Opener, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one = phone(limits={"max_waiting": 20})
    for number in range(27):
        ring(one, str(number), str(number))
    assert caplog.text.count("the oldest is dropped") == 1
    server.start()
    until(lambda: len(server.texts) == 20)
    assert devices(server) == [str(number) for number in range(7, 27)]


def test_an_old_text_is_dropped_and_that_is_said(
    phone: Opener, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one = phone(limits={"max_age": 1.0})
    ring(one, "old", "a")
    until(lambda: "1 alerts were dropped" in caplog.text)
    server.start()
    ring(one, "new", "b")
    until(lambda: server.texts)
    assert devices(server) == ["new"]


def test_a_burst_becomes_one_text(phone: Opener, server: Server) -> None:
    server.start()
    one = phone(burst=2)
    ring(one, "porch", "0")
    until(lambda: server.texts)
    for number in range(1, 5):
        ring(one, "porch", str(number))
    ring(one, "back", "b")
    until(lambda: len(server.texts) == 3)
    assert server.messages[1].startswith("back: no mask")
    assert server.messages[2].startswith("porch: 5 people without mask in 1 minute (4 more since ")


def test_ntfy_gets_headers_that_are_safe_whatever_a_door_is_called(phone: Opener, server: Server) -> None:
    server.start()
    one = phone("http://{device}:8080/")
    ring(one, "tür\r\nX-Bad: 1", "a")
    until(lambda: server.accepted)
    headers = server.accepted[0].headers
    assert headers["Title"].startswith("=?UTF-8?B?")
    assert headers["Click"] == "http://t%C3%BCr%0D%0AX-Bad%3A%201:8080/"
    assert "X-Bad" not in headers and headers["Priority"] == "4" and headers["Tags"] == "mask"
    assert server.accepted[0].body.decode().startswith("tür??X-Bad: 1: no mask, ")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_other_formats(phone: Opener, server: Server, form: str) -> None:
    server.start()
    one = phone("http://door/", format=form)
    assert not one.wants_pictures
    ring(one, "porch", "a", snapshot=True)
    until(lambda: server.accepted)
    (posted,) = server.accepted
    if form == "plain":
        assert posted.body.startswith(b"porch: no mask, ") and not {"Title", "Click"} & posted.headers.keys()
    else:
        message = json.loads(posted.body)
        assert message.pop("message").startswith("porch: no mask, ")
        assert message == {"title": "porch: no mask", "priority": 4, "device": "porch", "click": "http://door/"}


@pytest.mark.parametrize("first", ["alert", "snapshot"])
def test_a_picture_finds_its_alert_in_either_order(phone: Opener, server: Server, first: str) -> None:
    server.start()
    one = phone()
    if first == "snapshot":
        one.snapshot("porch", JPEG)
    ring(one, "back", "b", snapshot=True)
    ring(one, "porch", "a", snapshot=True)
    if first == "alert":
        one.snapshot("porch", JPEG)
    one.snapshot("back", UNBLURRED + b"face")
    one.snapshot("back", b"no JPEG")
    until(lambda: len(server.accepted) == 2)
    by_door = {(posted.headers.get("Message") or posted.body.decode())[:4]: posted for posted in server.accepted}
    assert by_door["porc"].body == JPEG and by_door["porc"].headers["Filename"] == "snapshot.jpg"
    assert by_door["back"].body.startswith(b"back: no mask")


def test_a_picture_that_is_refused_does_not_hold_up_its_text(phone: Opener, server: Server) -> None:
    server.answer = lambda posted: (413 if posted.body == JPEG else 200, {})
    server.start()
    one = phone()
    ring(one, "porch", "a", snapshot=True)
    one.snapshot("porch", JPEG)
    until(lambda: server.accepted)
    assert server.accepted[0].body.startswith(b"porch: no mask") and len(server.requests) == 2


def test_quiet_hours_hold_texts_back_over_a_restart(phone: Opener, server: Server) -> None:
    server.start()
    clock = time.localtime()
    start, end = (f"{(clock.tm_hour + hours) % 24:02}:00" for hours in (-1, 2))
    one = phone(quiet=f"{start}-{end}")
    ring(one, "porch", "a")
    ring(one, "back", "b")
    one.test("porch")
    until(lambda: server.texts)
    one = phone(quiet=f"{start}-{end}")
    time.sleep(0.5)
    assert [text.partition(",")[0] for text in server.messages] == ["porch: a test"]
    phone()
    until(lambda: len(server.texts) == 3)
    assert sorted(devices(server)[1:]) == ["back", "porch"]


def test_faults_ring_by_option(phone: Opener, server: Server) -> None:
    server.start()
    one = phone()
    one.status("gone", False)
    one = phone(fault_after=0.5)
    one.status("gone", False)
    until(lambda: len(server.texts) == 1)
    one = phone(fault_after=0.5)
    one.status("gone", False)
    one.status("well", True)
    one.status("blip", False)
    one.status("blip", True)
    time.sleep(1.5)
    one.status("gone", True)
    until(lambda: len(server.texts) == 2)
    assert [text.rpartition(",")[0] for text in server.messages] == [
        "gone is offline: no power, no network, or stopped", "gone works again"
    ]  # fmt: skip
