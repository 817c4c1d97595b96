"""Keeps alerts that no broker has acknowledged yet on disk: SQLite with synchronous=FULL.

One writer thread owns the database and commits what has gathered in one transaction. Callers only enqueue, so a slow
card delays nobody. What cannot be written (disk full, read-only) stays in memory and is written as soon as the disk
allows it. What is committed survives kills and power cuts. At 100 alerts per second on an x86 virtual machine an
alert was committed 1 ms after it was raised (median; 13 ms for 99 %, 22 ms at most).
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from .copies import take_copies
from .database import is_damage, rescue
from .dead_letters import Answer, DeadLetters
from .file import CHECK_INTERVAL, DatabaseFile, Notice
from .listener import OutboxListener, Sink, log_notice
from .pending import Pending
from .reasons import reason
from .requests import ASK, Requests
from .rescue import replace_damaged
from .sinks import Sinks
from .sql import PUT, RESCUED, SCHEMA, TABLES, TRIM_HISTORY, OutboxMessage, Statement, compacted, waiting

log = logging.getLogger(__name__)

RETRY_INTERVAL = 5.0
"""Seconds between attempts to write while the disk refuses."""


class Outbox:
    """Keeps messages until they are ``delivered`` or ``refused``. Owns the thread ``outbox``, which alone writes.

    Public methods may be called from any thread and never block, except ``close``.
    """

    def __init__(
        self,
        path: Path,
        listener: OutboxListener,
        report: Callable[[str | None], None] = log_notice,
        sinks: Sequence[Sink] = (),
    ) -> None:
        """``report`` receives that the file was written anew at its place, and None a while later."""
        self.path = path
        self._listener = listener
        self._dead = DeadLetters(listener)
        self._requests = Requests()
        self._backlog: list[Statement] = []
        self._pending = Pending()
        self._settings: dict[str, str] = {}
        self._file = DatabaseFile(path, SCHEMA)
        self._notice = Notice(report)
        self._unread_copies = False
        self._sinks = Sinks(sinks, self)
        self._attempt()  # at once: what an earlier run left decides how this one starts
        if not self._file.is_open:  # a pause holds even if the disk is full or read-only: SQLite must write to read
            self._settings.update(rescue(path, {"settings": RESCUED["settings"][1]})["settings"])
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def put(self, message: OutboxMessage, *, broker: bool = True) -> None:
        """Keeps a message, a copy for each sink that wants it, and its payload in the history: all or nothing.

        Without a ``broker`` only the copies wait.
        """
        copies = self._sinks.copies(message)
        kept = [message, *copies] if broker else copies
        self._requests.put(kept, message.payload, is_waited_for=bool(copies))
        self._sinks.take(copies)

    def wait_until_kept(self, message: OutboxMessage) -> None:
        """Waits, for a tenth of a second at most, until a new message with copies is on disk. Call it before sending.

        Else a kill after the sending could lose the copies, and leave no trace of the alert.
        """
        self._requests.wait_until_kept(message)

    def delivered(self, message: OutboxMessage) -> None:
        """Deletes a message that the broker, or the sink, has taken."""
        self._requests.delete(message)

    @property
    def undeleted(self) -> int:
        """Returns how many messages are delivered or refused and still on disk: a kill now would send them again.

        Returns 0 while the disk refuses or one write takes longer than ``SLOW_WRITE`` seconds: alerts leave without it.
        """
        return self._requests.undeleted if self._file.is_open else 0

    def refused(self, message: OutboxMessage, reason: str) -> None:
        """Moves a message to the dead letters, in one transaction with its removal."""
        self._requests.refuse(message, reason)

    @property
    def dead_letters(self) -> int:
        """Returns how many messages are set aside."""
        return self._dead.count

    def ask_dead_letter(self, upto: int | None, answer: Answer) -> None:
        """Asks for the oldest dead letter, ``upto`` a number; it stays there. The writer thread answers."""
        self._requests.ask(upto, answer)

    def revived(self, message: OutboxMessage) -> None:
        """Deletes a dead letter that the broker has taken after all."""
        self._requests.revive(message)

    @property
    def copies_waiting(self) -> int:
        """Returns how many copies wait for the sinks."""
        return self._sinks.waiting

    def setting(self, name: str) -> str | None:
        """Returns what ``set`` kept, in this run or an earlier one."""
        return self._settings.get(name)

    def set(self, name: str, value: str) -> None:
        """Keeps a setting."""
        self._settings[name] = value
        self._requests.set(name, value)

    def end_sinks(self, timeout: float) -> None:
        """Lets the sinks end within ``timeout`` seconds; ``close`` waits for them."""
        self._sinks.stop(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Writes what is left, for at most ``timeout`` seconds. Returns False if an alert could not be written."""
        self._sinks.close(timeout)
        self._requests.end()
        self._thread.join(timeout)
        saved = not self._thread.is_alive() and not any(sql == PUT for sql, _ in self._backlog)
        if self.copies_waiting:
            what = "wait on disk; the next start delivers them" if saved else "are lost: they could not be stored"
            log.log(logging.WARNING if saved else logging.ERROR, "%d alerts for outputs %s", self.copies_waiting, what)
        return saved

    # Everything below runs in the writer thread (the first attempt: before it starts).

    def _run(self) -> None:
        running = True
        while running:
            try:
                self._take_copies()
                running = self._gather()
                self._attempt()
            except Exception:  # of the listener: the thread must outlive it
                log.exception("outbox: a report could not be delivered")
        self._file.close()

    def _gather(self) -> bool:
        """Takes all statements that wait. Returns False at the end."""
        retrying = bool(self._backlog) or not self._file.is_open
        for statement in self._requests.gather(RETRY_INTERVAL if retrying else CHECK_INTERVAL):
            if statement is None:
                return False
            if statement[0] == ASK:
                self._dead.ask(*statement[1])
            else:
                self._backlog.append(statement)
                self._pending.note(statement)
        return True

    def _attempt(self) -> None:
        self._requests.attempt_begins()
        try:
            self._follow()
            try:
                self._write()
            except sqlite3.DatabaseError as error:
                if not self._follow():  # SQLite too notices that its file has gone
                    if not is_damage(error, self.path):
                        raise
                    self._replace_damaged(error)
                self._write()
            self._notice.tick()
            self._listener.outbox_written(None)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._file.close()
            self._backlog = compacted(self._backlog)
            self._listener.outbox_written(
                f"alerts cannot be saved in {self.path}: {reason(error, self.path)}; those that wait are in memory only"
            )
        finally:
            self._requests.attempt_ends()

    def _write(self) -> None:
        db = self._file.connection()
        if self._file.is_other:
            self._move_in(db)
        if self._backlog:
            self._dead.commit(db, self._backlog, self._settings)
            self._backlog.clear()
        self._requests.written()
        if self._dead.tell(db, self._settings):
            db.execute(TRIM_HISTORY)  # now and then: with each alert it would be one more page to write
        self._file.written()

    def _move_in(self, db: sqlite3.Connection) -> None:
        """Takes what waits in a file that is opened for the first time; what waits in memory goes into it."""
        stored = waiting(db)
        self._backlog = self._pending.moved(db, stored, self._backlog, self._settings)
        self._settings = dict(db.execute("SELECT name, value FROM settings")) | self._settings
        self._file.accept()
        self._unread_copies = True
        self._dead.changed()
        self._restore(stored)

    def _restore(self, messages: list[OutboxMessage]) -> None:
        if new := self._sinks.restore(self._pending.take(messages)):
            self._listener.outbox_restored(new)

    def _follow(self) -> bool:
        """Leaves a file to which its path no longer leads. What it holds goes into the one that is there now."""
        if (left := self._file.left(TABLES)) is None:
            return False
        change, rows = left
        self._backlog[:0] = [(sql, row) for table, (sql, _) in RESCUED.items() for row in rows[table]]
        self._notice.give(
            f"{self.path} {change} while it was in use: it was opened anew, and the {len(self._pending)} alerts that "
            "wait were written again"
        )
        return True

    def _replace_damaged(self, error: sqlite3.DatabaseError) -> None:
        """Keeps a damaged file under another name; what can still be read from it goes into the next one."""
        self._file.close()
        saved = rescue(self.path, TABLES)
        messages = [OutboxMessage(*row) for row in saved["alerts"]]
        self._settings = dict(saved["settings"]) | self._settings
        self._restore(messages)  # first: they leave even if the disk is full
        rows = [(sql, row) for table, (sql, _) in RESCUED.items() for row in saved[table]]
        aside = replace_damaged(self.path, SCHEMA, rows + self._pending.statements())
        log.error("%s was damaged (%s): kept as %s, %d alerts saved from it", self.path, error, aside, len(messages))

    def _take_copies(self) -> None:
        """Takes over what damaged files of earlier runs hold, once per file that is opened."""
        if not self._unread_copies:
            return
        self._unread_copies = False
        try:
            taken = take_copies(self._file.connection(), self.path, self._pending)
            self._file.written()
            self._dead.changed()
        except (sqlite3.Error, OSError) as error:
            log.error("what was saved from %s earlier cannot be read: %s; the next start tries again", self.path, error)
        else:
            self._restore(taken)
