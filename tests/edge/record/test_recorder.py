"""edge.record.recorder: counts reach the disk, survive kills, damage and a disk that refuses, and stay small."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import closing
from datetime import date, datetime
from datetime import time as dtime
from pathlib import Path

import pytest
from support import ROOT, until
from support.recorded import MODEL, fill_counts, recorder

from edge.mqtt.messages import NOTHING
from edge.outbox.database import connect, transaction
from edge.record.bias import BIAS
from edge.record.counts import SLOT_S, Counts
from edge.record.reading import Slot, read, read_seen
from edge.record.recorder import Recorder
from edge.record.sql import ADD, PUT_SEEN, SCHEMA, SEEN_KEPT, SLOTS_KEPT, TRIM_COUNTS

ALL = (0.0, 1e11)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "record.db"


def total(slots: list[Slot]) -> Counts:
    counts = Counts()
    for slot in slots:
        counts.add(slot.counts)
    return counts


def test_people_alerts_and_seconds_are_written_into_the_slot_of_now(path: Path) -> None:
    made, start = recorder(path), time.time()
    for kind in ("mask", "mask", "no_mask", "incorrect_mask", "unsure"):
        made.person(kind)
    made.alert()
    time.sleep(0.2)
    made.tick("watched")
    time.sleep(0.1)
    made.tick("paused")
    made.tick("blind")
    assert made.close(30)
    slots = read(path, *ALL)
    assert all((slot.detector, slot.model) == ("yunet", MODEL) for slot in slots)
    assert {slot.start for slot in slots} <= {int(t // SLOT_S) * SLOT_S for t in (start - 5, start, time.time() + 5)}
    sums = total(slots)
    assert (sums.people, sums.mask, sums.no_mask, sums.incorrect_mask, sums.unsure, sums.alerts) == (5, 2, 1, 1, 1, 1)
    assert sums.watched == pytest.approx(0.2, abs=0.1) and sums.paused == pytest.approx(0.1, abs=0.1)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_restart_in_the_same_slot_adds_to_it(path: Path) -> None:
    for _ in range(3):
        made = recorder(path)
        made.person("mask")
        assert made.close(30)
    assert total(read(path, *ALL)).people == 3
    assert len(read(path, *ALL)) <= 2, "one row per slot"


def test_a_reader_sees_what_is_not_written_yet_and_nothing_twice(path: Path) -> None:
    made = recorder(path)
    for number in range(1, 30):
        made.person("mask")
        made.mark([f"id-{number}"], True)  # makes the writer write
        assert total(made.read(*ALL)).people == number
    made.close(30)


def test_without_a_file_counts_and_marks_are_in_memory(tmp_path: Path) -> None:
    made = recorder(None)
    made.person("no_mask")
    made.mark(["a", "b"], True)
    made.mark(["a"], False)
    assert total(made.read(*ALL)).no_mask == 1 and made.seen == {"b"}
    made.close(30)
    assert not list(tmp_path.iterdir())


WRITER = """
import sys, time
from pathlib import Path
from edge.record.recorder import Recorder
made = Recorder(Path(sys.argv[1]), detector="haar", model="m@1", report=print, clock_synced=lambda: True)
made.person("mask")
made.mark(["seen"], True)
print("marked", flush=True)
time.sleep(60)
"""


def test_what_was_written_survives_a_kill(path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], env=environ, stdout=subprocess.DEVNULL)
    try:
        until(lambda: path.exists() and read_seen_or_none(path) == {"seen"}, "the mark is on disk", 30)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert total(read(path, *ALL)).mask == 1
    again = recorder(path)
    until(lambda: again.seen == {"seen"}, "the mark is read again")
    again.close(30)


def test_the_sums_of_today_are_those_of_the_local_day(path: Path) -> None:
    path.parent.mkdir()
    midnight = datetime.combine(date.today(), dtime.min).timestamp()
    fill_counts(path, [(midnight - 1, Counts(people=90, mask=90, alerts=90))])
    fill_counts(path, [(midnight, Counts(people=4, mask=2, incorrect_mask=1, unsure=1, alerts=1))], "haar")
    made = recorder(path)
    made.person("no_mask")
    today = made.today()
    made.close(30)
    assert (today.counts.people, today.counts.judged, today.counts.mask, today.counts.alerts) == (5, 4, 2, 1)
    assert today.message()["note"] == BIAS, "haar has counted some of them"
    assert recorder(None).today().message() == NOTHING


def test_what_is_not_written_yet_tells_that_the_clock_was_not_synchronized() -> None:
    made = Recorder(None, detector="yunet", model=MODEL, report=lambda text: None, clock_synced=lambda: False)
    time.sleep(0.05)
    made.tick("watched")
    sums = total(made.read(*ALL))
    assert 0 < sums.watched == sums.unsynced
    assert total(made.read(*ALL)).unsynced == sums.unsynced, "reading changes nothing"
    made.close(30)


def read_seen_or_none(path: Path) -> frozenset[str] | None:
    try:
        return read_seen(path)
    except sqlite3.Error:  # the table is not there yet
        return None


def test_a_damaged_file_is_kept_and_what_can_be_read_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    before = ((time.time() - number * SLOT_S, Counts(people=1, mask=1, watched=900.0)) for number in range(2000))
    fill_counts(path, before)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    reports: list[str | None] = []
    made = recorder(path, reports.append)
    made.person("unsure")
    assert made.close(30) and reports[-1] is None
    assert [file for file in path.parent.iterdir() if ".damaged-" in file.name]
    saved = total(read(path, *ALL))
    assert saved.unsure == 1 and saved.mask > 1000


@pytest.mark.timeout(60)
def test_a_disk_that_refuses_delays_counts_and_loses_none(path: Path) -> None:
    path.parent.write_text("a file where the folder should be")
    reports: list[str | None] = []
    made = recorder(path, reports.append)
    until(lambda: reports and reports[-1], "the problem is reported")
    assert "counts cannot be saved in" in str(reports[-1]) and "in memory only" in str(reports[-1])
    for _ in range(5):
        made.person("no_mask")
    made.mark(["a"], True)
    assert total(made.read(*ALL)).no_mask == 5
    path.parent.unlink()
    until(lambda: reports[-1] is None, "it is written", 30)
    assert made.close(30)
    assert total(read(path, *ALL)).no_mask == 5 and read_seen(path) == {"a"}


def test_followers_learn_which_days_changed_and_whether_that_is_on_disk(path: Path) -> None:
    told: list[tuple[set[date], bool]] = []

    def follow(days: Collection[date], on_disk: bool) -> None:
        told.append((set(days), on_disk))
        raise RuntimeError("which must not end the counting")

    path.parent.mkdir(parents=True)
    path.mkdir()  # a folder in the place of the file: SQLite cannot open it
    made = recorder(path)
    made.followers.append(follow)
    made.person("mask")
    made.mark(["a"], True)  # makes the writer write
    until(lambda: (set(told[-1][0]), told[-1][1]) == ({date.today()}, False) if told else False)
    path.rmdir()
    made.mark(["b"], True)
    until(lambda: told[-1][1])
    assert told[-1][0] == {date.today()}
    count = len(told)
    made.mark(["c"], True)
    until(lambda: read_seen(path) == {"a", "b", "c"})
    assert len(told) == count, "a mark changes no day"
    made.close(30)


def test_a_deleted_folder_is_made_again(path: Path) -> None:
    made = recorder(path)
    made.person("mask")
    made.mark(["a"], True)
    until(lambda: path.exists() and not made._unwritten, "it is written")
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    made.person("mask")
    assert made.close(30)
    assert total(read(path, *ALL)).mask >= 1


def test_400_days_and_all_marks_take_less_than_6_mb(path: Path) -> None:
    path.parent.mkdir()
    busy = Counts(12, 5, 4, 2, 1, 6, 899.123456789, 0.4567891234, 0.123456789, 3.4567891)
    with closing(connect(path, SCHEMA)) as db:
        with transaction(db):
            for number in range(SLOTS_KEPT + 500):
                db.execute(ADD, (1_700_000_000 // SLOT_S * SLOT_S + number * SLOT_S, "yunet", MODEL, *busy.row))
            for number in range(SEEN_KEPT):
                db.execute(PUT_SEEN, (f"0193{number:032}",))
        db.execute(TRIM_COUNTS)
        assert db.execute("SELECT count(*) FROM counts").fetchone()[0] == SLOTS_KEPT == 38_400
    assert path.stat().st_size < 6e6, path.stat().st_size


def test_counting_costs_the_loop_microseconds(path: Path) -> None:
    made, start = recorder(path), time.perf_counter()
    for _ in range(20_000):
        made.tick("watched")
    elapsed = time.perf_counter() - start
    made.close(30)
    assert elapsed < 2, "100 microseconds each would still not be felt"
