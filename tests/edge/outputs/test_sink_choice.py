"""Which alerts a webhook or program takes: by kind, by zone, and none while it is muted."""

from typing import Any

import pytest
from support import until
from support.phone import alert
from support.sinks import LATER, SinkDoor

from edge.config.zone import Zone

LEFT = Zone([(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)], "left")
ON_THE_LEFT, ON_THE_RIGHT = {"box": [10, 10, 90, 90]}, {"box": [500, 10, 600, 90]}


@pytest.mark.parametrize(
    ("options", "values", "wanted"),
    [
        ({}, {}, True),
        ({"when": ("no_mask",)}, {"event_type": "incorrect_mask"}, False),
        ({"when": ("incorrect_mask",)}, {"event_type": "incorrect_mask"}, True),
        ({"zone": "left"}, ON_THE_LEFT, True),
        ({"zone": "left"}, ON_THE_RIGHT, False),
        ({"zone": "removed"}, ON_THE_RIGHT, True),
    ],
)
def test_alerts_are_chosen_by_kind_and_zone(
    door: SinkDoor, options: dict[str, Any], values: dict[str, Any], wanted: bool
) -> None:
    assert door.open(zones=(LEFT,), **options).sink.wants(alert("door", **values)) is wanted
    door.close()


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b'{"event_type": "no_mask"}', b"\xff", b'{"event_type": []}', alert("door", frame_size=[0, 0])],
)
def test_what_is_no_alert_is_not_wanted(door: SinkDoor, payload: bytes) -> None:
    assert door.open(zones=(LEFT,), zone="left").sink.wants(payload) is False
    door.close()


def test_zones_of_the_page_count_at_once(door: SinkDoor) -> None:
    door.open(zones=(), zone="left")
    door.sink.watch((LEFT,))
    assert not door.sink.wants(alert("door", **ON_THE_RIGHT))
    door.close()


def test_a_muted_sink_takes_no_new_alerts_and_delivers_what_waits(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [LATER] * 5
    door.raise_alert("0")
    door.sink.mute(True)
    door.raise_alert("1")
    until(lambda: door.receiver.taken == ["0"])
    door.sink.mute(False)
    door.raise_alert("2")
    until(lambda: door.receiver.taken == ["0", "2"])
    door.close()
    assert door.waiting == []
