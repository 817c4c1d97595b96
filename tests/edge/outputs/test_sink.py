"""The queue of a webhook or program: in order, each alert until it is taken, from its own place in a real outbox."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.outboxes import RecordingOutbox
from support.phone import alert

from edge.config.outputs import WebhookConfig
from edge.config.zone import Zone
from edge.errors import OutputError
from edge.outbox.reading import peek, resend
from edge.outbox.sql import OutboxMessage
from edge.outputs.driver import Failure
from edge.outputs.sink import SinkWorker
from edge.timing import Backoff

LATER, NEVER = Failure("answers 503", retry=True), Failure("answers 404", retry=False)


class Receiver:
    """Takes alerts; ``answers`` are given first, and ``blocked`` makes it wait until it is closed."""

    def __init__(self) -> None:
        self.answers: list[Failure | None | Exception] = []
        self.attempts: list[str] = []
        self.taken: list[str] = []
        self.blocked = False
        self.closed = threading.Event()

    def deliver(self, payload: bytes) -> Failure | None:
        id = json.loads(payload)["id"]
        self.attempts.append(id)
        if self.blocked:
            self.closed.wait(30)
            return Failure("maskwatch ends", retry=True)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            self.taken.append(id)
        return answer

    def close(self) -> None:
        self.closed.set()


class Door:
    """An outbox with one sink."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outbox.db"
        self.problems: list[str | None] = []
        self.receiver = Receiver()

    def open(self, zones: tuple[Zone, ...] = (), capacity: int = 100, **options: Any) -> "Door":
        self.receiver = Receiver()
        self.sink = SinkWorker(
            WebhookConfig(name="hook", **options),
            self.receiver,
            zones,
            lambda part, problem: self.problems.append(problem),
            backoff=Backoff(0.01, 0.02),
            capacity=capacity,
        )
        self.recording = RecordingOutbox(self.path, [self.sink])
        return self

    def raise_alert(self, id: str, **values: Any) -> None:
        payload = alert("door", id=id, **values)
        self.recording.outbox.put(OutboxMessage(id, "maskwatch/door/alert", payload), broker=False)

    def close(self) -> None:
        self.recording.close()

    @property
    def waiting(self) -> list[str]:
        return [message.id for message in peek(self.path)[0]]

    @property
    def dead(self) -> list[tuple[str, str]]:
        return peek(self.path)[1]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.receiver.blocked = False
    door.sink.close(time.monotonic())


def test_alerts_are_delivered_in_order_and_then_gone(door: Door) -> None:
    door.open()
    for number in range(20):
        door.raise_alert(str(number))
    door.close()
    assert door.receiver.taken == [str(number) for number in range(20)]
    assert (door.waiting, door.dead) == ([], []) and set(door.problems) <= {None}


def test_an_alert_that_is_not_taken_keeps_back_those_behind_it(door: Door) -> None:
    door.open()
    door.receiver.answers = [LATER] * 3
    for number in range(5):
        door.raise_alert(str(number))
    until(lambda: len(door.receiver.taken) == 5)
    assert door.receiver.attempts == ["0", "0", "0", *map(str, range(5))]
    assert door.problems[0] == "output hook: answers 503; its alerts wait" and door.problems[-1] is None


def test_one_that_is_refused_for_good_is_set_aside_and_can_be_resent(door: Door) -> None:
    door.open()
    door.receiver.answers = [None, NEVER]
    for number in range(3):
        door.raise_alert(str(number))
    until(lambda: door.receiver.taken == ["0", "2"])
    door.close()
    assert door.dead == [("1@hook", "answers 404")] and door.waiting == []
    assert "output hook: answers 404; an alert was set aside; see `maskwatch outbox`" in door.problems
    assert resend(door.path) == 1
    door.open()
    until(lambda: door.receiver.taken == ["1"])


