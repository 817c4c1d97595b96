"""Writes into the audit trail what happens while a door is watched: starts, changes on the page, pauses, days."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any

from .. import __version__
from ..config.identity import changes, config_id, edits, options_in_use
from ..config.schema import Config
from ..record.audit import AuditTrail, Values
from ..record.audit_reading import entries, read_lines
from .sealing import Sealing
from .state import StateFiles
from .switch_lines import SwitchLines

log = logging.getLogger("maskwatch")
RETRY_INTERVAL = 5.0
"""Seconds between attempts to write while the disk refuses."""
MOST_WAITING = 1000
"""Lines that wait in memory while the disk refuses, at most; then the oldest are left out."""
UNKNOWN = "unknown"
"""The model and the configuration of days that were counted before there was a trail."""
IDENTITY = ("version", "model", "detector", "config")


class Auditing:
    """The audit trail of one door. Any thread may call; nobody waits for the disk.

    Owns the thread ``audit``, which runs only while something is to be written. ``report`` receives why the trail
    cannot be written, and None when it can again. What could not be written is tried again.
    """

    def __init__(self, files: StateFiles, config: Config, model: str, report: Callable[[str | None], None]) -> None:
        self._files = files
        self._model = model
        self.config = config
        """The options in use."""
        self._report = report
        self._trail = AuditTrail(files.audit)
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque(maxlen=MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._end = threading.Event()
        self._switches = SwitchLines()
        self._sealing = Sealing(self._trail, files.record)
        self._add(partial(self._start, time.time()))

    def changed(self, before: Config, after: Config, by: str) -> None:
        """Takes what somebody has stored on the page; ``by`` is the address of the browser."""
        now, config = time.time(), config_id(after)
        for change in changes(before, after):
            self._write("change", change | {"by": by, "via": "page", "config": config}, now)

    def switched(self, name: str, on: bool, how: str) -> None:
        """Takes that watching was paused or resumed, or an output muted (``output/NAME``) or not."""
        self._switches.put(name, on, how, time.time())
        self._add_once(self._write_switches)

    def days_changed(self, days: Collection[date], on_disk: bool) -> None:
        """Takes that counts of days have changed; those that are over get their checksum."""
        if on_disk:
            self._add_once(self._seal)

    def close(self, timeout: float = 2.0) -> None:
        """Writes what is left, for at most ``timeout`` seconds."""
        self._add(self._end_lines)
        self._end.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _write(self, what: str, values: Values, moment: float) -> None:
        self._add(partial(self._trail.append, what, values, moment))

    def _add(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()

    def _add_once(self, job: Callable[[], None]) -> None:
        """Adds a job that does all there is to do; one that waits already is enough, and one may be running."""
        with self._lock:
            waits = self._waiting.count(job) > 1
        if not waits:
            self._add(job)

    # Everything below runs in the thread ``audit``.

    def _run(self) -> None:
        while (job := self._next()) is not None:
            is_last, fault = self._end.is_set(), None
            try:
                job()
            except OSError as error:
                fault = (
                    f"the audit trail {self._files.audit} cannot be written: {error.strerror}; its lines wait in memory"
                )
            except Exception:  # the next lines must not wait for it
                log.exception("audit trail: a line could not be made")
            self._report(fault)
            with self._lock, suppress(IndexError):
                if fault is None and self._waiting[0] is job:
                    self._waiting.popleft()
            if fault is not None:
                if is_last:
                    return
                self._end.wait(RETRY_INTERVAL)

    def _next(self) -> Callable[[], None] | None:
        """Returns what is to be done; None if there is nothing more, and then the thread ends."""
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            return self._waiting[0]

    def _start(self, moment: float) -> None:
        """Seals the days of earlier runs, and writes what is different from the start before."""
        known = list(entries(read_lines(self._files.audit)))
        last: Values = next((entry for entry in reversed(known) if entry.get("what") == "start"), {})
        config = next((entry["config"] for entry in reversed(known) if "config" in entry), UNKNOWN)
        then = {"model": last.get("model", UNKNOWN), "config": config}
        self._switches.remember(known)
        self._sealing.start(known, moment, then)
        values = self._identity() | {"options": options_in_use(self.config)}
        options = _known_options(known)
        edited = edits(options, self.config) if options is not None else []
        if edited or any(last.get(name) != values[name] for name in IDENTITY):
            self._trail.append("start", values | ({"edited": edited} if edited else {}), moment)

    def _identity(self) -> dict[str, Any]:
        config = self.config
        found = (__version__, self._model, config.detect.detector, config_id(config))
        return dict(zip(IDENTITY, found, strict=True))

    def _seal(self) -> None:
        self._sealing.seal(time.time(), self._now())
        self._write_switches()

    def _end_lines(self) -> None:
        self._sealing.seal(time.time(), self._now(), is_end=True)
        self._write_switches(is_end=True)

    def _write_switches(self, *, is_end: bool = False) -> None:
        while (line := self._switches.next(time.time(), is_end=is_end)) is not None:
            self._trail.append(*line)
            self._switches.written(line)

    def _now(self) -> Values:
        return {"model": self._model, "config": config_id(self.config)}


def _known_options(known: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the options as the trail knows them; None if there was no start yet."""
    options: dict[str, Any] | None = None
    for entry in known:
        if entry.get("what") == "start" and isinstance(entry.get("options"), dict):
            options = dict(entry["options"])
        elif entry.get("what") == "change" and options is not None:
            options[str(entry.get("option"))] = entry.get("new")
    return options
