"""edge.doctor.check: a check that hangs, crashes or fails is one finding, within its time."""

import ctypes
import faulthandler
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import until

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
    faulthandler.disable()  # pytest's, which would print the stack
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


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def noting_and_hanging(note: Path) -> Callable[[], Result]:
    def look() -> Result:
        note.write_text(str(os.getpid()))
        return hang_in_c()

    return look


def test_no_process_is_left(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    carry_out(Check("s", noting_and_hanging(note), "restart it", 1.0))
    until(lambda: not runs(int(note.read_text())), "the end of the check")


def test_no_process_is_left_when_the_command_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    command = os.fork()
    if command == 0:
        carry_out(Check("s", noting_and_hanging(note), "restart it", 600.0))
        os._exit(0)
    until(lambda: note.exists() and note.read_text(), "the start of the check")
    os.kill(command, signal.SIGKILL)
    os.waitpid(command, 0)
    until(lambda: not runs(int(note.read_text())), "the end of the check")
