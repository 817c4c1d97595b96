"""edge.monitor.auditing: what a start, the page, a switch and the end of a day leave in the audit trail."""

import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.mounts import remount, small_disk
from support.recorded import fill_counts

from edge.config.identity import config_id
from edge.config.load import apply
from edge.config.schema import Config
from edge.monitor.auditing import MOST_SWITCHED, Auditing
from edge.monitor.state import StateFiles
from edge.record.audit_reading import entries, faults_of_chain, read_lines
from edge.record.counts import Counts
from edge.record.day_lines import bounds

CAME = Counts(people=3, mask=2, no_mask=1, alerts=1, watched=900.0)
DEFAULTS = Config()
TODAY = date.today()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    return StateFiles(tmp_path)


def config(**sections: dict[str, Any]) -> Config:
    return apply(Config(), [("file", sections)], [])


def opened(files: StateFiles, used: Config = DEFAULTS, model: str = "mask@1") -> Auditing:
    """A trail of a door, after its line about the start."""
    made = Auditing(files, used, model, lambda text: None)
    until(lambda: not writes(), "the start is noted")
    return made


def writes() -> bool:
    return any(thread.name == "audit" for thread in threading.enumerate())


def started(files: StateFiles, used: Config = DEFAULTS, model: str = "mask@1") -> list[dict[str, Any]]:
    """Starts and ends once; returns the trail."""
    opened(files, used, model).close(60)
    return trail(files)


def trail(files: StateFiles) -> list[dict[str, Any]]:
    lines = read_lines(files.audit)
    assert list(faults_of_chain(lines)) == []
    return list(entries(lines))


def count(files: StateFiles, day: date, hour: int = 9, counts: Counts = CAME) -> None:
    fill_counts(files.record, [(bounds(day)[0] + 3600 * hour, counts)])


def whats(found: list[dict[str, Any]]) -> list[Any]:
    return [entry["what"] for entry in found]


def test_the_first_start_has_all_options_that_are_no_defaults(files: StateFiles) -> None:
    used = config(detect={"min_face": 60})
    (start,) = started(files, used)
    assert (start["what"], start["model"], start["detector"]) == ("start", "mask@1", "haar")
    assert start["config"] == config_id(used) and start["options"] == {"detect.min_face": 60}
    assert "edited" not in start


def test_a_start_is_noted_only_where_something_differs(files: StateFiles) -> None:
    assert len(started(files)) == len(started(files)) == 1
    assert len(started(files, model="mask@2")) == 2
    assert len(started(files, model="mask@2")) == 2


def test_an_option_that_was_edited_by_hand_is_named(files: StateFiles) -> None:
    started(files, config(detect={"min_face": 60}))
    _, second = started(files, config(decide={"frames": 5}))
    assert second["edited"] == [
        {"option": "detect.min_face", "old": 60, "new": 48},
        {"option": "decide.frames", "old": 4, "new": 5},
    ]
    assert len(started(files, config(decide={"frames": 5}))) == 2


def test_what_the_page_has_changed_is_no_edit(files: StateFiles) -> None:
    before, after = config(), config(detect={"min_face": 60}, web={"password_hash": "secret hash"})
    made = opened(files, before)
    made.changed(before, after, "10.0.0.7")
    made.close(60)
    assert [(entry["option"], entry["old"], entry["new"]) for entry in trail(files)[1:]] == [
        ("detect.min_face", 48, 60),
        ("web.password_hash", "", "(secret)"),
    ]
    assert {(entry["by"], entry["via"], entry["config"]) for entry in trail(files)[1:]} == {
        ("10.0.0.7", "page", config_id(after))
    }
    *_, last = started(files, after)
    assert last["what"] == "start" and "edited" not in last and "secret hash" not in files.audit.read_text()


def test_an_edit_that_takes_a_change_back_is_named_though_the_start_is_as_before(files: StateFiles) -> None:
    made = opened(files)
    made.changed(Config(), config(detect={"min_face": 60}), "10.0.0.7")
    made.close(60)
    *_, last = started(files)
    assert last["edited"] == [{"option": "detect.min_face", "old": 60, "new": 48}]


