"""edge.monitor.auditing: what a start, the page, and a switch leave in the audit trail."""

from pathlib import Path
from typing import Any

import pytest
from support import until
from support.mounts import remount, small_disk
from support.trails import opened, started, trail, whats, writes

from edge.config.identity import config_id
from edge.config.load import apply
from edge.config.schema import Config
from edge.monitor.auditing import Auditing
from edge.monitor.state import StateFiles
from edge.monitor.switch_lines import MOST_SWITCHED

DEFAULTS = Config()


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    return StateFiles(tmp_path)


def config(**sections: dict[str, Any]) -> Config:
    return apply(Config(), [("file", sections)], [])


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
    assert [(entry["option"], entry["old"], entry["new"]) for entry in trail(files.folder)[1:]] == [
        ("detect.min_face", 48, 60),
        ("web.password_hash", "", "(secret)"),
    ]
    assert {(entry["by"], entry["via"], entry["config"]) for entry in trail(files.folder)[1:]} == {
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
    found = trail(files.folder)[1:]
    assert whats(found) == ["pause", "resume", "mute"] and found[2]["output"] == "lamp"
    assert [entry["by"] for entry in found] == ["over MQTT", "on the page by ::1", "over MQTT"]


def test_a_switch_that_flaps_does_not_fill_the_trail(files: StateFiles) -> None:
    made = opened(files)
    for number in range(1000):
        made.switched("enabled", bool(number % 2), "over MQTT")
    made.close(60)
    found = trail(files.folder)
    assert len(found) <= 1 + MOST_SWITCHED + 1
    assert found[-1]["what"] == "resume", "how it ended is known"
    assert sum(1 + entry.get("left_out", 0) for entry in found[1:]) == 1000
    made = opened(files)
    for _ in range(10):
        made.switched("output/lamp", False, "over MQTT")
    made.close(60)
    assert trail(files.folder)[len(found) :] == [trail(files.folder)[-1]], "a restart gives no new budget"


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
        assert whats(trail(files.folder)) == ["start", "pause"] and reports[-1] is None


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
    until(lambda: whats(trail(files.folder)) == ["start", "pause"], "the line of another thread")
    made.close(60)
