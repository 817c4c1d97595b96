"""``maskwatch audit``: who changed what, and whether trail and counts are as they were written."""

import os
import re
import sqlite3
import time
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.commands import ASCII, maskwatch
from support.recorded import fill_counts
from support.trails import command, trail

from edge.errors import ConfigError, FileError
from edge.record.audit import AuditTrail
from edge.record.audit_reading import read_lines
from edge.record.counts import Counts
from edge.record.day_lines import day_values, kept_from
from edge.record.reading import read
from edge.record.sql import SLOTS_KEPT
from edge.record.times import day_bounds

TODAY = date.today()
DAYS = [TODAY - timedelta(days=age) for age in (3, 2, 1)]
CAME = Counts(people=3, mask=2, no_mask=1, alerts=1, watched=900.5)


def seal(folder: Path, day: date) -> None:
    values = day_values(day, read(folder / "record.db", *day_bounds(day)))
    AuditTrail(folder / "audit.jsonl").append("day", values | {"model": "mask@1", "config": "01234567"})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with counts and checksums of three days."""
    folder = tmp_path / "state"
    folder.mkdir()
    for day in DAYS:
        fill_counts(folder / "record.db", [(day_bounds(day)[0] + 3600 * hour, CAME) for hour in (0, 9, 23)])
        seal(folder, day)
    return folder


def audit(folder: Path, *words: str, **env: str) -> Any:
    """The command as a process."""
    return maskwatch("audit", *words, env={"STATE_DIRECTORY": str(folder)} | env)


def verified(folder: Path) -> tuple[int, list[str]]:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("STATE_DIRECTORY", str(folder))
        code, out = command("audit", "--verify")
    return code, out.splitlines()


def execute(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "record.db")) as db, db:
        db.execute(statement)


@pytest.fixture
def state_is(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tells commands in this process which state folder is theirs."""
    return lambda folder: monkeypatch.setenv("STATE_DIRECTORY", str(folder))


# What is printed.


def test_lines_for_people(tmp_path: Path) -> None:
    made = AuditTrail(tmp_path / "audit.jsonl")
    start = {"version": "1.0", "model": "mask@1", "detector": "haar", "config": "01234567", "options": {}}
    edited = [{"option": "detect.score", "old": 0.6, "new": 0.7}]
    change = {"option": "detect.min_face", "old": 48, "new": 60, "by": "pi as root", "via": "set", "config": "x"}
    made.append("start", start | {"edited": edited})
    made.append("change", change)
    made.append("change", change | {"option": "web.password_hash", "old": "", "new": "(secret)"})
    made.append("pause", {"by": "on the page by ::1"})
    made.append("mute", {"by": "over MQTT", "output": "lamp", "left_out": 7})
    made.append("day", {"day": "2026-11-26", "people": 9, "alerts": 3, "sha256": "ab", "model": "m", "config": "x"})
    made.append("pause", {"by": "Jürg"})
    made.append("\x1b[31m", {"by": "\x1b[31m\udce9", "edited": 7})
    for env, name in (({"PYTHONUTF8": "1"}, "Jürg"), (ASCII, "J\\xfcrg")):
        done = audit(tmp_path, **env)
        assert done.returncode == 0 and b"\x1b" not in done.stdout, done.stderr
        lines = done.stdout.decode().splitlines()
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d  ", line) for line in lines)
        texts = [re.sub(r" \(the clock was not synchronized\)$", "", line[27:]) for line in lines]
        assert texts == [
            "start    version 1.0, model mask@1, detector haar, configuration 01234567; edited otherwise: "
            "detect.score: 0.6 -> 0.7",
            "change   detect.min_face: 48 -> 60, by pi as root (set)",
            'change   web.password_hash: "" -> (secret), by pi as root (set)',
            "pause    on the page by ::1",
            "mute     output lamp over MQTT, after 7 others that are left out",
            "day      2026-11-26: 9 people, 3 alerts, sha256 ab",
            f"pause    {name}",
            "\\x1b[31m    by \\x1b[31m\\xe9, edited 7",
        ]


