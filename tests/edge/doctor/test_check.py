"""edge.doctor.check: a check that hangs, crashes or fails is one finding, within its time."""

import ctypes
import os
import signal
import time
from pathlib import Path

import pytest

from edge.doctor.check import Check, Finding, Result, carry_out
from edge.errors import SourceError


def hang_in_python() -> Result:
    time.sleep(600)
    return "ok", "never"


def hang_in_c() -> Result:
    """Waits for a signal without releasing Python's lock, as a driver may."""
    ctypes.PyDLL(None).pause()
    return "ok", "never"


def crash() -> Result:
    os.kill(os.getpid(), signal.SIGSEGV)
    return "ok", "never"


def leave() -> Result:
    os._exit(3)


def fail() -> Result:
    raise SourceError("door: gone; plug it in")


def fail_unexpectedly() -> Result:
    raise ZeroDivisionError("no")


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (lambda: ("warn", "a remark"), Finding("s", "warn", "a remark")),
        (hang_in_python, Finding("s", "FAIL", "no answer within 0.5 s; restart it")),
        (hang_in_c, Finding("s", "FAIL", "no answer within 0.5 s; restart it")),
        (crash, Finding("s", "FAIL", "the check crashed (SIGSEGV); restart it")),
        (leave, Finding("s", "FAIL", "the check crashed (exit code 3); restart it")),
        (fail, Finding("s", "FAIL", "door: gone; plug it in")),
        (fail_unexpectedly, Finding("s", "FAIL", "unexpected ZeroDivisionError: no")),
    ],
)
def test_every_check_ends(look: object, expected: Finding) -> None:
    limit = 0.5 if "0.5" in expected.text else 30.0
    assert carry_out(Check("s", look, "restart it", limit)) == expected  # type: ignore[arg-type]


def test_no_process_is_left(tmp_path: Path) -> None:
    def note_and_hang() -> Result:
        (tmp_path / "pid").write_text(str(os.getpid()))
        return hang_in_c()

    carry_out(Check("s", note_and_hang, "restart it", 1.0))
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