def test_a_fault_of_the_driver_ends_neither_the_thread_nor_the_queue(door: Door) -> None:
    door.open()
    door.receiver.answers = [RuntimeError("unforeseen")]
    for number in range(2):
        door.raise_alert(str(number))
    until(lambda: door.receiver.taken == ["1"])
    door.close()
    assert door.dead == [("0@hook", "an unexpected RuntimeError")]


def test_the_pause_that_the_receiver_asks_for_is_kept(door: Door) -> None:
    door.open()
    door.receiver.answers = [Failure("answers 429", retry=True, pause=1.2)]
    began = time.monotonic()
    door.raise_alert("0")
    until(lambda: door.receiver.taken)
    assert time.monotonic() - began >= 1.2


def test_beyond_the_capacity_the_oldest_are_set_aside(door: Door) -> None:
    door.open(capacity=5)
    door.receiver.blocked = True
    door.raise_alert("0")
    until(lambda: door.receiver.attempts)
    for number in range(1, 8):
        door.raise_alert(str(number))
    until(lambda: len(door.dead) == 3)
    assert [id for id, _ in door.dead] == ["1@hook", "2@hook", "3@hook"], "the one under way is not taken away"
    assert door.dead[0][1] == "more than 5 alerts waited"


def test_what_an_earlier_run_left_goes_first(door: Door) -> None:
    door.open()
    door.receiver.answers = [LATER] * 1000
    for number in range(3):
        door.raise_alert(str(number))
    until(lambda: door.receiver.attempts)
    door.close()
    assert door.waiting == ["0@hook", "1@hook", "2@hook"]
    door.open()
    door.raise_alert("3")
    until(lambda: len(door.receiver.taken) == 4)
    assert door.receiver.taken == ["0", "1", "2", "3"]


def test_the_end_does_not_wait_for_a_receiver_that_hangs(door: Door) -> None:
    door.open()
    door.receiver.blocked = True
    door.raise_alert("0")
    until(lambda: door.receiver.attempts)
    door.recording.outbox.end_sinks(0.2)
    door.close()
    assert door.receiver.closed.is_set() and door.waiting == ["0@hook"]
    assert door.problems == [], "an attempt that was ended says nothing about the receiver"


def test_the_end_waits_for_what_can_still_be_delivered(door: Door) -> None:
    door.open()
    for number in range(50):
        door.raise_alert(str(number))
    door.recording.outbox.end_sinks(30)
    door.close()
    assert len(door.receiver.taken) == 50 and door.waiting == []


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
    door: Door, options: dict[str, Any], values: dict[str, Any], wanted: bool
) -> None:
    assert door.open(zones=(LEFT,), **options).sink.wants(alert("door", **values)) is wanted
    door.close()


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"event_type": "no_mask"}', b"\xff", b'{"event_type": []}'])
def test_what_is_no_alert_is_not_wanted(door: Door, payload: bytes) -> None:
    assert door.open(zones=(LEFT,), zone="left").sink.wants(payload) is False
    door.close()


def test_zones_of_the_page_count_at_once(door: Door) -> None:
    door.open(zones=(), zone="left")
    door.sink.watch((LEFT,))
    assert not door.sink.wants(alert("door", **ON_THE_RIGHT))
    door.close()


def test_a_muted_sink_takes_no_new_alerts_and_delivers_what_waits(door: Door) -> None:
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


def test_a_test_is_delivered_beside_the_queue(door: Door) -> None:
    door.open()
    door.receiver.answers = [LATER, None]
    with pytest.raises(OutputError, match="output hook: answers 503"):
        door.sink.fire()
    door.sink.fire()
    door.close()
    assert len(door.receiver.taken) == 1 and (door.waiting, door.dead) == ([], [])


def test_a_test_does_not_wait_for_the_pause_of_an_alert_that_failed(door: Door) -> None:
    door.open()
    door.receiver.answers = [Failure("answers 503", retry=True, pause=3600)]
    door.raise_alert("0")
    until(lambda: door.problems)
    door.sink.fire()
    assert len(door.receiver.taken) == 1 and door.waiting == ["0@hook"]
    door.close()