def test_lines_of_some_days_as_they_are_in_the_file(tmp_path: Path, state_is: Any) -> None:
    made = AuditTrail(tmp_path / "audit.jsonl")
    for age in (5, 3, 1):
        made.append("pause", {"age": age}, datetime(2026, 3, 29, 12).timestamp() - 86400 * age)
    state_is(tmp_path)
    _, out = command("audit", "--json", "--from", "2026-03-26", "--to", "2026-03-26")
    assert out.encode() == read_lines(tmp_path / "audit.jsonl")[1] + b"\n"
    assert command("audit", "--from", "2026-03-25")[1].count("\n") == 2
    assert command("audit", "--to", "2026-03-25")[1].count("\n") == 1
    last = datetime(2026, 3, 28, 12).astimezone().isoformat(timespec="seconds")
    assert command("audit", "--from", "2027-01-01") == (
        0,
        f"nothing was noted from 2027-01-01: the last line is of {last}\n",
    )
    assert command("audit", "--from", "2026-03-01", "--to", "2026-03-02")[1].startswith(
        "nothing was noted from 2026-03-01 to 2026-03-02: "
    )
    assert command("audit", "--json", "--from", "2027-01-01") == (0, "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--from", "yesterday"], "is not a date"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "exchange the two"),
        (["--verify", "--from", "2026-11-02"], "leave out --from and --to"),
    ],
)
def test_wrong_words_are_refused(words: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        command("audit", *words)


def test_without_a_trail(tmp_path: Path, state_is: Any) -> None:
    state_is(tmp_path)
    code, out = command("audit")
    assert code == 0 and "nothing was noted yet" in out
    assert command("audit", "--json") == (0, "")
    code, out = command("audit", "--verify")
    assert code == 1 and "nothing to check" in out
    assert os.listdir(tmp_path) == []


def test_a_trail_that_cannot_be_read(tmp_path: Path, state_is: Any) -> None:
    state_is(tmp_path)
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(FileError, match="cannot be read: it is no file$"):
        command("audit")


# What is checked.


def test_a_trail_and_counts_that_nobody_has_changed(state: Path) -> None:
    code, lines = verified(state)
    last = trail(state)[-1]["hash"]
    assert (code, lines) == (0, [f"3 lines and the counts of 3 days are as they were written; the last hash is {last}"])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counts SET mask = mask + 1 WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "UPDATE counts SET watched = watched + 0.001 WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "DELETE FROM counts WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "UPDATE counts SET slot = slot + 900 WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "UPDATE counts SET model = 'other' WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "INSERT INTO counts SELECT NULL, slot + 900, detector, model, people, mask, no_mask, incorrect_mask, unsure, "
        "alerts, watched, paused, blind, unsynced FROM counts LIMIT 1",
    ],
)
def test_counts_that_were_changed_are_noticed(state: Path, statement: str) -> None:
    execute(state, statement)
    code, (fault,) = verified(state)
    assert code == 1 and fault.startswith(f"{DAYS[0]}: the counts are not those of its checksum any more: they were 3 ")


def test_each_fault_has_a_sentence(state: Path) -> None:
    execute(state, f"DELETE FROM counts WHERE slot >= {day_bounds(DAYS[1])[0]}")
    file = state / "audit.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"people":9', b'"people":8', 1))
    code, faults = verified(state)
    assert code == 1 and [fault.partition(":")[0].partition(" (")[0] for fault in faults] == [
        "line 1",
        str(DAYS[1]),
        str(DAYS[2]),
    ]
    (state / "record.db").unlink()
    assert verified(state)[1][1].endswith("record.db does not exist: the counts of 3 days are missing")


def test_a_day_to_which_counts_were_added_is_right_after_a_further_line(state: Path) -> None:
    fill_counts(state / "record.db", [(day_bounds(DAYS[2])[0] + 7200, CAME)])
    assert verified(state)[0] == 1
    seal(state, DAYS[2])
    assert verified(state)[0] == 0


def test_a_day_that_is_not_over_is_not_checked(state: Path) -> None:
    fill_counts(state / "record.db", [(time.time(), CAME)])
    seal(state, TODAY)
    fill_counts(state / "record.db", [(time.time(), CAME)])
    assert verified(state)[0] == 0


def test_days_are_those_of_the_time_zone_in_which_they_were_counted(state: Path) -> None:
    done = audit(state, "--verify", TZ="Asia/Kathmandu")
    assert done.returncode == 0, done.stdout


def test_counts_that_were_deleted_for_their_age_are_no_fault(state: Path) -> None:
    old = TODAY - timedelta(days=401)
    fill_counts(state / "record.db", [(day_bounds(old)[0], CAME)])
    seal(state, old)
    execute(state, f"DELETE FROM counts WHERE slot < {day_bounds(old)[1]}")
    assert verified(state)[0] == 0


def test_counts_may_be_deleted_for_their_number_only_where_there_are_so_many() -> None:
    """Two detectors in turn make more slots than there are in 400 days."""
    now, first = time.time(), day_bounds(DAYS[0])
    assert kept_from([int(first[0])] * SLOTS_KEPT, now) == first[1]
    assert kept_from([int(first[0])] * (SLOTS_KEPT - 1), now) == kept_from([], now) < first[0]


def test_a_damaged_record_is_said_in_one_sentence(state: Path) -> None:
    (state / "record.db").write_bytes(b"no database" * 100)
    with pytest.raises(FileError, match=r"record\.db is damaged \(file is not a database\); maskwatch repairs it by "):
        verified(state)
