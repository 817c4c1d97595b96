"""What the loop leaves for who looks on."""

import logging
from typing import Any

import numpy as np
import pytest

from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.mqtt.messages import Health, State, Stats
from edge.web.bus import AFTERGLOW, Bus

IMAGE = np.zeros((48, 64, 3), np.uint8)
FACE = Face(Box(1, 2, 11, 12), {"mask": 1.0})
STATS = Stats(15.0, 1, 0, 1.0, 1.0, 2.0, None, None, 90.0, 0, 1)


def test_the_newest_picture_and_messages_are_there() -> None:
    bus = Bus()
    assert bus.sight is None
    bus.see(IMAGE, [FACE], lambda: STATS)
    bus.see(IMAGE, [], lambda: STATS)
    assert bus.sight is not None and bus.sight.number == 1 and bus.sight.faces == []
    assert bus.sight.recent == (FACE.box,), f"for {AFTERGLOW} s, though the detector misses it"
    bus.show(State(people=2))
    bus.show(Health("ok", "m"))
    assert bus.last["state"].people == 2 and bus.last["health"].camera == "ok"


def test_listeners_hear_until_they_leave_and_one_that_fails_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus(), list[tuple[str, Any]]()

    def fail(kind: str, message: Any) -> None:
        raise RuntimeError("a fault of the page")

    bus.listen(fail)
    leave = bus.listen(lambda kind, message: heard.append((kind, message)))
    with caplog.at_level(logging.ERROR):
        bus.show(State(people=1))
        bus.show(State(people=2))
    leave()
    bus.show(State(people=3))
    assert [message.people for _, message in heard] == [1, 2]
    assert caplog.text.count("a listener failed") == 1


def test_statistics_are_made_for_listeners_only() -> None:
    bus, made = Bus(), list[Stats]()

    def stats() -> Stats:
        made.append(STATS)
        return STATS

    bus.see(IMAGE, [], stats)
    assert made == []
    bus.listen(lambda kind, message: None)
    for _ in range(5):
        bus.see(IMAGE, [], stats)
    assert len(made) == 1, "and not with every picture"
