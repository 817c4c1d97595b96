"""edge.outbox.reading beside an outbox that writes."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from support.outboxes import fill_outbox

from edge.outbox.reading import peek, resend


def test_who_resends_lets_the_outbox_write_first(tmp_path: Path) -> None:
    """A lock for reading that is kept while it waits to write would stop the outbox: each would wait for the other."""
    path = tmp_path / "outbox.db"
    fill_outbox(path, 3)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=2)) as outbox:
        outbox.execute("BEGIN IMMEDIATE")
        outbox.execute("DELETE FROM alerts WHERE id = 'id-00000'")
        resending = threading.Thread(target=resend, args=(path,))
        resending.start()
        time.sleep(0.3)  # it waits by now; if not, nothing is shown
        outbox.execute("COMMIT")
        resending.join()
    assert [waiting.id for waiting in peek(path)[0]] == ["id-00001", "id-00002", "id-99999"]
