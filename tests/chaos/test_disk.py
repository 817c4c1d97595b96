"""A disk that is full, read-only or fails: alerts leave all the same, health says so, and no restart is needed."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos.raising import RAISER, TOPIC, raised
from support import until
from support.mounts import ext4_image, fill, mounted, remount, small_disk

from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]


class Door:
    """A process that raises alerts, with a real broker, a subscriber and a state folder on a disk of the test's own."""

    def __init__(self, folder: Path, broker: Any, start: Callable[..., Any], subscribe: Callable[..., Any]) -> None:
        self._folder, self._start, self._subscribe, self._broker = folder, start, subscribe, broker.start()
        self.subscriber = subscribe(broker.port)
        self._first_without = 0
        self._process = self._run("--count=100000", "--pace=0.1")

    def _run(self, *args: str) -> Any:
        return self._start(f"--broker={self._broker.address}", "--folder", self._folder, *args, program=RAISER)

    @property
    def raised(self) -> list[str]:
        return raised(self._process)

    @property
    def arrived(self) -> list[str]:
        return [json.loads(payload)["id"] for payload in self.subscriber.on(TOPIC)]

    @property
    def disk(self) -> list[str]:
        """What was said of the disk, in order."""
        lines = self._process.err.splitlines()
        return [line for line in lines if line.startswith(("trouble disk", "well disk"))]

    def has_trouble(self, text: str) -> None:
        until(lambda: self.disk and text in self.disk[-1], timeout=60)

    def is_well(self) -> None:
        until(lambda: self.disk and self.disk[-1] == "well disk", timeout=60)

    def delivers_live(self) -> None:
        """Ten alerts, every one raised from now on."""
        before = len(self.raised)
        until(lambda: len(self.raised) > before + 10, timeout=60)
        new = self.raised[before : before + 10]
        until(lambda: set(new) <= set(self.arrived), timeout=60)

    def loses_the_broker(self) -> None:
        """For as long as it takes to raise ten alerts."""
        self._broker.kill()
        until(lambda: "trouble broker" in self._process.err, timeout=60)
        self._first_without = len(self.raised)
        until(lambda: len(self.raised) > self._first_without + 10, timeout=60)

    def waits_on_disk(self) -> list[str]:
        """Alerts raised since the broker has gone, once they are all on disk."""
        waiting = self.raised[self._first_without :]
        until(lambda: set(waiting) <= {each.id for each in peek(self._folder / "outbox.db")[0]}, timeout=60)
        return waiting

    def is_killed_and_delivers_in_its_next_run(self, expected: list[str]) -> None:
        assert len(expected) >= 10
        assert self._process.end(signal.SIGKILL) == -signal.SIGKILL, "it ended before"
        self._broker.start()
        self.subscriber = self._subscribe(self._broker.port)
        assert self._run("--count=0").end() == 0
        self.subscriber.wait_for(TOPIC, len(expected))
        assert [id for id in self.arrived if id in set(expected)] == expected


@pytest.fixture
def door_on(maskwatch: Any, mosquitto: Any, subscriber: Any) -> Callable[[Path], Door]:
    return lambda folder: Door(folder, mosquitto(), maskwatch, subscriber)


def test_a_full_disk_delays_no_alert_and_passes_without_a_restart(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        door = door_on(disk / "state")
        door.is_well()
        door.delivers_live()
        big = fill(disk)
        door.has_trouble("full")
        door.delivers_live()
        big.unlink()
        door.is_well()
        door.delivers_live()
        door.loses_the_broker()
        door.is_killed_and_delivers_in_its_next_run(door.waits_on_disk())


def test_alerts_of_a_full_disk_without_a_broker_are_saved_when_there_is_space(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        door = door_on(disk / "state")
        door.is_well()
        door.delivers_live()
        big = fill(disk)
        door.loses_the_broker()
        door.has_trouble("full")
        big.unlink()
        door.is_well()
        door.is_killed_and_delivers_in_its_next_run(door.waits_on_disk())


def test_a_disk_that_is_full_from_the_start_is_used_once_there_is_space(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        big = fill(disk)
        door = door_on(disk / "state")
        door.has_trouble("alerts cannot be saved")
        door.delivers_live()
        big.unlink()
        door.is_well()
        door.loses_the_broker()
        door.is_killed_and_delivers_in_its_next_run(door.waits_on_disk())


def test_a_disk_that_is_read_only_from_the_start_is_used_once_it_is_not(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        remount(disk, "ro")
        door = door_on(disk / "state")
        door.has_trouble("Read-only")
        door.delivers_live()
        remount(disk, "rw")
        door.is_well()
        door.loses_the_broker()
        door.is_killed_and_delivers_in_its_next_run(door.waits_on_disk())


def test_a_disk_that_turns_read_only_after_an_error_is_used_again_when_it_is_back(tmp_path: Path, door_on: Any) -> None:
    """ext4 gives a card up for read-only when it sees an error on it, in the middle of whatever is being written."""
    image, spare, place = ext4_image(tmp_path / "image"), tmp_path / "spare", tmp_path / "disk"
    with mounted(image, place, "-o", "loop"):
        door = door_on(place / "state")
        door.is_well()
        door.delivers_live()
        subprocess.run(["mount", "-o", "remount,abort", str(place)], check=True, capture_output=True, timeout=60)
        door.has_trouble("alerts cannot be saved")
        door.delivers_live()
        shutil.copy(image, spare)
    with mounted(spare, place, "-o", "loop"):  # pulled, put in again
        door.is_well()
        door.delivers_live()
        door.loses_the_broker()
        door.is_killed_and_delivers_in_its_next_run(door.waits_on_disk())