def test_pauses_and_muted_outputs_are_noted(files: StateFiles) -> None:
    made = opened(files)
    made.switched("enabled", False, "over MQTT")
    made.switched("enabled", True, "on the page by ::1")
    made.switched("output/lamp", False, "over MQTT")
    made.close(60)
    found = trail(files)[1:]
    assert whats(found) == ["pause", "resume", "mute"] and found[2]["output"] == "lamp"
    assert [entry["by"] for entry in found] == ["over MQTT", "on the page by ::1", "over MQTT"]


def test_a_switch_that_flaps_does_not_fill_the_trail(files: StateFiles) -> None:
    made = opened(files)
    for number in range(1000):
        made.switched("enabled", bool(number % 2), "over MQTT")
    made.close(60)
    assert len(trail(files)) == 1 + MOST_SWITCHED


def test_a_day_gets_its_checksum_when_it_is_over(files: StateFiles) -> None:
    made = opened(files)
    count(files, YESTERDAY)
    count(files, TODAY, 0)
    made.days_changed({YESTERDAY, TODAY}, True)
    made.days_changed({YESTERDAY}, False)
    made.close(60)
    _, day = trail(files)
    assert (day["day"], day["slots"], day["people"], day["alerts"]) == (YESTERDAY.isoformat(), 1, 3, 1)
    assert day["model"] == "mask@1" and day["config"] == config_id(Config()) and len(day["sha256"]) == 64


def test_a_day_that_was_sealed_is_sealed_again_only_if_counts_were_added(files: StateFiles) -> None:
    count(files, YESTERDAY)
    made = opened(files)
    made.days_changed({YESTERDAY}, True)
    count(files, YESTERDAY, 10)
    made.days_changed({YESTERDAY}, True)
    made.close(60)
    days = [entry for entry in trail(files) if entry["what"] == "day"]
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
    tomorrow = opened(files)
    tomorrow.close(60)
    count(files, TODAY, 0)
    made = opened(files)
    made._append_day(TODAY, {"model": "mask@1", "config": "00000000"})  # as at the midnight that the clock has seen
    count(files, TODAY, 1)
    made.days_changed({TODAY}, True)
    made.close(60)
    assert [entry["people"] for entry in trail(files) if entry["what"] == "day"] == [3, 6]


def test_counts_that_cannot_be_read_hold_up_no_line_and_are_sealed_later(files: StateFiles) -> None:
    files.record.write_bytes(b"no database" * 100)
    made = opened(files)
    made.days_changed({YESTERDAY}, True)
    made.switched("enabled", False, "over MQTT")
    made.close(60)
    assert whats(trail(files)) == ["start", "pause"]
    files.record.unlink()
    count(files, YESTERDAY)
    assert whats(started(files)) == ["start", "pause", "day"]


def test_without_counts_there_is_no_day(files: StateFiles) -> None:
    made = opened(files)
    made.days_changed({YESTERDAY}, True)
    made.close(60)
    assert whats(trail(files)) == ["start"]


def test_what_a_disk_refuses_is_written_when_it_can_be(tmp_path: Path) -> None:
    reports: list[str | None] = []
    with small_disk(tmp_path / "disk") as disk:
        files = StateFiles(disk)
        started(files)
        remount(disk, "ro")
        made = Auditing(files, Config(), "mask@1", reports.append)
        made.switched("enabled", False, "over MQTT")
        until(lambda: reports and reports[-1], "the fault is reported")
        assert "audit.jsonl cannot be written: Read-only file system" in str(reports[-1])
        remount(disk, "rw")
        made.close(60)
        assert whats(trail(files)) == ["start", "pause"] and reports[-1] is None


def test_the_end_does_not_wait_for_a_disk_that_refuses(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        remount(disk, "ro")
        made = Auditing(StateFiles(disk), DEFAULTS, "mask@1", lambda text: None)
        made.close(60)
        assert not writes()


def test_no_thread_stays_while_there_is_nothing_to_write(files: StateFiles) -> None:
    made = opened(files)
    assert not writes()
    made.switched("enabled", False, "over MQTT")
    until(lambda: whats(trail(files)) == ["start", "pause"], "the line of another thread")
    made.close(60)
