"""The queue of a webhook or program: in order, each alert until it is taken, from its own place in a real outbox."""

import json
import threading
import time

import pytest
from support import until
from support.sinks import LATER, NEVER, SinkDoor

from edge.clock import clock_synced
from edge.errors import OutputError
from edge.outbox.reading import resend
from edge.outputs.driver import Failure


def test_alerts_are_delivered_in_order_and_then_gone(door: SinkDoor) -> None:
    door.open()
    for number in range(20):
        door.raise_alert(str(number))
    door.close()
    assert door.receiver.taken == [str(number) for number in range(20)]
    assert (door.waiting, door.dead) == ([], []) and set(door.problems) <= {None}


def test_an_alert_that_is_not_taken_keeps_back_those_behind_it(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [LATER] * 3
    for number in range(5):
        door.raise_alert(str(number))
    until(lambda: len(door.receiver.taken) == 5)
    assert door.receiver.attempts == ["0", "0", "0", *map(str, range(5))]
    assert door.problems[0] == "output hook: answers 503; its alerts wait" and door.problems[-1] is None


def test_one_that_is_refused_for_good_is_set_aside_and_can_be_resent(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [None, NEVER]
    for number in range(3):
        door.raise_alert(str(number))
    until(lambda: door.receiver.taken == ["0", "2"])
    door.close()
    assert door.dead == [("1@hook", "answers 404")] and door.waiting == []
    assert (
        "output hook: answers 404; an alert was set aside; `maskwatch outbox --resend` tries it again" in door.problems
    )
    assert resend(door.path) == 1
    door.open()
    until(lambda: door.receiver.taken == ["1"])


def test_a_fault_of_the_driver_ends_neither_the_thread_nor_the_queue(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [RuntimeError("unforeseen")]
    for number in range(2):
        door.raise_alert(str(number))
    until(lambda: door.receiver.taken == ["1"])
    door.close()
    assert door.dead == [("0@hook", "an unexpected RuntimeError")]


def test_the_pause_that_the_receiver_asks_for_is_kept(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [Failure("answers 429", retry=True, pause=1.2)]
    began = time.monotonic()
    door.raise_alert("0")
    until(lambda: door.receiver.taken)
    assert time.monotonic() - began >= 1.2


def test_beyond_the_capacity_the_oldest_are_set_aside(door: SinkDoor) -> None:
    door.open(capacity=5)
    door.receiver.blocked = True
    door.raise_alert("0")
    until(lambda: door.receiver.attempts)
    for number in range(1, 8):
        door.raise_alert(str(number))
    until(lambda: len(door.dead) == 3)
    assert [id for id, _ in door.dead] == ["1@hook", "2@hook", "3@hook"], "the one under way is not taken away"
    assert door.dead[0][1] == "more than 5 alerts waited"


def test_what_an_earlier_run_left_goes_first(door: SinkDoor) -> None:
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


def test_the_end_does_not_wait_for_a_receiver_that_hangs(door: SinkDoor) -> None:
    door.open()
    door.receiver.blocked = True
    door.raise_alert("0")
    until(lambda: door.receiver.attempts)
    door.recording.outbox.end_sinks(0.2)
    door.close()
    assert door.receiver.closed.is_set() and door.waiting == ["0@hook"]
    assert door.problems == [], "an attempt that was ended says nothing about the receiver"


def test_the_end_waits_for_what_can_still_be_delivered(door: SinkDoor) -> None:
    door.open()
    for number in range(50):
        door.raise_alert(str(number))
    door.recording.outbox.end_sinks(30)
    door.close()
    assert len(door.receiver.taken) == 50 and door.waiting == []


def test_a_test_is_delivered_beside_the_queue(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [LATER, None]
    with pytest.raises(OutputError, match="output hook: answers 503"):
        door.sink.fire()
    door.sink.fire()
    door.close()
    assert len(door.receiver.taken) == 1 and (door.waiting, door.dead) == ([], [])
    assert json.loads(door.receiver.payloads[-1])["clock_synced"] is clock_synced()


def test_a_test_does_not_wait_for_the_pause_of_an_alert_that_failed(door: SinkDoor) -> None:
    door.open()
    door.receiver.answers = [Failure("answers 503", retry=True, pause=3600)]
    door.raise_alert("0")
    until(lambda: door.problems)
    door.sink.fire()
    assert len(door.receiver.taken) == 1 and door.waiting == ["0@hook"]
    door.close()


def test_tests_end_at_once_when_maskwatch_ends(door: SinkDoor) -> None:
    """One is under way at a receiver that hangs, another waits behind it."""
    door.open()
    door.receiver.blocked = True
    problems: list[str] = []

    def fire() -> None:
        try:
            door.sink.fire()
        except OutputError as error:
            problems.append(str(error))

    threads = [threading.Thread(target=fire) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: door.receiver.attempts and len(door.sink._tests) == 2)
    door.sink.stop(time.monotonic() + 60)
    for thread in threads:
        thread.join(10)
    assert problems == ["output hook: maskwatch ends"] * 2
    with pytest.raises(OutputError, match="output hook ends with maskwatch"):
        door.sink.fire()
