"""The outbox on real SQLite files: a message that is put stays until it is delivered or refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import until
from support.mounts import fill, remount, small_disk
from support.outboxes import RecordingOutbox, fill_outbox, message

from edge.outbox.reading import history, peek, resend, setting
from edge.outbox.sql import (
    DEAD_LETTERS_DELETED,
    DEAD_LETTERS_KEPT,
    DELETE,
    HISTORY_KEPT,
    PUT,
    PUT_DEAD_LETTER,
    PUT_HISTORY,
    PUT_SETTING,
    OutboxMessage,
    Statement,
    compacted,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


def test_the_next_run_restores_every_message_once_oldest_first(path: Path) -> None:
    messages = fill_outbox(path, 50)
    again = RecordingOutbox(path)
    again.outbox.put(message(50))
    again.close()
    assert again.restored == [messages]
    assert RecordingOutbox(path).close().restored == [[*messages, message(50)]]


def test_a_new_outbox_restores_nothing_and_has_no_problem(path: Path) -> None:
    recording = RecordingOutbox(path).close()
    assert (recording.restored, recording.dead_letters, set(recording.problems)) == ([], [], {None})


def test_a_delivered_message_is_deleted(path: Path) -> None:
    messages, recording = fill_outbox(path, 5), RecordingOutbox(path)
    for number in (0, 2, 4):
        recording.outbox.delivered(messages[number])
    recording.outbox.delivered(message(77))  # this message was never put: nothing happens
    recording.close()
    assert RecordingOutbox(path).close().restored == [[messages[1], messages[3]]]


def test_a_message_is_kept_byte_for_byte_and_its_id_is_unique(path: Path) -> None:
    first, second = OutboxMessage("same", "töpic/☃", bytes(range(256))), OutboxMessage("same", "other", b"")
    recording = RecordingOutbox(path)
    recording.outbox.put(first)
    recording.outbox.put(second)
    recording.close()
    assert RecordingOutbox(path).close().restored == [[first]]


def test_settings_survive_and_the_last_value_counts(path: Path) -> None:
    recording = RecordingOutbox(path)
    assert recording.outbox.setting("enabled") is None
    for value in ("OFF", "ON", "OFF"):
        recording.outbox.set("enabled", value)
    assert recording.outbox.setting("enabled") == "OFF"
    recording.close()
    assert RecordingOutbox(path).close().outbox.setting("enabled") == "OFF"


@pytest.mark.parametrize("fault", ["read-only", "full"])
def test_settings_can_be_read_on_a_disk_that_cannot_be_written(tmp_path: Path, fault: str) -> None:
    with small_disk(tmp_path / "disk") as disk:
        messages = fill_outbox(disk / "outbox.db", 2)
        remount(disk, "ro") if fault == "read-only" else fill(disk)
        recording = RecordingOutbox(disk / "outbox.db")
        more = [message(number) for number in range(2, 102)]  # more than fits into pages that the file has already
        for new in more:
            recording.outbox.put(new)
        until(lambda: recording.problems[-1] is not None)
        assert recording.outbox.setting("enabled") == "OFF"
        if fault == "read-only":
            remount(disk, "rw")
        else:
            (disk / "big").unlink()
        until(lambda: recording.problems[-1] is None)
        assert recording.close().restored == [messages]
        assert peek(disk / "outbox.db")[0] == [*messages, *more]


def test_a_refused_message_becomes_a_dead_letter_and_every_change_is_reported(path: Path) -> None:
    messages, recording = fill_outbox(path, 3), RecordingOutbox(path)
    recording.outbox.refused(messages[1], "not authorized")
    recording.close()
    assert recording.dead_letters == [(1, "too large"), (2, "not authorized")] and recording.outbox.dead_letters == 2
    waiting, dead = peek(path)
    assert waiting == [messages[0], messages[2]]
    assert dead == [("id-99999", "too large"), (messages[1].id, "not authorized")]


def test_only_the_newest_dead_letters_are_kept(path: Path) -> None:
    recording = RecordingOutbox(path)
    for number in range(DEAD_LETTERS_KEPT + 25):
        recording.outbox.refused(message(number), f"reason {number}")
    recording.close()
    dead = peek(path)[1]
    assert [id for id, _ in dead] == [message(number).id for number in range(25, DEAD_LETTERS_KEPT + 25)]
    assert recording.outbox.dead_letters == DEAD_LETTERS_KEPT and recording.deleted == 25
    again = RecordingOutbox(path)
    again.outbox.refused(message(25), "once more: it goes to the end and pushes out no other")
    again.outbox.refused(message(9), "one more")
    again.close()
    assert again.deleted == 26 and setting(path, DEAD_LETTERS_DELETED) == "26"


def test_resent_dead_letters_wait_behind_the_others_for_the_next_run(path: Path) -> None:
    messages = fill_outbox(path, 2)
    assert resend(path) == 1 and resend(path) == 0
    assert peek(path) == ([*messages, message(99_999)], [])
    again = RecordingOutbox(path).close()
    assert again.restored == [[*messages, message(99_999)]] and again.dead_letters == []


def test_peek_and_resend_work_while_the_outbox_is_open(path: Path) -> None:
    recording = RecordingOutbox(path)
    recording.outbox.put(message(1))
    recording.outbox.refused(message(2), "no")
    until(lambda: recording.outbox.dead_letters)
    assert peek(path) == ([message(1)], [(message(2).id, "no")])
    assert resend(path) == 1
    recording.outbox.delivered(message(1))
    recording.close()
    assert peek(path) == ([message(2)], [])


@pytest.mark.parametrize("folder", ["a folder", "100% & more?", "#1", "Tür"])
def test_folder_names_may_contain_any_character(tmp_path: Path, folder: str) -> None:
    fill_outbox(tmp_path / folder / "outbox.db", 2)
    assert resend(tmp_path / folder / "outbox.db") == 1
    assert len(peek(tmp_path / folder / "outbox.db")[0]) == 3


def test_peek_and_resend_never_make_a_file(path: Path) -> None:
    path.parent.mkdir()
    for function in (peek, resend):
        with pytest.raises(sqlite3.Error):
            function(path)
    assert not path.exists()


def test_a_listener_that_raises_does_not_end_the_writing(path: Path) -> None:
    class Faulty(RecordingOutbox):
        def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None:
            raise RuntimeError("a fault of the listener")

    box = Faulty(path).outbox
    box.refused(message(1), "no")
    until(lambda: peek(path)[1])
    box.put(message(2))
    assert box.close(30)
    assert peek(path)[0] == [message(2)]


def test_a_locked_file_is_reported_and_no_message_is_lost(path: Path) -> None:
    messages, recording = fill_outbox(path, 2), RecordingOutbox(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        recording.outbox.put(message(2))
        until(lambda: recording.problems[-1])
        assert "locked" in str(recording.problems[-1])
        recording.outbox.put(message(3))
    until(lambda: recording.problems[-1] is None)
    recording.close()
    assert recording.restored == [messages]
    assert peek(path)[0] == [*messages, message(2), message(3)]


def test_close_returns_false_when_a_message_could_not_be_written(path: Path) -> None:
    recording = RecordingOutbox(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        recording.outbox.put(message(1))
        assert not recording.outbox.close(30)


STATEMENTS = st.lists(
    st.tuples(st.sampled_from((PUT, DELETE, PUT_DEAD_LETTER, PUT_SETTING)), st.integers(0, 12)).map(
        lambda pair: (pair[0], (f"id-{pair[1]}", *["x", b"", "r"][: (2 if pair[0] == PUT else 0)]))
    ),
    max_size=60,
)


@given(STATEMENTS)
def test_compacting_drops_only_pairs_of_put_and_delete(statements: list[Statement]) -> None:
    left = compacted(statements)
    put, done = ({values[0] for sql, values in statements if sql == word} for word in (PUT, DELETE))
    assert left == [(sql, v) for sql, v in statements if sql not in (PUT, DELETE) or v[0] not in put & done]
    assert compacted(left) == left


def test_compacting_keeps_no_more_dead_letters_than_the_file() -> None:
    refused: list[Statement] = [
        (PUT_DEAD_LETTER, (f"id-{number}", "t", b"", "r")) for number in range(DEAD_LETTERS_KEPT + 7)
    ]
    assert compacted(refused) == refused[7:]


def test_the_history_has_delivered_and_waiting_messages_newest_first(path: Path) -> None:
    messages, recording = fill_outbox(path, 6), RecordingOutbox(path)
    for number in (0, 2, 4):
        recording.outbox.delivered(messages[number])
    recording.close()
    assert history(path)[1] == [one.payload for one in reversed(messages)]
    assert history(path, limit=2)[1] == [messages[5].payload, messages[4].payload]


def test_the_history_is_limited(path: Path) -> None:
    recording = RecordingOutbox(path)
    for number in range(HISTORY_KEPT + 40):
        recording.outbox.put(message(number))
        recording.outbox.delivered(message(number))
    recording.close()
    RecordingOutbox(path).close()
    assert history(path, limit=HISTORY_KEPT * 2)[1] == [message(n).payload for n in range(HISTORY_KEPT + 39, 39, -1)]


def test_compacting_keeps_no_more_history_than_the_file() -> None:
    statements: list[Statement] = [(PUT_HISTORY, (b"%d" % number,)) for number in range(HISTORY_KEPT + 7)]
    assert compacted(statements) == statements[7:]


def test_a_file_of_an_earlier_version_gets_a_history_table(path: Path) -> None:
    messages = fill_outbox(path, 2)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE history")
    recording = RecordingOutbox(path)
    recording.outbox.put(message(9))
    recording.close()
    assert recording.restored == [messages] and history(path)[1] == [message(9).payload]
