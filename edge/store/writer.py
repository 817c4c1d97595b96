"""Writes what was spooled into the database, in order, as often as it takes."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from ..clock import clock_synced
from ..mqtt.lines import clean
from ..timing import Backoff
from .engine import Engine
from .failure import StoreError
from .rows import Rows, rows_of
from .spool import Heard, Spool

log = logging.getLogger(__name__)

BATCH = 500
"""Messages of one transaction, at most."""
IDLE_S = 60.0
"""Seconds after which the writer looks for what is due, if nothing comes."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between attempts."""
FORGET_INTERVAL = 3600.0
"""Seconds after which what is too old is deleted again."""
PREPARE_AGAIN = 60.0
"""Seconds between attempts to make a partition; until then its rows are in the default partition."""


class StoreWriter:
    """Owns the thread ``store``. ``report`` receives why the database cannot be written, and None when it can again.

    ``answered`` is called once, when the database has answered without an error. A message is removed from the spool
    once its rows are committed. A message that the database refuses for good is left out alone. What is older than
    ``keep_days`` is deleted while the clock is synchronized.
    """

    def __init__(
        self,
        spool: Spool,
        engine: Engine,
        keep_days: int,
        report: Callable[[str | None], None],
        answered: Callable[[], None] = lambda: None,
        *,
        synced: Callable[[], bool] = clock_synced,
    ) -> None:
        self._spool = spool
        self._engine = engine
        self._keep_days = keep_days
        self._report = report
        self._answered: Callable[[], None] | None = answered
        self._synced = synced
        self._backoff = Backoff(SHORTEST_PAUSE, LONGEST_PAUSE, spread=0.2)
        self._failure: str | None = None
        self._is_idle = False
        self._left_out: set[str] = set()
        self._forget_due = self._prepare_due = 0.0
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> bool:
        """Writes what is left, for at most ``timeout`` seconds. Returns False if something waits."""
        self._deadline = time.monotonic() + timeout
        self._stopping.set()
        self._spool.changed.set()
        self._thread.join(timeout)
        return not self._thread.is_alive() and not self._spool.waiting

    # Everything below runs in the thread ``store``.

    def _run(self) -> None:
        self._attempt()  # also if nothing waits: a wrong password is then said at the start
        while not self._is_finished():
            if self._failure is not None:
                self._stopping.wait(self._backoff.next())
            elif self._is_idle:
                self._spool.changed.wait(IDLE_S)
            self._attempt()
        self._engine.close()

    def _is_finished(self) -> bool:
        is_done = self._failure is not None or self._is_idle or time.monotonic() > self._deadline
        return self._stopping.is_set() and is_done

    def _attempt(self) -> None:
        """Writes one batch. Reports what fails, and goes on with the same batch at the next attempt."""
        failure = None
        try:
            self._spool.changed.clear()
            batch = self._spool.batch(BATCH)
            self._is_idle = not batch
            self._write(batch)
            if batch:
                self._spool.remove(batch[-1].seq)
            self._forget()
        except StoreError as error:
            failure = str(error)
        except Exception as error:  # one odd message must not end the thread
            log.exception("the store: a batch could not be written")
            failure = f"the store could not be written: {type(error).__name__}"
        if failure is None:
            self._backoff.reset()
            if self._answered:
                self._answered()
                self._answered = None
        if failure != self._failure:
            self._failure = failure
            self._report(failure)

    def _write(self, batch: Sequence[Heard]) -> None:
        """Writes messages in one transaction; where a row is refused for good, in smaller ones."""
        rows = rows_of(batch, self._leave_out)
        self._prepare(rows)
        try:
            self._engine.write(rows.statements)
        except StoreError as error:
            if error.temporary:
                raise
            if len(batch) == 1:
                return self._leave_out(batch[0], str(error))
            middle = len(batch) // 2
            self._write(batch[:middle])
            self._write(batch[middle:])

    def _prepare(self, rows: Rows) -> None:
        """Makes partitions. One that cannot be made holds nothing up: the default partition takes the rows."""
        if time.monotonic() < self._prepare_due:
            return
        if problem := self._engine.prepare(rows.times, int(time.time())):
            self._prepare_due = time.monotonic() + PREPARE_AGAIN
            log.warning("no partition could be made, so that rows go into the default partition: %s", problem)

    def _forget(self) -> None:
        """Deletes what is too old. A failure holds nothing up."""
        if time.monotonic() < self._forget_due or not self._synced():
            return
        self._forget_due = time.monotonic() + FORGET_INTERVAL
        try:
            self._engine.forget(self._keep_days, int(time.time()))
        except StoreError as error:
            log.warning("what is older than %d days could not be deleted: %s", self._keep_days, error)

    def _leave_out(self, heard: Heard, reason: str) -> None:
        """Says once per kind of message that one is left out: anybody may publish."""
        kind = heard.kind.partition("/")[0]
        if kind not in self._left_out:
            self._left_out.add(kind)
            log.warning(
                "a message of door %s (%s) is left out: %s; others of its kind are not named",
                heard.device, clean(kind), clean(reason),
            )  # fmt: skip
