"""The store in SQLite: what holds for every database, and what is true of a file."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import until
from support.store_contract import Start, StoreContract
from support.stored import Stored, alert

from edge.store.address import parse_address
from edge.store.engine import Engine, StoreError, open_engine
from edge.store.spool import Heard, Spool


class CountingSpool(Spool):
    """Counts how often it is asked for a batch."""

    asked = 0

    def batch(self, most: int) -> list[Heard]:
        self.asked += 1
        return super().batch(most)


class TestSqlite(StoreContract):
    refuse_odd = (
        "CREATE TRIGGER odd BEFORE INSERT ON alerts WHEN new.event_type = 'odd' BEGIN SELECT raise(ABORT, 'odd'); END"
    )

    def execute(self, address: str, statement: str) -> None:
        with closing(sqlite3.connect(address.removeprefix("sqlite:"))) as db:
            db.execute(statement)

    @pytest.fixture
    def address(self, tmp_path: Path) -> str:
        return f"sqlite:{tmp_path}/doors.db"

    def test_a_file_that_is_moved_away_is_made_anew(self, start: Start, tmp_path: Path) -> None:
        stored = start()
        stored.take(("porch", "alert", alert()))
        os.replace(tmp_path / "doors.db", tmp_path / "old.db")
        stored.take(("porch", "alert", alert()))
        for name in ("doors.db", "old.db"):
            with closing(sqlite3.connect(tmp_path / name)) as db:
                assert db.execute("SELECT count(*) FROM alerts").fetchone() == (1,)

    def test_nobody_else_may_read_the_file(self, engine: Engine, tmp_path: Path) -> None:
        engine.write([])
        assert os.stat(tmp_path / "doors.db").st_mode & 0o077 == 0

    def test_a_store_that_is_damaged_or_locked_makes_messages_wait(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "doors.db").write_bytes(b"no database at all" * 500)
        stored = start()
        stored.spool.put("porch", "alert", alert(), False)
        until(lambda: stored.reports, "the fault is reported")
        assert "move it away" in str(stored.reports[0]) and stored.spool.waiting
        (tmp_path / "doors.db").unlink()
        stored.settle()
        until(lambda: stored.reports[1:] == [None], "its end is reported")

    def test_a_folder_that_is_missing_is_named(self, tmp_path: Path) -> None:
        engine = open_engine(parse_address(f"sqlite:{tmp_path}/no/doors.db"), writes=True)
        with pytest.raises(StoreError, match="cannot be written: No such file or directory; make the folder") as caught:
            engine.write([])
        assert caught.value.temporary

    def test_a_store_that_is_away_at_the_end_leaves_what_waits(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "state" / "store.db")
        stored = Stored(spool, open_engine(parse_address(f"sqlite:{tmp_path}/no/doors.db"), writes=True))
        until(lambda: stored.reports, "the fault is reported")
        spool.put("porch", "alert", alert(), False)
        assert not stored.writer.close(timeout=5) and spool.waiting == 1 and len(stored.reports) == 1
        spool.close()

    def test_what_is_left_of_a_damaged_spool_keeps_no_thread_busy(self, engine: Engine, tmp_path: Path) -> None:
        spool = CountingSpool(tmp_path / "state" / "store.db")
        spool.put("porch", "alert", alert(), False)
        with closing(sqlite3.connect(spool.path)) as db:
            db.execute("UPDATE heard SET payload = NULL")
            db.commit()
        stored = Stored(spool, engine)
        until(lambda: spool.asked, "the writer looks")
        spool.put("porch", "alert", alert(), False)
        until(lambda: not spool.waiting, "all that waits is gone")
        assert spool.asked < 10
        stored.close()
        spool.close()
