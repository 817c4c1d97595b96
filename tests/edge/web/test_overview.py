"""``maskwatch watch --web``: all doors of a real broker on one page."""

import json
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import until
from support.brokers import Mosquitto, free_port
from support.browsing import Client, events_of
from support.many_doors import Doors

from edge.mqtt.messages import Health, State, encode
from edge.serving.passwords import hash_password

TODAY = {"people": 20, "mask": 18, "alerts": 2}


class Overview:
    """A broker, doors at it, and ``maskwatch watch --web``."""

    def __init__(self, maskwatch: Any, broker: Mosquitto, *more: str) -> None:
        self.broker = broker
        self.port = free_port()
        self.process = maskwatch("watch", "--broker", broker.address, "--web", "--web-port", self.port, *more)
        self.client = Client(self.port)
        self.process.wait_for("the page is at")

    @property
    def rows(self) -> dict[str, Any]:
        return {row["name"]: row for row in self.client.ask("/api/doors").json["rows"]}

    def until(self, name: str, **wanted: Any) -> dict[str, Any]:
        def holds() -> bool:
            row = self.rows.get(name, {})
            return bool(row) and all(row[key] == value for key, value in wanted.items())

        until(holds, lambda: f"{name} is {wanted}, not {self.rows.get(name)}; log: {self.process.err}", 30, 0.1)
        return dict(self.rows[name])


@pytest.fixture
def overview(maskwatch: Any, mosquitto: Any) -> Overview:
    return Overview(maskwatch, mosquitto().start())


@pytest.fixture
def doors(overview: Overview) -> Iterator[Doors]:
    with Doors(overview.broker.port) as connected:
        yield connected


def test_a_door_is_shown_with_all_that_it_says(overview: Overview, doors: Doors) -> None:
    doors.announce("porch", "https://{device}.example.org/", people=2, mask=2, today=TODAY)
    row = overview.until("porch", standing="good", today=TODAY, people=2)
    assert row["link"] == "https://porch.example.org/" and row["since"] and not row["at_least"]
    doors.say("porch", "state", encode(State("ON", 1, 0, 1, TODAY)))
    overview.until("porch", standing="bare")
    doors.say("porch", "health", encode(Health("lost", "mask@1234", "the camera is lost: unplugged")))
    overview.until("porch", standing="camera", camera="lost", problem="the camera is lost: unplugged")
    doors.say("porch", "health", encode(Health("ok", "mask@1234", "the disk is full")))
    doors.say("porch", "state", encode(State(today=TODAY)))
    overview.until("porch", standing="problem")
    doors.say("porch", "enabled/state", b"OFF")
    overview.until("porch", standing="paused")
    doors.say("porch", "status", b"offline")
    overview.until("porch", standing="offline", today=None)


def test_a_door_whose_retained_messages_are_deleted_disappears(overview: Overview, doors: Doors) -> None:
    doors.announce("old")
    doors.announce("kept")
    overview.until("old", standing="good")
    doors.take_back("old")
    until(lambda: list(overview.rows) == ["kept"], lambda: f"old is gone: {overview.rows}", 30)


def test_a_door_deleted_while_the_broker_was_away_disappears_too(overview: Overview) -> None:
    with Doors(overview.broker.port) as doors:
        doors.announce("old")
        overview.until("old", standing="good")
    with overview.client.stream("/events") as stream:
        events = events_of(stream)
        assert next(events)[1]["broker"]["connected"]
        overview.broker.kill()  # it keeps nothing on disk
        assert next((kind, data["connected"]) for kind, data in events if kind == "broker") == ("broker", False)
        overview.broker.start()
        assert next((kind, data["connected"]) for kind, data in events if kind == "broker") == ("broker", True)
    until(lambda: not overview.rows, lambda: f"the door is gone: {overview.rows}", 60)


def test_odd_messages_of_strangers_are_left_out(overview: Overview, doors: Doors) -> None:
    doors.announce("porch", "javascript:alert(1)")
    for name, kind, payload in (
        ("Bad Name", "status", b"online"),
        ("x" * 65, "status", b"online"),
        ("porch", "state", b"[" * 5000),
        ("porch", "health", b'{"camera": ["ok"], "problem": {"a": 1}}'),
        ("porch", "alert", b"\xff"),
        ("porch", "state", b'{"people": -1, "today": {"people": "many"}}'),
    ):
        doors.say(name, kind, payload, retain=False).wait_for_publish(20)
    row = overview.until("porch", people=None)
    assert list(overview.rows) == ["porch"] and row["link"] == "" and row["today"]["people"] is None
    assert "Traceback" not in overview.process.err


def test_a_health_that_cannot_be_read_solves_no_problem(overview: Overview, doors: Doors) -> None:
    doors.announce("porch")
    doors.say("porch", "health", encode(Health("lost", "mask@1234", "the camera is lost: unplugged")))
    overview.until("porch", standing="camera")
    for payload in (b"\xff\xfe", b"null", b"[]", b"{", b"{}"):
        doors.say("porch", "health", payload).wait_for_publish(20)
    doors.say("porch", "state", encode(State(people=3)))
    assert overview.until("porch", people=3)["standing"] == "camera"


def test_200_doors(overview: Overview, doors: Doors) -> None:
    names = [f"door-{number:03}" for number in range(200)]
    for name in names:
        doors.announce(name, today=TODAY)
    until(lambda: list(overview.rows) == names, lambda: f"{len(overview.rows)} doors", 60)
    with overview.client.stream("/events") as stream:
        events = events_of(stream)
        assert len(next(events)[1]["rows"]) == 200
        doors.say("door-117", "status", b"offline")
        kind, data = next(events)
        assert kind == "doors" and [row["name"] for row in data["rows"]] == ["door-117"], "only what has changed"
    process = psutil.Process(overview.process.popen.pid)
    assert not [file.path for file in process.memory_maps() if "cv2" in file.path or "numpy" in file.path]
    print(f"resident memory with 200 doors: {process.memory_info().rss / 1e6:.0f} MB")
    assert process.memory_info().rss < 120e6
    assert overview.process.end(signal.SIGTERM, 15) == 0


def test_the_overview_needs_the_password_and_changes_nothing(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    file.write_text(f'[web]\npassword_hash = "{hash_password("correct horse")}"\n')
    client = Overview(maskwatch, mosquitto().start(), "--config", str(file)).client
    assert (
        client.ask("/").status == 303 and client.ask("/api/doors").status == 401 and client.ask("/events").status == 401
    )
    assert client.ask("/healthz").status in (200, 503)
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = client.ask("/login", "POST", b"password=correct horse", **form)
    client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    assert "overview.js" in client.ask("/").text
    for path in ("/api/settings", "/api/pause", "/api/test", "/api/doors"):
        assert client.post(path, {}).status in (404, 405), path
    assert client.ask("/", Host="evil.example").status == 421


def test_the_whole_network_needs_a_password(maskwatch: Any) -> None:
    process = maskwatch("watch", "--web", "--web-host", "0.0.0.0")
    assert process.end() == 2 and "maskwatch set --web-password" in process.err
    process = maskwatch("watch", "--web", "--web-port", "99999")
    assert process.end() == 2 and "web.port = 99999: out of range (allowed: 1 to 65535)" in process.err


def test_the_first_event_has_every_door(overview: Overview, doors: Doors) -> None:
    doors.announce("porch")
    overview.until("porch", standing="good")
    with overview.client.stream("/events") as stream:
        ((kind, data),) = islice(events_of(stream), 1)
    assert kind == "now" and [row["name"] for row in data["rows"]] == ["porch"] and json.dumps(data)
