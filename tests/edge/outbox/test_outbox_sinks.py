"""The outbox with sinks: each has its own copies on disk, written in one unit with the alert."""

import shutil
import sqlite3
import threading
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest
from support import until
from support.outboxes import RecordingOutbox, RecordingSink, copy, message

from edge.outbox.dead_letters import DEAD_LETTERS_KEPT
from edge.outbox.outbox import Outbox
from edge.outbox.reading import history, peek, resend
from edge.outbox.sql import OutboxMessage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


def test_a_sink_gets_a_copy_of_what_it_wants_and_the_alert_is_once_in_the_history(path: Path) -> None:
    every, none = RecordingSink("every"), RecordingSink("none", lambda payload: False)
    recording = RecordingOutbox(path, [every, none])
    recording.outbox.put(message(1))
    recording.close()
    assert (every.taken, none.taken) == ([copy(message(1), "every")], [])
    assert peek(path)[0] == [message(1), copy(message(1), "every")]
    assert history(path)[1] == [message(1).payload]
    assert every.ended and none.ended


def test_broker_and_sinks_take_an_alert_independently(path: Path) -> None:
    recording = RecordingOutbox(path, [RecordingSink("a"), RecordingSink("b")])
    for number in (1, 2):
        recording.outbox.put(message(number))
    recording.outbox.delivered(message(1))
    recording.outbox.delivered(copy(message(2), "a"))
    recording.close()
    assert peek(path)[0] == [copy(message(1), "a"), copy(message(1), "b"), message(2), copy(message(2), "b")]


def test_the_next_run_gives_back_to_each_what_is_its_own_oldest_first(path: Path) -> None:
    first = RecordingOutbox(path, [RecordingSink("a"), RecordingSink("b")])
    for number in range(3):
        first.outbox.put(message(number))
    first.outbox.delivered(message(0))
    first.close()
    a, b = RecordingSink("a"), RecordingSink("b")
    recording = RecordingOutbox(path, [a, b]).close()
    assert recording.restored == [[message(1), message(2)]]
    assert a.restored == [[copy(message(number), "a") for number in range(3)]]
    assert b.restored == [[copy(message(number), "b") for number in range(3)]]


def test_copies_of_an_output_that_is_not_configured_wait_until_it_is_back(path: Path) -> None:
    first = RecordingOutbox(path, [RecordingSink("hook")])
    first.outbox.put(message(1))
    first.outbox.delivered(message(1))
    first.close()
    without = RecordingOutbox(path)
    without.outbox.put(message(2))
    without.close()
    assert (without.restored, without.dead_letters) == ([], [])
    again = RecordingSink("hook")
    RecordingOutbox(path, [again]).close()
    assert again.restored == [[copy(message(1))]]


def test_a_topic_that_looks_like_a_sink_s_is_the_broker_s(path: Path) -> None:
    alert = OutboxMessage("id-1", "sink/hook/alert", b"{}")  # the prefix may be sink, and the camera hook
    first = RecordingOutbox(path)
    first.outbox.put(alert)
    first.close()
    sink = RecordingSink("hook")
    assert RecordingOutbox(path, [sink]).close().restored == [[alert]] and sink.restored == []


def test_a_refused_copy_is_no_dead_letter_of_the_broker(path: Path) -> None:
    sink = RecordingSink()
    recording = RecordingOutbox(path, [sink])
    recording.outbox.put(message(1))
    recording.outbox.refused(copy(message(1)), "answers 404")
    answers: list[OutboxMessage | None] = []
    recording.outbox.ask_dead_letter(None, lambda letter, newest: answers.append(letter))
    until(lambda: answers)
    assert answers == [None] and recording.dead_letters == [] and recording.outbox.dead_letters == 0
    recording.close()
    assert peek(path) == ([message(1)], [(copy(message(1)).id, "answers 404")])
    assert resend(path) == 1
    RecordingOutbox(path, [sink]).close()
    assert sink.restored == [[copy(message(1))]]


