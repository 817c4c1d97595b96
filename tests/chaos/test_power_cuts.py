"""Power cuts: what a block device held at one moment is mounted anew, and no committed alert is missing on it."""

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
from chaos.committer import letter
from support.mounts import ext4_image, mounted
from support.outboxes import Opened

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
    """What the committer has said so far."""

    saved: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)

    def hear(self, line: str) -> None:
        word, number = line.split()
        getattr(self, word).add(int(number))


class Committer:
    """The process that writes, on a mounted device of its own."""

    def __init__(self, disk: Path, first: int, seed: int, *options: str) -> None:
        command = [sys.executable, str(COMMITTER), str(disk / "outbox.db"), f"--first={first}", f"--seed={seed}"]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._pipe, self._rest, self.known = self._process.stdout.fileno(), "", Known()
        os.set_blocking(self._pipe, False)
        self._pause_until_it_writes()

    def listen(self) -> None:
        """Everything that it has said up to now."""
        try:
            while heard := os.read(self._pipe, 1 << 20):
                *lines, self._rest = (self._rest + heard.decode()).split("\n")
                for line in lines:
                    self.known.hear(line)
        except BlockingIOError:
            assert self._process.poll() is None, "the committer has ended"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)

    def _pause_until_it_writes(self) -> None:
        deadline = time.monotonic() + 60
        while not self.known.saved:
            assert time.monotonic() < deadline and self._process.poll() is None, "the committer does not start"
            time.sleep(0.02)
            self.listen()


@contextmanager
def committing(image: Path, disk: Path, first: int, seed: int, *options: str) -> Iterator[tuple[Committer, Path]]:
    """The writer, and the file that counts the writes its device has completed."""
    with mounted(image, disk, "-o", "loop"):
        device = os.stat(disk).st_dev
        writer = Committer(disk, first, seed, *options)
        try:
            yield writer, Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
        finally:
            writer.kill()


def cut(image: Path, counter: Path, writer: Committer) -> tuple[bytes, Known]:
    """The device at one moment, and what the committer had said by then. No write was completed while it was copied;
    of those that were under way any part may be missing, as with a real cut."""

    def completed() -> list[str]:
        fields = counter.read_text().split()
        return [fields[4], fields[11], fields[15]]  # writes, discards, flushes

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        writer.listen()
        saved, gone, before = set(writer.known.saved), set(writer.known.gone), completed()
        held = image.read_bytes()
        if completed() == before:
            writer.listen()  # what began to leave meanwhile may be missing
            return held, Known(saved, set(writer.known.leaving), gone)
    raise AssertionError("the device is never at rest for as long as copying it takes")


def after(held: bytes, folder: Path) -> list[OutboxMessage]:
    """What the outbox finds when the power is back."""
    copy = folder / "copy"
    copy.write_bytes(held)
    with mounted(copy, folder / "after", "-o", "loop") as disk:
        opened = Opened(disk / "outbox.db").close()
        assert set(opened.troubles) == {None} and not list(disk.glob("*damaged*")), "the database is not intact"
    return [message for batch in opened.restored for message in batch]


def lost(known: Known, found: list[OutboxMessage]) -> set[int]:
    """Alerts that were committed, and are not there. Whatever is there must be right."""
    numbers = [int(each.id) for each in found]
    assert numbers == sorted(set(numbers)), "not in order, or twice"
    assert all(each == letter(int(each.id)) for each in found), "not what was put"
    return known.saved - known.leaving - set(numbers)


def test_a_hundred_power_cuts_lose_nothing_that_was_committed(image: Path, tmp_path: Path) -> None:
    first, cuts = 0, 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        with committing(image, tmp_path / "disk", first, seed) as (writer, counter):
            for _ in range(CUTS):
                time.sleep(chance.uniform(0, 0.3))
                held, known = cut(image, counter, writer)
                found = after(held, tmp_path)
                assert lost(known, found) == set(), f"cut {cuts}"
                assert not known.gone & {int(each.id) for each in found}, f"cut {cuts}: delivered ones are back"
                cuts += 1
            writer.listen()
            first = max(writer.known.saved) + 100_000  # never a number twice
        image.write_bytes(held)  # the next round goes on from this cut
    assert cuts == ROUNDS * CUTS


def test_the_same_cuts_find_out_a_writer_that_does_not_sync(image: Path, tmp_path: Path) -> None:
    chance, losses = random.Random(1), 0
    with committing(image, tmp_path / "disk", 0, 1, "--careless") as (writer, counter):
        for _ in range(10):
            time.sleep(chance.uniform(0, 0.3))
            held, known = cut(image, counter, writer)
            losses += len(lost(known, after(held, tmp_path)))
    assert losses


def test_a_file_that_was_replaced_is_the_new_one_after_a_power_cut(image: Path, tmp_path: Path) -> None:
    """Without a sync of the file and of its folder, the device still holds the old one for seconds."""
    with mounted(image, tmp_path / "disk", "-o", "loop") as disk:
        path = disk / "door.toml"
        for number in range(20):
            with replacing(path) as new:
                new.write_text(f"number = {number}\n" + "# more\n" * 1000, "utf-8")
            held = tmp_path / "copy"
            held.write_bytes(image.read_bytes())
            with mounted(held, tmp_path / "after", "-o", "loop") as after_cut:
                assert (after_cut / "door.toml").read_text("utf-8").splitlines()[0] == f"number = {number}"
