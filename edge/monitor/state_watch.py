"""Holds on to the state folder while maskwatch runs: its lock, and small files that are written on a change only.

It also deletes old snapshots, so that none stays because nobody comes, or because snapshots were turned off.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..config.schema import SnapshotsConfig
from ..errors import ConfigError
from ..files import replace
from ..outbox.file import CHECK_INTERVAL, Notice
from ..paths import read_bytes
from .retention import purge, trusted_time
from .state import StateFolder

LARGEST = 200_000
"""Bytes of a file that is kept in memory, at most: sessions have 20,000."""
PURGE_INTERVAL = 3600.0
"""Seconds after which old snapshots are deleted again."""


class StateWatch:
    """Notices that the folder, or all that was in it, is gone from its place. Owns the thread ``state``.

    The lock file tells: nobody deletes it for itself. A single other file may be deleted on purpose, as ``page.toml``
    may to undo what the page has set, and stays away. ``report`` receives the problem, and None when it is over.
    """

    def __init__(self, state: StateFolder, report: Callable[[str | None], None], snapshots: SnapshotsConfig) -> None:
        self._state = state
        self._snapshots = snapshots
        self._purge_due = time.monotonic()
        self._report = report
        self._notice = Notice(report)
        self._conflict = False
        self._kept: dict[Path, tuple[tuple[int, ...], bytes]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; does not wait for a disk that hangs."""
        self._end.set()
        self._thread.join(1.0)

    # Everything below runs in the thread ``state``.

    def _run(self) -> None:
        while not self._end.wait(CHECK_INTERVAL if self._kept else 0):
            with suppress(OSError):  # the outbox reports a disk that refuses
                self._check()
                self._notice.tick()
                if time.monotonic() >= self._purge_due and not self._conflict:
                    self._purge_due = time.monotonic() + PURGE_INTERVAL
                    purge(self._state.files.snapshots, self._snapshots, trusted_time())

    def _check(self) -> None:
        if not self._state.is_in_place():
            try:
                moved = self._state.take_again()
            except ConfigError as error:
                self._conflict = True
                return self._report(str(error))
            if moved:
                self._write_again()
                self._notice.give(
                    f"state folder {self._state.files.folder} was deleted, moved or replaced while it was in use: "
                    "settings and logins were written again; snapshots that were in it are not there any more"
                )
        if self._conflict:
            self._conflict = False
            self._report(None)
        self._remember()

    def _remember(self) -> None:
        files = self._state.files
        for path in (files.configuration, files.announced, files.sessions, files.health, files.folder / "page.toml"):
            self._kept.setdefault(path, ((), b""))
            try:
                status = os.stat(path)
                mark = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
                if self._kept[path][0] != mark:
                    self._kept[path] = (mark, read_bytes(path, LARGEST))
            except OSError:
                self._kept[path] = ((), b"")

    def _write_again(self) -> None:
        for path, (mark, content) in self._kept.items():
            if mark and content and not os.path.lexists(path):
                replace(path, content)
