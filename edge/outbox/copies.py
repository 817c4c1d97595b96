"""Takes over the alerts of damaged outboxes that were set aside and that nothing has read since."""

import logging
import sqlite3
from pathlib import Path

from .database import rescue, transaction
from .pending import Pending
from .rescue import mark_read, trim_copies, unread_copies
from .sql import PUT, PUT_DEAD_LETTER, PUT_HISTORY, TABLES, OutboxMessage

log = logging.getLogger(__name__)

READ = {table: TABLES[table] for table in ("alerts", "dead_letters")}


def take_copies(db: sqlite3.Connection, path: Path, pending: Pending) -> list[OutboxMessage]:
    """Writes the undelivered alerts of each copy into the file, once; returns those that were written.

    What the file knows stays as it is there: it was delivered or refused since, or waits. Raises ``sqlite3.Error`` and
    ``OSError``.
    """
    taken: list[OutboxMessage] = []
    for copy in unread_copies(path):
        saved = rescue(copy, READ)
        ids = {id for (id,) in db.execute("SELECT id FROM alerts UNION SELECT id FROM dead_letters")}
        payloads = {payload for (payload,) in db.execute("SELECT payload FROM history")}
        rows = {
            table: [r for r in rows if r[0] not in ids and r[2] not in payloads and not pending.is_done(r[0])]
            for table, rows in saved.items()
        }
        with transaction(db):
            for row in rows["alerts"]:
                db.execute(PUT, row)
                db.execute(PUT_HISTORY, row[2:])
            for row in rows["dead_letters"]:
                db.execute(PUT_DEAD_LETTER, row)
        mark_read(copy)  # before anything of it is sent: a kill before this line leaves nothing to send twice
        taken += [OutboxMessage(*row) for row in rows["alerts"]]
        log.warning("%d alerts taken over from %s, a damaged file of an earlier run", len(rows["alerts"]), copy)
    trim_copies(path)
    return taken
