"""Runs a program for each alert, with the alert on its standard input. No shell is involved."""

import logging
import os
from collections.abc import Mapping

from ..addresses import shown_program
from ..config.outputs import CommandConfig
from .driver import Failure
from .program import Ending, Program

log = logging.getLogger(__name__)

TAKEN, TRY_AGAIN = 0, 75
"""Exit codes: the alert is taken; it cannot be taken now (EX_TEMPFAIL of sysexits.h)."""
MOST_CUTS = 3
"""Attempts of one alert that may end at the limit or by a signal."""
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR")
"""Variables that the program gets, besides LC_*. Others may be secrets, or belong to this process."""


class Command:
    """A program as the recipient of alerts. Belongs to the thread ``output-NAME``, except ``close``."""

    def __init__(self, config: CommandConfig) -> None:
        self._command, self._limit = config.program, config.timeout
        self._shown = shown_program(config.program[0])
        self._program = Program(environment(os.environ))
        self._payload, self._cuts = b"", 0

    def deliver(self, payload: bytes) -> Failure | None:
        """Runs the program, and takes its exit code as the answer. Blocks for ``timeout`` seconds at most."""
        if payload != self._payload:
            self._payload, self._cuts = payload, 0
        if self._program.stopped:
            return Failure("maskwatch ends", retry=True)
        try:
            ending = self._program.run(self._command, payload + b"\n", self._limit)
        except OSError as error:
            return Failure(self._refusal(error), retry=True)
        failure = self._judge(ending)
        if failure and ending.said:
            log.warning("%s printed: %s", self._shown, ending.said[-1])
        return failure

    def close(self) -> None:
        """Ends the program that runs; its alert stays."""
        self._program.stop()

    def _judge(self, ending: Ending) -> Failure | None:
        if ending.code == TAKEN:
            return None
        if self._program.stopped:
            return Failure("maskwatch ends", retry=True)
        if ending.code is not None and ending.code > 0:
            return Failure(f"{self._shown} ended with exit code {ending.code}", retry=ending.code == TRY_AGAIN)
        # systemd sends SIGTERM to each process of a service that ends: this is not the alert's fault at first
        self._cuts += 1
        end = f"was ended by signal {-ending.code}" if ending.code else f"did not end within {self._limit:g} s"
        return Failure(f"{self._shown} {end}", retry=self._cuts < MOST_CUTS)

    def _refusal(self, error: OSError) -> str:
        hint = " (it, or the interpreter that its first line names)" if isinstance(error, FileNotFoundError) else ""
        return f"{self._shown} does not start: {error.strerror}{hint}"


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that the program gets. Text is UTF-8 for it, as the alert is, if nothing says otherwise."""
    passed = {name: value for name, value in variables.items() if name in PASSED_ON or name.startswith("LC_")}
    return passed if {"LANG", "LC_ALL", "LC_CTYPE"} & passed.keys() else passed | {"LC_CTYPE": "C.UTF-8"}
