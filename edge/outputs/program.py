"""Runs a program that is not ours: for a limited time, in a process group of its own that ends with it."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..addresses import UNPRINTABLE

NICENESS = 10
"""The loop goes first."""
REAP_S = 2.0
"""Seconds within which the kernel gives back a killed process; one that hangs in a driver stays until later."""
TAIL_BYTES, LINE_CHARACTERS = 4096, 200
CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended: its exit code (negative: the signal; None: it ran into the limit), and what it said.

    ``said`` has the last lines that it wrote to standard error, shortened, without control characters.
    """

    code: int | None
    said: tuple[str, ...]


class Program:
    """Runs one program at a time in the calling thread. ``stop`` may come from any thread, and is for good."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def run(self, command: Sequence[str], payload: bytes, limit: float) -> Ending:
        """Runs a command with ``payload`` on its standard input; after ``limit`` seconds it is killed.

        What it has started and left in its process group is killed with it. Raises ``OSError`` if it does not start.
        """
        deadline = time.monotonic() + limit
        process = self._start(command)
        try:
            ended, said = _attend(process, payload, deadline)
        finally:
            with self._lock:  # not reaped yet, so the number of the group cannot be another one's
                _kill(process)
                self._running = None
            _let_go(process)
        return Ending(process.returncode if ended else None, _lines(said))

    def stop(self) -> None:
        """Kills the program that runs, and lets none run any more."""
        with self._lock:
            self.stopped = True
            if self._running:
                _kill(self._running)

    def _start(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=subprocess.DEVNULL,
            stderr=pipe,
            env=self._environment,
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        with self._lock:
            self._running = process
            if self.stopped:
                _kill(process)
        with suppress(OSError):  # the sandbox of the service may forbid it
            os.setpriority(os.PRIO_PGRP, process.pid, NICENESS)
        return process


def _attend(process: "subprocess.Popen[bytes]", payload: bytes, deadline: float) -> tuple[bool, bytes]:
    """Feeds the program and hears what it says. Returns whether it ended in time, and the end of what it said."""
    assert process.stdin and process.stderr
    source, said, rest = process.stderr.fileno(), b"", memoryview(payload)
    exit_descriptor = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdin, process.stderr):
                os.set_blocking(pipe.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            selector.register(source, selectors.EVENT_READ)
            selector.register(exit_descriptor, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                ready = {key.fileobj for key, _ in selector.select(left)}
                if process.stdin in ready and not (rest := _write(process.stdin.fileno(), rest)):
                    selector.unregister(process.stdin)
                    process.stdin.close()
                if source in ready:
                    chunk = os.read(source, CHUNK)
                    said = (said + chunk)[-TAIL_BYTES:]
                    if not chunk:
                        selector.unregister(source)
                if exit_descriptor in ready:
                    return True, said
        return False, said
    finally:
        os.close(exit_descriptor)


def _write(descriptor: int, rest: memoryview) -> memoryview:
    """Writes what the pipe takes; returns what is left. A program need not read."""
    try:
        return rest[os.write(descriptor, rest) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody left; or one with other rights, which sudo ends
        os.killpg(process.pid, signal.SIGKILL)


def _let_go(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stderr):
        if pipe:
            pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(REAP_S)


def _lines(said: bytes) -> tuple[str, ...]:
    lines = (line.strip() for line in said.decode("utf-8", "replace").split("\n"))
    return tuple(line.translate(UNPRINTABLE)[:LINE_CHARACTERS] for line in lines if line)
