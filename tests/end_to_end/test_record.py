"""Counts of a real door: the people of the clip, a pause, and a kill."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.commands import maskwatch as command

TODAY = ("--from", "2020-01-01", "--by", "weekday", "--json")


def counted(tmp_path: Path) -> dict[str, Any]:
    """The sums of all days that ``maskwatch report`` prints for this test's door."""
    done = command("report", *TODAY, env={"STATE_DIRECTORY": str(tmp_path / "state" / "maskwatch" / "entrance")})
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    names = ("people", "mask", "no_mask", "incorrect_mask", "unsure", "alerts", "watched_s", "paused_s")
    return {name: sum(row[name] or 0 for row in rows) for name in names}


def test_the_people_of_the_clip_are_counted_once_and_added_up(
    maskwatch: Any, mosquitto: Any, tmp_path: Path, truth: dict[str, Any]
) -> None:
    broker = mosquitto().start()
    for runs in (1, 2):
        assert maskwatch("run", "--source", "demo", "--broker", broker.address).end() == 0
        sums = counted(tmp_path)
        assert sums["alerts"] == truth["alerts"] * runs
        assert sums["people"] == sum(sums[name] for name in ("mask", "no_mask", "incorrect_mask", "unsure")) > 0
        assert sums["no_mask"] >= runs and sums["people"] % runs == 0
    assert sums["watched_s"] > 0


def test_a_pause_is_unknown_time(maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    file = tmp_path / "door.toml"
    file.write_text("[source]\nrepeat = true\n")
    door = maskwatch("run", "--config", file, "--source", "demo", "--realtime", "--broker", broker.address)
    door.wait_for("watching")
    other = subscriber(broker.port)
    other.publish("maskwatch/entrance/enabled/set", b"OFF")
    other.wait_for("maskwatch/entrance/enabled/state", 1)
    until(lambda: b"OFF" in [payload for topic, payload, _ in other.messages if topic.endswith("/state")], "paused")
    time.sleep(3)
    other.publish("maskwatch/entrance/enabled/set", b"ON")
    assert door.end(signal.SIGTERM) == 0
    assert counted(tmp_path)["paused_s"] >= 2


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_a_kill_loses_the_last_minute_at_most(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    file = tmp_path / "door.toml"
    file.write_text("[source]\nrepeat = true\n")
    door = maskwatch("run", "--config", file, "--source", "demo", "--realtime", "--broker", broker.address)
    door.wait_for("watching")
    until(lambda: counted(tmp_path)["people"] > 0, "somebody is written down", 150, 5)
    door.end(signal.SIGKILL)
    before = counted(tmp_path)
    again = maskwatch("run", "--source", "demo", "--broker", broker.address)
    assert again.end() == 0
    after = counted(tmp_path)
    assert after["people"] > before["people"] > 0 and after["watched_s"] > before["watched_s"]
