"""A program that reads standard output, such as head, may end early: every command then ends in silence."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from support import ROOT
from support.recorded import alert, fill_counts, fill_history

from edge.errors import ReaderGone
from edge.record.audit import AuditTrail
from edge.record.counts import Counts

MONDAY = ("--from", "2026-11-23", "--to", "2026-11-23")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with something to print for each command."""
    nine = datetime(2026, 11, 23, 9).timestamp()
    fill_counts(tmp_path / "record.db", [(nine, Counts(people=1, mask=1, watched=900.0))])
    fill_history(tmp_path / "outbox.db", [alert(nine + n) for n in range(3)])
    AuditTrail(tmp_path / "audit.jsonl").append("pause", {"by": "over MQTT"})
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("report", *MONDAY, "--by", "alert"),
        ("report", *MONDAY, "--csv"),
        ("report", *MONDAY, "--html"),
        ("audit",),
        ("audit", "--verify"),
        ("outbox",),
        ("image", str(ROOT / "edge/camera/door.jpg"), "--json"),
    ],
    ids=lambda words: words[0] + words[-1],
)
def test_a_command_whose_reader_has_ended_ends_in_silence(state: Path, words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    env = os.environ | {"STATE_DIRECTORY": str(state), "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    with os.fdopen(writer, "wb") as out:
        command = [sys.executable, "-m", "edge", *words]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, env=env, timeout=60)
    told = [line for line in done.stderr.splitlines() if not line.startswith((b"INFO: Created TensorFlow", b"INFO "))]
    assert (done.returncode, told) == (0, [])


def test_nobody_takes_a_reader_that_has_gone_for_a_fault_of_a_file() -> None:
    assert not issubclass(ReaderGone, OSError)
