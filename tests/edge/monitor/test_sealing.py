"""edge.monitor.sealing: the lines of days in the audit trail, of counts that were written and then changed."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from support.recorded import fill_counts
from support.trails import opened, started, trail, whats

from edge.config.identity import config_id
from edge.config.load import apply
from edge.config.schema import Config
from edge.monitor.state import StateFiles
from edge.record.audit import AuditTrail
from edge.record.counts import Counts
from edge.record.day_lines import day_values
from edge.record.reading import read, read_written
from edge.record.sql import PUT_WRITTEN
from edge.record.times import day_bounds

CAME = Counts(people=3, mask=2, no_mask=1, alerts=1, watched=900.0)
TODAY = date.today()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    return StateFiles(tmp_path)


def config(**sections: dict[str, Any]) -> Config:
    return apply(Config(), [("file", sections)], [])


def count(files: StateFiles, day: date, hour: int = 9, counts: Counts = CAME) -> None:
    """Counts as a recorder does, and at once."""
    fill_counts(files.record, [(day_bounds(day)[0] + 3600 * hour, counts)])
    with closing(sqlite3.connect(files.record)) as db, db:
        db.execute(PUT_WRITTEN, (day.isoformat(), token_hex(8)))


def test_a_day_gets_its_checksum_when_it_is_over(files: StateFiles) -> None:
    made = opened(files)
    count(files, YESTERDAY)
    count(files, TODAY, 0)
    made.days_changed({YESTERDAY, TODAY}, True)
    made.days_changed({YESTERDAY}, False)
    made.close(60)
    _, day = trail(files.folder)
    assert (day["day"], day["slots"], day["people"], day["alerts"]) == (YESTERDAY.isoformat(), 1, 3, 1)
    assert day["model"] == "mask@1" and day["config"] == config_id(Config()) and len(day["sha256"]) == 64


def test_a_day_that_was_sealed_is_sealed_again_only_if_counts_were_added(files: StateFiles) -> None:
    count(files, YESTERDAY)
    made = opened(files)
    made.days_changed({YESTERDAY}, True)
    count(files, YESTERDAY, 10)
    made.days_changed({YESTERDAY}, True)
    made.close(60)
    days = [entry for entry in trail(files.folder) if entry["what"] == "day"]
    assert [entry["people"] for entry in days][-1] == 6 and len(days) <= 2


def test_days_of_earlier_runs_are_sealed_at_the_start_as_they_were_counted_then(files: StateFiles) -> None:
    used = config(detect={"min_face": 60})
    started(files, used, "mask@old")
    count(files, YESTERDAY)
    count(files, TODAY - timedelta(days=4))
    found = started(files)
    assert whats(found) == ["start", "day", "day", "start"]
    assert [entry["day"] for entry in found[1:3]] == [str(TODAY - timedelta(days=4)), str(YESTERDAY)]
    assert {(entry["model"], entry["config"]) for entry in found[1:3]} == {("mask@old", config_id(used))}
    assert len(started(files)) == 4


def test_days_before_the_trail_have_no_known_model(files: StateFiles) -> None:
    count(files, YESTERDAY)
    day, _ = started(files)
    assert (day["what"], day["model"], day["config"]) == ("day", "unknown", "unknown")


def test_a_day_to_which_a_clock_was_set_back_is_sealed_again_at_the_end(files: StateFiles) -> None:
    """Today has a checksum already, because the clock was a day ahead."""
    opened(files).close(60)
    count(files, TODAY, 0)
    found = read(files.record, *day_bounds(TODAY))
    AuditTrail(files.audit).append("day", day_values(TODAY, found) | {"mark": read_written(files.record)[TODAY]})
    made = opened(files)
    made.days_changed({TODAY}, True)
    count(files, TODAY, 1)
    made.days_changed({TODAY}, True)
    made.close(60)
    assert [entry["people"] for entry in trail(files.folder) if entry["what"] == "day"] == [3, 6]


def test_counts_that_cannot_be_read_hold_up_no_line_and_are_sealed_later(files: StateFiles) -> None:
    files.record.write_bytes(b"no database" * 100)
    made = opened(files)
    made.days_changed({YESTERDAY}, True)
    made.switched("enabled", False, "over MQTT")
    made.close(60)
    assert whats(trail(files.folder)) == ["start", "pause"]
    files.record.unlink()
    count(files, YESTERDAY)
    assert whats(started(files)) == ["start", "pause", "day"]


def test_a_change_that_no_line_knows_of_is_sealed_at_the_start_but_not_one_by_hand(files: StateFiles) -> None:
    count(files, YESTERDAY)
    started(files)
    count(files, YESTERDAY, 10)  # and a kill, before the trail has a line of it
    assert [entry["people"] for entry in started(files) if entry["what"] == "day"] == [3, 6]
    fill_counts(files.record, [(day_bounds(YESTERDAY)[0], CAME)])
    assert [entry["people"] for entry in started(files) if entry["what"] == "day"] == [3, 6]


def test_without_counts_there_is_no_day(files: StateFiles) -> None:
    made = opened(files)
    made.days_changed({YESTERDAY}, True)
    made.close(60)
    assert whats(trail(files.folder)) == ["start"]