def test_a_sink_that_refuses_everything_pushes_out_no_dead_letter_of_others(path: Path) -> None:
    recording = RecordingOutbox(path, [RecordingSink("a"), RecordingSink("b")])
    recording.outbox.refused(message(7), "too large")
    recording.outbox.refused(copy(message(7), "b"), "answers 404")
    for number in range(DEAD_LETTERS_KEPT + 5):
        recording.outbox.refused(copy(message(number), "a"), "answers 404")
    recording.close()
    kept = [id for id, _ in peek(path)[1]]
    assert kept[:2] == [message(7).id, copy(message(7), "b").id]
    assert kept[2:] == [copy(message(number), "a").id for number in range(5, DEAD_LETTERS_KEPT + 5)]
    assert recording.outbox.dead_letters == 1


def test_without_a_broker_only_the_copies_wait(path: Path) -> None:
    sink = RecordingSink()
    recording = RecordingOutbox(path, [sink])
    recording.outbox.put(message(1), broker=False)
    recording.close()
    assert peek(path)[0] == sink.taken == [copy(message(1))] and history(path)[1] == [message(1).payload]


def test_what_is_waited_for_is_on_disk(path: Path) -> None:
    recording = RecordingOutbox(path, [RecordingSink()])
    for new in map(message, range(20)):
        recording.outbox.put(new)
        until(partial(_is_kept, recording.outbox, new, path), timeout=10)
    recording.close()


def _is_kept(outbox: Outbox, new: OutboxMessage, path: Path) -> bool:
    outbox.wait_until_kept(new)  # a tenth of a second at most: this machine may be slower
    return {new, copy(new)} <= set(peek(path)[0])


def test_a_disk_that_hangs_holds_up_nobody_for_long(path: Path) -> None:
    hangs = threading.Event()

    class Hanging(RecordingOutbox):
        def outbox_written(self, problem: str | None) -> None:
            if threading.current_thread().name == "outbox":
                hangs.wait(30)

    recording = Hanging(path, [RecordingSink()])
    recording.outbox.put(message(1))
    recording.outbox.put(message(2))  # the first or the second hangs
    for number in (1, 2):
        recording.outbox.wait_until_kept(message(number))
        recording.outbox.wait_until_kept(copy(message(number)))
    assert not hangs.is_set()
    hangs.set()
    recording.close()


def test_while_the_disk_refuses_copies_leave_from_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sink = RecordingSink()
    recording = RecordingOutbox(tmp_path / "file" / "outbox.db", [sink])
    recording.outbox.put(message(1))
    recording.outbox.wait_until_kept(message(1))
    until(lambda: recording.problems[-1])
    assert sink.taken == [copy(message(1))]
    recording.outbox.delivered(message(1))
    assert not recording.outbox.close(30), "the copy still waits, and could not be stored"
    assert recording.outbox.copies_waiting == 1


def test_copies_move_with_the_state_folder(path: Path) -> None:
    sink = RecordingSink()
    recording = RecordingOutbox(path, [sink])
    recording.outbox.put(message(1))
    recording.outbox.delivered(message(1))
    until(lambda: peek(path)[0] == [copy(message(1))])
    shutil.move(path.parent, path.parent.with_name("moved"))

    def is_written_again() -> bool:
        with suppress(sqlite3.Error):  # the new file has no tables at first
            return path.exists() and copy(message(1)) in peek(path)[0]
        return False

    until(is_written_again, timeout=20)
    recording.outbox.put(message(2))
    recording.close()
    assert peek(path)[0] == [copy(message(1)), message(2), copy(message(2))]
    assert sink.restored == []


def test_a_damaged_file_keeps_the_copies(path: Path) -> None:
    first = RecordingOutbox(path, [RecordingSink()])
    for number in range(30):
        first.outbox.put(message(number))
    first.close()
    with closing(path.open("r+b")) as file:
        file.write(b"\xff" * 100)
    sink = RecordingSink()
    recording = RecordingOutbox(path, [sink]).close()
    assert recording.restored == [[message(number) for number in range(30)]]
    assert sink.restored == [[copy(message(number)) for number in range(30)]]
