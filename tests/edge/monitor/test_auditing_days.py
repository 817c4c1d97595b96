"""The checksums of days in a process whose clock passes midnight, and is set back. Its time zone is Berlin."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from support import ROOT, until
from support.clock import Clock
from support.commands import maskwatch
from support.recorded import fill_counts
from support.trails import trail

from edge.record.counts import Counts
from edge.record.reading import read

BERLIN = ZoneInfo("Europe/Berlin")
DOOR = """
import sys
from pathlib import Path
from edge.config.schema import Config
from edge.monitor.auditing import Auditing
from edge.monitor.state import StateFiles
from edge.record.recorder import Recorder

files = StateFiles(Path(sys.argv[1]))
audit = Auditing(files, Config(), "mask@1", lambda text: None)
record = Recorder(files.record, detector="yunet", model="mask@1", report=print, clock_synced=lambda: True)
record.followers.append(audit.days_changed)
for number, line in enumerate(sys.stdin):
    record.person("mask")
    record.mark([str(number)], True)  # makes the writer write
record.close(30)
audit.close(30)
"""


def run(clock: Clock, folder: Path, *moments: datetime, lines: int | None = None) -> None:
    """A run in which somebody comes at each moment. It is killed once the trail has some lines of days, if told so."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "Europe/Berlin"} | clock.env
    clock.set(moments[0].timestamp())
    door = subprocess.Popen(
        [sys.executable, "-c", DOOR, str(folder)], cwd=ROOT, env=environ, stdin=subprocess.PIPE, text=True
    )
    assert door.stdin is not None
    for number, moment in enumerate(moments):
        clock.set(moment.timestamp())
        before = people(folder)
        door.stdin.write("person\n")
        door.stdin.flush()
        until(lambda before=before: people(folder) > before or door.poll() is not None, f"person {number} is on disk")
    if lines is not None:
        until(lambda: len(days(folder)) == lines, "the days have their lines")
        door.kill()
    door.stdin.close()
    assert door.wait(60) == (0 if lines is None else -9)


def people(folder: Path) -> int:
    return sum(slot.counts.people for slot in read(folder / "record.db", 0, 1e11))


def days(folder: Path) -> list[tuple[Any, ...]]:
    return [
        (line["day"], line["people"], line["start"], line["end"]) for line in trail(folder) if line["what"] == "day"
    ]


def test_a_day_of_25_hours_and_a_clock_that_is_set_back(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    folder = tmp_path / "state"
    folder.mkdir()
    evening, night = datetime(2024, 10, 27, 23, 50, tzinfo=BERLIN), datetime(2024, 10, 28, 0, 10, tzinfo=BERLIN)
    day = ("2024-10-27", 1, "2024-10-27T00:00:00+02:00", "2024-10-28T00:00:00+01:00")
    run(clock, folder, evening)
    assert days(folder) == [], "the day is not over"
    run(clock, folder, night)
    assert days(folder) == [day], "the day of the run before"
    run(clock, folder, evening)
    assert [(found[0], found[1]) for found in days(folder)] == [("2024-10-27", 1), ("2024-10-27", 2)]
    run(clock, folder, evening, night)
    assert [(found[0], found[1]) for found in days(folder)][2:] == [("2024-10-27", 3)], "at midnight, and only once"
    clock.set(night.timestamp() + 86400)
    environ = {"STATE_DIRECTORY": str(folder), "TZ": "Asia/Kathmandu"} | clock.env
    done = maskwatch("audit", "--verify", env=environ)
    assert done.returncode == 0 and b" and the counts of 1 day " in done.stdout, done.stdout
    fill_counts(folder / "record.db", [(evening.timestamp(), Counts(people=1))])
    done = maskwatch("audit", "--verify", env=environ)
    assert done.returncode == 1 and done.stdout.startswith(b"2024-10-27: "), done.stdout


def test_a_clock_that_was_behind_and_power_cuts_are_no_fault_but_an_editor_is(tmp_path: Path) -> None:
    """A machine without a clock of its own starts with the time of its last end."""
    clock = Clock(tmp_path / "clock")
    folder = tmp_path / "state"
    folder.mkdir()
    evening, night = datetime(2026, 3, 10, 23, 50, tzinfo=BERLIN), datetime(2026, 3, 11, 0, 0, 5, tzinfo=BERLIN)
    noon = datetime(2026, 3, 11, 12, tzinfo=BERLIN)
    environ = {"STATE_DIRECTORY": str(folder), "TZ": "Europe/Berlin"} | clock.env

    def verified() -> int:
        clock.set(noon.timestamp())
        return maskwatch("audit", "--verify", env=environ).returncode

    run(clock, folder, evening, night, lines=1)
    run(clock, folder, evening, lines=1)
    assert verified() == 0, "the further line is still to come"
    run(clock, folder, noon, lines=2)
    assert [found[1] for found in days(folder)] == [1, 2] and verified() == 0
    run(clock, folder, evening, noon, lines=3)
    assert [found[1] for found in days(folder)][2:] == [3] and verified() == 0, "the clock was put right while it ran"
    fill_counts(folder / "record.db", [(evening.timestamp(), Counts(people=1))])
    assert verified() == 1
    run(clock, folder, noon, lines=3)
    assert verified() == 1, "only its own changes get a line"
