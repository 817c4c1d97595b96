"""Runs a check in a child process with a time limit, so that no check can hang or end the others."""

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

from ..addresses import printable
from ..errors import EdgeError

LIMIT_S = 10.0
"""Seconds that a check may take, unless it names its own limit."""
FAREWELL_S = 1.5
"""Seconds in which a check that is given up may leave the broker, which else publishes its last will."""
END_WITH_PARENT = 1
"""``prctl(2)``: the signal that this process gets when its parent ends. A check that hangs must not stay behind."""
State = Literal["ok", "warn", "FAIL"]
Result = tuple[State, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``text`` says what was found and, unless ``state`` is ok, what to do."""

    subject: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``look`` may raise ``EdgeError`` and may hang; after ``limit`` seconds it is given up.

    ``remedy`` says what to do when it gives no answer.
    """

    subject: str
    look: Callable[[], Result]
    remedy: str
    limit: float = LIMIT_S


def carry_out(check: Check) -> Finding:
    """Carries out one check; returns its finding within the time limit, whatever the check does.

    A thread would not do: a call into OpenCV, the TFLite runtime or a driver may hang without releasing Python's
    lock, and a damaged file may crash it.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(check, sender))
    try:
        child.start()
    except OSError as error:  # no memory, or too many processes
        return Finding(check.subject, "FAIL", f"cannot be checked: {error.strerror}; end other programs")
    sender.close()
    answered = False
    try:
        if receiver.poll(check.limit):
            state, text = receiver.recv()
            answered = True
        else:
            state, text = "FAIL", f"no answer within {check.limit:g} s; {check.remedy}"
    except EOFError:
        child.join(1.0)
        state, text = "FAIL", f"the check crashed ({_ending(child.exitcode)}); {check.remedy}"
    finally:
        receiver.close()
        if not answered:
            child.terminate()
            child.join(FAREWELL_S)
        child.kill()
    return Finding(check.subject, state, text)


def _answer(check: Check, sender: Connection) -> None:
    """Sends the result of a check. Runs in the child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is open is closed in order
    ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    result: Result
    try:
        result = check.look()
    except EdgeError as error:
        result = "FAIL", str(error)
    except OSError as error:
        what = f"{printable(str(error.filename))}: " if error.filename is not None else ""
        result = "FAIL", f"{what}{error.strerror or error}"
    except Exception as error:  # a fault that nobody expects must not end the other checks
        result = "FAIL", f"unexpected {type(error).__name__}: {error}"
    sender.send(result)


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
