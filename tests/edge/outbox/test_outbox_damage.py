"""A damaged outbox is kept under another name, its readable messages are restored, and new messages are saved."""

import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.outboxes import RecordingOutbox, fill_outbox, message

from edge.outbox.database import PAGE_SIZE
from edge.outbox.reading import peek
from edge.outbox.sql import PUT, OutboxMessage

PAGE = PAGE_SIZE
COUNT = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


def kept_aside(path: Path) -> list[Path]:
    return [file for file in path.parent.glob("outbox.db.damaged-*") if not re.search("-(journal|wal|shm)", file.name)]


def overwrite(path: Path, at: int, data: bytes) -> bytes:
    """Overwrites the file's bytes from offset ``at``; returns the content of the damaged file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    return path.read_bytes()


def page_of(path: Path, kind: str, which: int) -> int:
    """The offset of a page of the table's or the index's tree; 0 is the root, other numbers count the leaves."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'alerts' AND type = ?", (kind,))
        if which == 0:
            return int(root[0] - 1) * PAGE
    data = path.read_bytes()
    leaf = {"table": 0x0D, "index": 0x0A}[kind]
    leaves = [at for at in range(PAGE, len(data), PAGE) if data[at] == leaf and b"id-00" in data[at : at + PAGE]]
    return leaves[which]


def reopen(path: Path) -> RecordingOutbox:
    """Opens an outbox on the file; asserts that it has no problem and saves a new message and the restored ones."""
    recording = RecordingOutbox(path)
    recording.outbox.put(message(COUNT))
    recording.close()
    assert recording.problems[-1] is None
    restored = recording.restored[0] if recording.restored else []
    assert len({one.id for one in restored}) == len(restored) and restored == sorted(restored, key=lambda one: one.id)
    again = RecordingOutbox(path).close()
    assert again.restored == [[*restored, message(COUNT)]], "the restored messages are on disk"
    assert again.outbox.dead_letters == recording.outbox.dead_letters
    return recording


@pytest.mark.parametrize("at", [0, 5, 16, 18, 19, 21, 47, 59])
def test_a_header_with_a_wrong_byte_loses_no_message(path: Path, at: int) -> None:
    messages = fill_outbox(path, COUNT)
    damaged = overwrite(path, at, b"\xf3")
    recording = reopen(path)
    assert recording.restored == [messages]
    assert recording.outbox.setting("enabled") == "OFF" and recording.dead_letters == [(1, "too large")]
    (aside,) = kept_aside(path)
    assert aside.read_bytes()[PAGE:] == damaged[PAGE:]


def test_a_header_of_random_bytes_loses_no_message(path: Path) -> None:
    messages = fill_outbox(path, COUNT)
    overwrite(path, 0, random.Random(1).randbytes(28))
    assert reopen(path).restored == [messages]


def test_a_damaged_page_in_the_middle_loses_only_its_messages(path: Path) -> None:
    messages = fill_outbox(path, COUNT)
    overwrite(path, page_of(path, "table", 60), random.Random(2).randbytes(PAGE))
    recording = reopen(path)
    restored = recording.restored[0]
    assert COUNT - 20 <= len(restored) < COUNT and set(restored) < set(messages)
    assert restored[0] == messages[0] and restored[-1] == messages[-1]
    assert recording.outbox.setting("enabled") == "OFF" and recording.outbox.dead_letters == 1
    assert len(kept_aside(path)) == 1


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_index_loses_no_message(path: Path, which: int) -> None:
    messages = fill_outbox(path, COUNT)
    overwrite(path, page_of(path, "index", which) + 8, random.Random(3).randbytes(64))
    assert reopen(path).restored == [messages]


def test_an_index_that_does_not_match_its_table_is_detected(path: Path) -> None:
    messages = fill_outbox(path, COUNT)
    leaf = page_of(path, "index", 1)
    at = path.read_bytes().index(b"id-", leaf)
    overwrite(path, at, b"ID-")  # each page alone is valid
    assert reopen(path).restored == [messages]
    assert len(kept_aside(path)) == 1


