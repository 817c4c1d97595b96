"""Power cuts: the content of a block device at one moment is mounted again, and no committed alert is missing on it."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chaos.committer import message
from support import ROOT, until
from support.mounts import ext4_image, mounted
from support.outboxes import RecordingOutbox

from edge.files import replacing
from edge.outbox.sql import OutboxMessage

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

COMMITTER = Path(__file__).with_name("committer.py")
ROUNDS, CUTS = 5, 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An empty ext4 file system, small because it is copied often."""
    return ext4_image(tmp_path / "device")


@dataclass
class Known:
    """What the committer has printed so far."""

    committed: set[int] = field(default_factory=set)
    deleting: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)

    def add_line(self, line: str) -> None:
        event, number = line.split()
        getattr(self, event).add(int(number))


class Committer:
    """The process that writes to the outbox, on a mounted device that nothing else uses."""

    def __init__(self, disk: Path, first: int, seed: int, *options: str) -> None:
        command = [sys.executable, str(COMMITTER), str(disk / "outbox.db"), f"--first={first}", f"--seed={seed}"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, env=environ)
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        self._unfinished_line = ""
        self.known = Known()
        os.set_blocking(self._pipe, False)
        until(self._has_committed, "the committer has committed a message", 60)

    def read_output(self) -> None:
        """Reads everything that it has printed up to now."""
        try:
            while data := os.read(self._pipe, 1 << 20):
                *lines, self._unfinished_line = (self._unfinished_line + data.decode()).split("\n")
                for line in lines:
                    self.known.add_line(line)
        except BlockingIOError:
            assert self._process.poll() is None, "the committer has ended"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)

    def _has_committed(self) -> bool:
        assert self._process.poll() is None, "the committer has ended"
        self.read_output()
        return bool(self.known.committed)


@contextmanager
def committing(image: Path, disk: Path, first: int, seed: int, *options: str) -> Iterator[tuple[Committer, Path]]:
    """Gives the committer, and the file in which the kernel counts the writes that its device has completed."""
    with mounted(image, disk, "-o", "loop"):
        device = os.stat(disk).st_dev
        writer = Committer(disk, first, seed, *options)
        try:
            yield writer, Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
        finally:
            writer.kill()


def cut(image: Path, counter: Path, writer: Committer) -> tuple[bytes, Known]:
    """Returns the device's content at one moment, and what the committer had printed by then.

    No write was completed while the content was copied. Any part of a write that was in progress may be missing, as
    after a real power cut.
    """

    def completed() -> list[str]:
        fields = counter.read_text().split()
        return [fields[4], fields[11], fields[15]]  # writes, discards, flushes

    content, known = b"", Known()

    def copied_at_rest() -> bool:
        nonlocal content, known
        writer.read_output()
        committed, deleted, before = set(writer.known.committed), set(writer.known.deleted), completed()
        content = image.read_bytes()
        if completed() != before:
            return False
        writer.read_output()  # a deletion that began meanwhile may have taken place
        known = Known(committed, set(writer.known.deleting), deleted)
        return True

    until(copied_at_rest, "the device completes no write while it is copied", 60, pause=0)
    return content, known


def restored(content: bytes, folder: Path) -> list[OutboxMessage]:
    """Returns what the outbox restores when the power is back."""
    copy = folder / "copy"
    copy.write_bytes(content)
    with mounted(copy, folder / "after", "-o", "loop") as disk:
        recording = RecordingOutbox(disk / "outbox.db").close()
        assert set(recording.problems) == {None} and not list(disk.glob("*damaged*")), "the database is not intact"
    return [one for batch in recording.restored for one in batch]


def lost(known: Known, present: list[OutboxMessage]) -> set[int]:
    """Returns the alerts that were committed and are missing. Asserts that those that are present are right."""
    numbers = [int(one.id) for one in present]
    assert numbers == sorted(set(numbers)), "not in order, or twice"
    assert all(one == message(int(one.id)) for one in present), "not what was put"
    return known.committed - known.deleting - set(numbers)


def test_a_hundred_power_cuts_lose_no_committed_alert(image: Path, tmp_path: Path) -> None:
    first, cuts = 0, 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        with committing(image, tmp_path / "disk", first, seed) as (writer, counter):
            for _ in range(CUTS):
                time.sleep(chance.uniform(0, 0.3))
                content, known = cut(image, counter, writer)
                present = restored(content, tmp_path)
                assert lost(known, present) == set(), f"cut {cuts}"
                assert not known.deleted & {int(one.id) for one in present}, f"cut {cuts}: delivered alerts are back"
                cuts += 1
            writer.read_output()
            first = max(writer.known.committed) + 100_000  # no number is used twice
        image.write_bytes(content)  # the next round starts from the last cut of this one
    assert cuts == ROUNDS * CUTS


def test_the_same_cuts_reveal_a_writer_that_does_not_sync(image: Path, tmp_path: Path) -> None:
    chance, losses = random.Random(1), 0
    with committing(image, tmp_path / "disk", 0, 1, "--unsynced") as (writer, counter):
        for _ in range(10):
            time.sleep(chance.uniform(0, 0.3))
            content, known = cut(image, counter, writer)
            losses += len(lost(known, restored(content, tmp_path)))
    assert losses


def test_a_replaced_file_has_its_new_content_after_a_power_cut(image: Path, tmp_path: Path) -> None:
    """Without a sync of the file and of its folder, the device would hold the old content for seconds."""
    with mounted(image, tmp_path / "disk", "-o", "loop") as disk:
        path = disk / "door.toml"
        for number in range(20):
            with replacing(path) as new:
                new.write_text(f"number = {number}\n" + "# more\n" * 1000, "utf-8")
            copy = tmp_path / "copy"
            copy.write_bytes(image.read_bytes())
            with mounted(copy, tmp_path / "after", "-o", "loop") as after_cut:
                assert (after_cut / "door.toml").read_text("utf-8").splitlines()[0] == f"number = {number}"
