"""edge.web.bus: the newest frame and messages, listeners, and statistics for listeners only."""

import logging
from typing import Any

import numpy as np
import pytest

from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.mqtt.messages import Health, State, Stats
from edge.web.bus import BLUR_HOLD, Bus

IMAGE = np.zeros((48, 64, 3), np.uint8)
FACE = Face(Box(1, 2, 11, 12), {"mask": 1.0})
STATS = Stats(15.0, 1, 0, 1.0, 1.0, 2.0, None, None, 90.0, 0, 1)


def test_the_newest_frame_and_messages_are_kept() -> None:
    bus = Bus()
    assert bus.shown is None
    bus.show_frame(IMAGE, [FACE], lambda: STATS)
    bus.show_frame(IMAGE, [], lambda: STATS)
    assert bus.shown is not None and bus.shown.number == 1 and bus.shown.faces == []
    assert bus.shown.recent_boxes == (FACE.box,), f"for {BLUR_HOLD} s, although the detector misses it"
    bus.show(State(people=2))
    bus.show(Health("ok", "m"))
    assert bus.last_messages["state"].people == 2 and bus.last_messages["health"].camera == "ok"


def test_a_listener_is_called_until_it_is_removed_or_fails(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    received: list[tuple[str, Any]] = []

    def fail(kind: str, message: Any) -> None:
        raise RuntimeError("a fault of the page")

    bus.add_listener(fail)
    remove = bus.add_listener(lambda kind, message: received.append((kind, message)))
    with caplog.at_level(logging.ERROR):
        bus.show(State(people=1))
        bus.show(State(people=2))
    remove()
    bus.show(State(people=3))
    assert [message.people for _, message in received] == [1, 2]
    assert caplog.text.count("a listener of the page failed") == 1


def test_statistics_are_created_only_for_listeners() -> None:
    bus = Bus()
    created: list[Stats] = []

    def stats() -> Stats:
        created.append(STATS)
        return STATS

    bus.show_frame(IMAGE, [], stats)
    assert created == []
    bus.add_listener(lambda kind, message: None)
    for _ in range(5):
        bus.show_frame(IMAGE, [], stats)
    assert len(created) == 1, "and not with every frame"
