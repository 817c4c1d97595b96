"""A process is killed at random moments while it rescues a damaged file: the next one delivers everything, once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import ROOT, until
from support.outboxes import RecordingOutbox, fill_outbox
from support.recorded import fill_counts, recorder

from edge.outbox.database import connect
from edge.outbox.sql import DELETE, SCHEMA, OutboxMessage
from edge.record.counts import SLOT_S, Counts
from edge.record.reading import read

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

COUNT, KILLS = 300, 12
OUTBOX = """
import sys
from pathlib import Path
from support.outboxes import RecordingOutbox
print("opening", flush=True)
RecordingOutbox(Path(sys.argv[1]))
print("opened", flush=True)
"""
RECORD = """
import sys, time
from pathlib import Path
from support.recorded import recorder
print("opening", flush=True)
recorder(Path(sys.argv[1]))
time.sleep(60)
"""


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xf3" * 16)


def kill_while_opening(program: str, path: Path, after: float) -> None:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait(30)


def restored(path: Path) -> list[OutboxMessage]:
    return [one for batch in RecordingOutbox(path).close().restored for one in batch]


def test_kills_while_a_damaged_outbox_is_rescued_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(KILLS):
        path = tmp_path / str(number) / "outbox.db"
        messages = fill_outbox(path, COUNT)
        damage(path)
        for _ in range(2):
            kill_while_opening(OUTBOX, path, chance.uniform(0, 0.06))
        left = sorted(file.name for file in path.parent.iterdir())
        assert restored(path) == messages, left
        with closing(connect(path, SCHEMA)) as db:
            for message in messages:
                db.execute(DELETE, (message.id,))
        assert restored(path) == [], "delivered alerts come again"


def test_kills_while_a_damaged_record_is_rescued_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(2)
    slots = [(time.time() - number * SLOT_S, Counts(people=1, mask=1)) for number in range(1, 1000)]
    for number in range(6):
        path = tmp_path / str(number) / "record.db"
        path.parent.mkdir()
        fill_counts(path, slots)
        damage(path)
        for _ in range(2):
            kill_while_opening(RECORD, path, chance.uniform(0, 0.08))
        made = recorder(path)
        until(lambda: sum(slot.counts.mask for slot in made.read(0, 1e11)) == len(slots))  # noqa: B023
        assert made.close(30)
        assert sum(slot.counts.mask for slot in read(path, 0, 1e11)) == len(slots)


def test_every_stage_of_a_rescue_is_finished(tmp_path: Path) -> None:
    """Killed at each system call that renames, deletes or syncs, by strace's fault injection."""
    if subprocess.run(["which", "strace"], capture_output=True, timeout=10).returncode:
        pytest.skip("strace is not installed (sudo apt install strace)")
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    killed = 0
    for when in range(1, 25):
        path = tmp_path / str(when) / "outbox.db"
        messages = fill_outbox(path, 50)
        damage(path)
        calls = "rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync"
        inject = f"inject={calls}:signal=SIGKILL:when={when}"
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject]
        ended = subprocess.run([*command, sys.executable, "-B", "-c", OUTBOX, str(path)], env=environ, timeout=60)
        killed += ended.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        left = sorted(file.name for file in path.parent.iterdir())
        try:
            assert restored(path) == messages, (when, left)
        except sqlite3.Error as error:
            raise AssertionError((when, left)) from error
    assert killed >= 5
