"""Pausing on the page: the same state as over MQTT, kept, told to every page, and refused in words."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.browsing import Watched, events_of

from edge.faces.drawing import COLOURS


@pytest.fixture
def watched(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def test_a_pause_is_the_one_of_mqtt_and_survives_a_restart(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    state = "maskwatch/entrance/enabled/state"
    with closing(Watched(maskwatch, tmp_path, "", "--broker", broker.address)) as door:
        client = door.client
        with client.stream("/events") as stream:
            events = events_of(stream)
            assert client.post("/api/pause", {"paused": True}).json == {"paused": True}
            assert next(data for kind, data in events if kind == "pause") == {"paused": True}
            door.until(lambda: received.on(state)[-1:] == [b"OFF"], "the pause at the broker")
            received.publish("maskwatch/entrance/enabled/set", b"ON")
            assert next(data for kind, data in events if kind == "pause") == {"paused": False}
        client.post("/api/pause", {"paused": True})
        door.until(lambda: received.on(state)[-1:] == [b"OFF"], "the second pause at the broker")
        door.again()
        door.until(lambda: client.ask("/api/now").json.get("pause") == {"paused": True}, "the pause after a restart")
        assert "paused, until it is resumed" in door.process.err


def red(jpeg: bytes) -> int:
    """Counts the pixels in the colour of a bare face's box."""
    image = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.int16)
    return int((np.abs(image - COLOURS["no_mask"]).max(axis=2) < 40).sum())


def test_without_a_broker_a_pause_stops_alerts_and_is_said_everywhere(watched: Watched) -> None:
    client = watched.client
    watched.until(lambda: client.ask("/api/now").json.get("pause") == {"paused": False}, "watching")
    watched.until(lambda: client.ask("/healthz").json == {"status": "ok"}, "health")
    assert "maskwatch_paused 0.0" in client.ask("/metrics").text
    watched.until(lambda: red(client.ask("/live.jpg").body) > 500, "the box of a face")
    client.post("/api/pause", {"paused": True})
    watched.until(lambda: red(client.ask("/live.jpg").body) < 50, "no box of a search that is over")
    assert client.ask("/api/now").json["pause"] == {"paused": True}, "the next answer says it"
    answer = client.ask("/healthz")
    assert (answer.status, answer.json) == (200, {"status": "paused"}), "somebody paused on purpose: no problem"
    assert "maskwatch_paused 1.0" in client.ask("/metrics").text
    watched.until(lambda: client.ask("/api/now").json["state"]["people"] == 0, "nobody is counted")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"paused": 1}', b'{"paused": true, "x": 1}', b'{"pause": true}'])
def test_anything_else_is_refused_in_a_sentence(watched: Watched, body: bytes) -> None:
    answer = watched.client.ask("/api/pause", "POST", body, Content_Type="application/json")
    assert answer.status == 400 and len(json.loads(answer.body)["error"]) > 10
    assert not watched.client.ask("/api/now").json.get("pause", {}).get("paused")


def test_the_camera_says_what_it_sees_nothing_for_and_since_when(watched: Watched) -> None:
    client = watched.client
    watched.until(lambda: client.ask("/api/faces").json["faces"], "a face in view")
    watched.camera.unplug()
    watched.until(lambda: client.ask("/api/now").json.get("camera", {}).get("condition") == "lost", "the lost camera")
    camera = client.ask("/api/now").json["camera"]
    assert camera["reason"] and camera["since"].endswith("Z")
    assert client.ask("/api/faces").json == {"faces": []}, "nobody is in view"
    assert client.ask("/api/aim").json["widths"] == []
    image = client.ask("/live.jpg")
    assert image.status == 200 and image.headers["Last-Modified"], "the old image says when it was taken"
