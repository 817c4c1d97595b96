"""Damaged files that were set aside: read once, kept under a name that says so, and bounded in number."""

import os
import shutil
from pathlib import Path

import pytest
from support import until
from support.outboxes import RecordingOutbox, fill_outbox, message

from edge.outbox.reading import peek


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


def copies(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir() if "damaged-" in file.name)


def test_a_copy_that_nothing_has_read_is_taken_over_once(path: Path) -> None:
    """As a kill during a rescue by an earlier version leaves it."""
    messages = fill_outbox(path, 50)
    path.rename(f"{path}.damaged-1700000000000")
    first = RecordingOutbox(path).close()
    assert first.restored == [messages] and first.outbox.dead_letters == 1
    assert copies(path) == ["outbox.db.damaged-1700000000000.read"]
    again = RecordingOutbox(path)
    for one in messages:
        again.outbox.delivered(one)
    again.close()
    assert RecordingOutbox(path).close().restored == []


def test_what_was_delivered_since_the_copy_is_not_sent_again(path: Path) -> None:
    messages = fill_outbox(path, 20)
    shutil.copy(path, f"{path}.damaged-1700000000000")
    recording = RecordingOutbox(path).close()
    assert recording.restored == [messages], "each of them once"
    shutil.copy(f"{path}.damaged-1700000000000.read", f"{path}.damaged-1700000000001")
    again = RecordingOutbox(path)
    for one in messages[:15]:
        again.outbox.delivered(one)
    again.close()
    shutil.copy(f"{path}.damaged-1700000000000.read", f"{path}.damaged-1700000000002")
    assert RecordingOutbox(path).close().restored == [messages[15:]]


@pytest.mark.parametrize("junk", [b"", b"junk" * 5000])
def test_a_copy_that_is_no_database_delays_nothing(path: Path, junk: bytes) -> None:
    messages = fill_outbox(path, 3)
    Path(f"{path}.damaged-1700000000000").write_bytes(junk)
    Path(f"{path}.damaged-17").mkdir()
    recording = RecordingOutbox(path).close()
    assert recording.restored == [messages] and recording.problems[-1] is None


def test_few_copies_are_kept(path: Path) -> None:
    for number in range(6):
        fill_outbox(path, 2) if number == 0 else None
        path.write_bytes(b"\xf3" * 16 + path.read_bytes()[16:])
        assert len(RecordingOutbox(path).close().restored[0]) == 2
    assert len(copies(path)) == 3


def test_a_file_that_is_replaced_while_it_is_open_gets_what_waits(path: Path) -> None:
    fill_outbox(path, 5)
    recording = RecordingOutbox(path)
    waiting = recording.restored[0]
    recording.outbox.delivered(waiting[0])
    until(lambda: len(peek(path)[0]) == 4)
    other = path.with_name("other.db")
    messages = fill_outbox(other, 7)  # the first five are the same; two are new to this run
    os.replace(other, path)
    until(lambda: len(recording.restored) == 2)
    assert recording.restored[1] == messages[5:]
    until(lambda: peek(path)[0] == messages[1:])
    assert [id for id, _ in peek(path)[1]] == [message(99_999).id]
    recording.close()
