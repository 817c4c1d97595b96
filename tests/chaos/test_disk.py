"""A disk that is full, read-only or faulty: alerts are delivered, health reports it, and no restart is needed."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos.raising import ENVIRON, RAISER, TOPIC, raised
from support import until
from support.mounts import ext4_image, fill, mounted, remount, small_disk

from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]


class Door:
    """A process that raises alerts, with a real broker, a subscriber and a state folder on the test's disk."""

    def __init__(self, folder: Path, broker: Any, start: Callable[..., Any], subscribe: Callable[..., Any]) -> None:
        self._folder, self._start, self._subscribe, self._broker = folder, start, subscribe, broker.start()
        self.subscriber = subscribe(broker.port)
        self._raised_before_outage = 0
        self._process = self._run("--count=100000", "--pace=0.1")

    def _run(self, *args: str) -> Any:
        broker = f"--broker={self._broker.address}"
        return self._start(broker, "--folder", self._folder, *args, program=RAISER, env=ENVIRON)

    @property
    def raised(self) -> list[str]:
        return raised(self._process)

    @property
    def arrived(self) -> list[str]:
        return [json.loads(payload)["id"] for payload in self.subscriber.on(TOPIC)]

    @property
    def disk_reports(self) -> list[str]:
        """The lines about the disk, in order."""
        lines = self._process.err.splitlines()
        return [line for line in lines if line.startswith(("trouble disk", "well disk"))]

    def wait_for_disk(self, text: str) -> None:
        """Waits until the newest line about the disk contains ``text``."""
        until(lambda: self.disk_reports and text in self.disk_reports[-1], f"a disk report '{text}'", timeout=60)

    def wait_for_well_disk(self) -> None:
        """Waits until the newest line about the disk reports no trouble."""
        until(lambda: self.disk_reports[-1:] == ["well disk"], "a report of a well disk", timeout=60)

    def wait_for_delivery(self) -> None:
        """Waits until ten alerts that are raised from now on have arrived."""
        before = len(self.raised)
        until(lambda: len(self.raised) > before + 10, "ten new alerts", timeout=60)
        new = self.raised[before : before + 10]
        until(lambda: set(new) <= set(self.arrived), "the arrival of ten new alerts", timeout=60)

    def stop_broker(self) -> None:
        """Kills the broker, and waits until ten alerts were raised without it."""
        self._broker.kill()
        until(lambda: "trouble broker" in self._process.err, "the broker's loss is reported", timeout=60)
        self._raised_before_outage = len(self.raised)
        until(lambda: len(self.raised) > self._raised_before_outage + 10, "ten new alerts", timeout=60)

    def wait_for_saved(self) -> list[str]:
        """Waits until all alerts that were raised without the broker are on disk; returns their ids."""
        waiting = self.raised[self._raised_before_outage :]

        def saved() -> bool:
            return set(waiting) <= {message.id for message in peek(self._folder / "outbox.db")[0]}

        until(saved, "all alerts are on disk", timeout=60)
        return waiting

    def kill_and_check_next_run(self, expected: list[str]) -> None:
        """Kills the process, and asserts that its next run delivers the ``expected`` alerts in order."""
        assert len(expected) >= 10
        assert self._process.end(signal.SIGKILL) == -signal.SIGKILL, "the process had already ended"
        self._broker.start()
        self.subscriber = self._subscribe(self._broker.port)
        assert self._run("--count=0").end() == 0
        self.subscriber.wait_for(TOPIC, len(expected))
        assert [id for id in self.arrived if id in set(expected)] == expected


@pytest.fixture
def door_on(maskwatch: Any, mosquitto: Any, subscriber: Any) -> Callable[[Path], Door]:
    return lambda folder: Door(folder, mosquitto(), maskwatch, subscriber)


def test_a_full_disk_delays_no_alert_and_is_used_again_without_a_restart(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        door = door_on(disk / "state")
        door.wait_for_well_disk()
        door.wait_for_delivery()
        big = fill(disk)
        door.wait_for_disk("full")
        door.wait_for_delivery()
        big.unlink()
        door.wait_for_well_disk()
        door.wait_for_delivery()
        door.stop_broker()
        door.kill_and_check_next_run(door.wait_for_saved())


def test_alerts_raised_without_broker_on_a_full_disk_are_saved_once_there_is_space(
    tmp_path: Path, door_on: Any
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        door = door_on(disk / "state")
        door.wait_for_well_disk()
        door.wait_for_delivery()
        big = fill(disk)
        door.stop_broker()
        door.wait_for_disk("full")
        big.unlink()
        door.wait_for_well_disk()
        door.kill_and_check_next_run(door.wait_for_saved())


def test_a_disk_that_is_full_from_the_start_is_used_once_there_is_space(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        big = fill(disk)
        door = door_on(disk / "state")
        door.wait_for_disk("alerts cannot be saved")
        door.wait_for_delivery()
        big.unlink()
        door.wait_for_well_disk()
        door.stop_broker()
        door.kill_and_check_next_run(door.wait_for_saved())


def test_a_disk_that_is_read_only_from_the_start_is_used_once_it_is_writable(tmp_path: Path, door_on: Any) -> None:
    with small_disk(tmp_path / "disk") as disk:
        remount(disk, "ro")
        door = door_on(disk / "state")
        door.wait_for_disk("Read-only")
        door.wait_for_delivery()
        remount(disk, "rw")
        door.wait_for_well_disk()
        door.stop_broker()
        door.kill_and_check_next_run(door.wait_for_saved())


def test_a_disk_that_turns_read_only_after_an_error_is_used_again_once_remounted(tmp_path: Path, door_on: Any) -> None:
    """ext4 makes a card read-only when it meets an error on it, while data are being written."""
    image, spare, place = ext4_image(tmp_path / "image"), tmp_path / "spare", tmp_path / "disk"
    with mounted(image, place, "-o", "loop"):
        door = door_on(place / "state")
        door.wait_for_well_disk()
        door.wait_for_delivery()
        subprocess.run(["mount", "-o", "remount,abort", str(place)], check=True, capture_output=True, timeout=60)
        door.wait_for_disk("alerts cannot be saved")
        door.wait_for_delivery()
        shutil.copy(image, spare)
        # as if the card was taken out and put in again; over the first mount, because the outbox would make a new file
        # in the empty mount point between an unmount and a mount
        with mounted(spare, place, "-o", "loop"):
            door.wait_for_well_disk()
            door.wait_for_delivery()
            door.stop_broker()
            door.kill_and_check_next_run(door.wait_for_saved())