@pytest.mark.parametrize("text", ["maskwatch/door", "id-00123"])
def test_text_that_is_no_longer_utf8_delays_no_other_message(path: Path, text: str) -> None:
    messages = fill_outbox(path, COUNT)
    leaf = page_of(path, "table", 60)
    overwrite(path, path.read_bytes().index(text.encode()[:3], leaf), b"\xff\xfe")
    recording = RecordingOutbox(path)
    recording.close()
    assert recording.problems[-1] is None
    assert len(recording.restored[0]) == COUNT and len(set(recording.restored[0]) & set(messages)) == COUNT - 1


def test_a_truncated_file_gives_the_messages_that_remain(path: Path) -> None:
    messages = fill_outbox(path, 200)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    restored = reopen(path).restored[0]
    ids = {one.id for one in restored}
    assert len(restored) >= 50 and restored == [one for one in messages if one.id in ids], "complete and in order"


@pytest.mark.parametrize("junk", [b"", b"\0" * 40_000, b"no database at all\n" * 500, b"x"])
def test_a_file_that_is_not_a_database_is_replaced(path: Path, junk: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(junk)
    assert reopen(path).restored == []
    assert [file.read_bytes() for file in kept_aside(path)] in ([junk], [])
    assert kept_aside(path) or len(junk) < 2  # SQLite takes a file this short for an empty database


def test_a_database_of_another_program_is_kept_unchanged(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE alerts (what TEXT)")
        db.execute("INSERT INTO alerts VALUES ('ours')")
    assert reopen(path).restored == []
    with closing(sqlite3.connect(kept_aside(path)[0])) as db:
        assert db.execute("SELECT what FROM alerts").fetchall() == [("ours",)]


def test_rows_of_the_wrong_type_are_ignored(path: Path) -> None:
    messages = fill_outbox(path, 3)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO alerts (id, topic, payload) VALUES ('a', 't', 12345678901), (NULL, 't', x'00')")
    assert RecordingOutbox(path).close().restored == [messages] and peek(path)[0] == messages


def test_messages_that_are_only_in_the_journal_of_an_earlier_version_are_restored(path: Path, tmp_path: Path) -> None:
    messages = fill_outbox(path, COUNT)
    copy = tmp_path / "copy" / "outbox.db"
    copy.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        one = message(COUNT + 1)
        db.execute(PUT, (one.id, one.topic, one.payload))
        for ending in ("", "-wal"):
            copy.with_name(copy.name + ending).write_bytes(path.with_name(path.name + ending).read_bytes())
    overwrite(copy, page_of(path, "table", 60), random.Random(4).randbytes(PAGE))
    restored = RecordingOutbox(copy).close().restored[0]
    assert restored[-1] == message(COUNT + 1) and COUNT - 20 <= len(restored) and set(restored[:-1]) < set(messages)


@pytest.mark.parametrize("spoil", [lambda data: b"junk" * 2000, lambda data: data[: PAGE + 7]])
def test_damage_while_the_outbox_is_open_is_repaired_without_a_restart(
    path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    fill_outbox(path, COUNT)
    recording = RecordingOutbox(path)
    path.write_bytes(spoil(path.read_bytes()))
    recording.outbox.put(message(COUNT))
    recording.close()
    assert len(recording.restored) == 1 and len(kept_aside(path)) == 1
    assert message(COUNT) in peek(path)[0]


@pytest.mark.parametrize("seed", range(40))
def test_damage_at_random_never_stops_the_outbox(path: Path, seed: int) -> None:
    messages, chance = fill_outbox(path, COUNT), random.Random(seed)
    for _ in range(chance.choice([1, 1, 3])):
        size = path.stat().st_size
        at = chance.randrange(size)
        overwrite(path, at, chance.randbytes(min(chance.choice([1, 8, 64, PAGE]), size - at)))
    recording = RecordingOutbox(path)
    recording.outbox.put(message(COUNT))
    recording.close()
    assert recording.problems[-1] is None
    restored: list[OutboxMessage] = recording.restored[0] if recording.restored else []
    assert len({one.id for one in restored}) == len(restored)
    intact = [one for one in restored if one in messages]
    assert intact == sorted(intact, key=lambda one: one.id)
    waiting, _ = peek(path)
    assert message(COUNT) in waiting
