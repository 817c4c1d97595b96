"""What holds for the store in every database. ``tests/edge/store`` runs it on SQLite, ``tests/store`` on PostgreSQL."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.stored import Stored, alert, counts, everything, health, slot_before

from edge.store.address import parse_address
from edge.store.engine import Engine, StoreError, open_engine
from edge.store.rows import rows_of
from edge.store.spool import Heard, Spool
from edge.store.sql import COLUMNS

Start = Callable[..., Stored]
DAY = 86400


class StoreContract:
    """Tests with the fixture ``address``, which is that of an empty database."""

    refuse_odd = ""
    """A statement after which the database refuses alerts of the type ``odd``."""

    def execute(self, address: str, statement: str) -> None:
        """Runs a statement as another program would."""
        raise NotImplementedError

    @pytest.fixture
    def engine(self, address: str) -> Iterator[Engine]:
        """Another connection to the database, for looking at it."""
        engine = open_engine(parse_address(address), writes=True)
        yield engine
        engine.close()

    @pytest.fixture
    def start(self, address: str, tmp_path: Path) -> Iterator[Start]:
        """Starts a store; the one before is closed, as a restart does."""
        started: list[Stored] = []

        def start(**more: Any) -> Stored:
            while started:
                self._end(started.pop())
            spool = Spool(tmp_path / "state" / "store.db")
            started.append(Stored(spool, open_engine(parse_address(address), writes=True), **more))
            return started[-1]

        yield start
        for stored in started:
            self._end(stored)

    def _end(self, stored: Stored) -> None:
        stored.writer.close()
        stored.spool.close()

    def test_an_alert_is_stored_once_and_nothing_pictorial_with_it(self, start: Start, engine: Engine) -> None:
        stored, payload = start(), alert(score=0.5)
        stored.take(("porch", "alert", payload), ("porch", "alert", payload))
        stored.take(("porch", "alert", payload), ("back", "alert", alert("back")))
        rows = engine.rows(
            "SELECT door, event_type, score, frames, clock_synced, snapshot, model FROM alerts ORDER BY 1"
        )
        assert [tuple(row) for row in rows] == [
            ("back", "no_mask", 0.97, 6, True, False, "mask@1234abcd"),
            ("porch", "no_mask", 0.5, 6, True, False, "mask@1234abcd"),
        ]
        assert "canary" in payload.decode() and "canary" not in everything(engine, COLUMNS)
        assert not {"track", "box", "frame_size"} & set().union(*COLUMNS.values())

    def test_counts_follow_later_values_and_never_shrink(self, start: Start, engine: Engine) -> None:
        stored, slot = start(), slot_before(3600)
        day = "counts/2026-11-27"
        stored.take(("porch", day, counts((slot, 3, 300))), ("back", day, counts((slot, 9, 900))))
        stored.take(("porch", day, counts((slot, 5, 600.5), (slot + 900, 1, 60))))
        stored.take(("porch", day, counts((slot, 4, 300))), retained=True)
        stored.take(("porch", day, b""))
        rows = engine.rows("SELECT door, slot, people, mask, watched FROM counts ORDER BY door, slot")
        assert rows == [("back", slot, 9, 9, 900.0), ("porch", slot, 5, 5, 600.5), ("porch", slot + 900, 1, 1, 60.0)]
        assert engine.rows("SELECT first_slot, last_slot FROM spans WHERE door = ?", ("porch",)) == [(slot, slot + 900)]
        stored.take(("porch", day, counts((slot, 6, 700), model="other@1")))
        assert engine.rows("SELECT count(*), sum(people) FROM counts WHERE slot = ?", (slot,)) == [(3, 20)]

    def test_health_has_a_row_per_change_and_the_door_the_last_condition(self, start: Start, engine: Engine) -> None:
        stored = start()
        for condition in (health(), health(), health("lost"), health("lost", "unplugged?"), health()):
            stored.take(("porch", "health", condition))
        rows = engine.rows("SELECT camera, problem FROM health ORDER BY moment")
        assert rows == [("ok", None), ("lost", None), ("lost", "unplugged?"), ("ok", None)]
        stored.take(("porch", "status", b"online"), ("porch", "enabled/state", b"OFF"))
        doors = "SELECT door, online, camera, problem, model, paused FROM doors"
        assert engine.rows(doors) == [("porch", True, "ok", None, "mask@1234abcd", True)]
        (since,) = engine.rows("SELECT since FROM doors")
        stored.take(("porch", "status", b"online"), ("porch", "enabled/state", b"ON"))
        assert engine.rows("SELECT since, paused FROM doors") == [(*since, False)]
        stored.take(("porch", "status", b"offline"))
        assert engine.rows("SELECT since > ?, online FROM doors", since) == [(True, False)]
        stored.take(("porch", "status", b""))
        assert engine.rows(doors) == [] and len(engine.rows("SELECT 1 FROM health")) == 4

    def test_only_what_is_said_now_says_that_a_door_is_heard(self, start: Start, engine: Engine) -> None:
        stored = start()
        stored.take(("porch", "status", b"offline"), ("porch", "health", health()), retained=True)
        assert engine.rows("SELECT heard FROM doors") == [(None,)]
        stored.take(("porch", "health", health()))
        ((heard,),) = engine.rows("SELECT heard FROM doors")
        assert abs(heard / 1000 - time.time()) < 60

    def test_the_same_batch_twice_changes_nothing(self, engine: Engine) -> None:
        """As after a kill between the database's commit and the spool's."""
        said = [("alert", alert()), ("health", health()), ("health", health("lost")), ("status", b"online")]
        said += [("counts/2026-11-27", counts((slot_before(), 3, 60))), ("health", health())]
        batch = [
            Heard(number, "porch", kind, text, False, time.time() + number) for number, (kind, text) in enumerate(said)
        ]
        seen = []
        for _ in range(2):
            rows = rows_of(batch, lambda heard, reason: pytest.fail(reason))
            engine.prepare(rows.times, int(time.time()))
            engine.write(rows.statements)
            seen.append(everything(engine, COLUMNS))
        assert seen[0] == seen[1] and seen[0].count("lost") == 1

    def test_what_no_door_says_is_left_out_and_named_once(self, start: Start, engine: Engine, caplog: Any) -> None:
        stored = start()
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                stored.take(("porch", "alert", b"\xff"), ("porch", "status", b"asleep"), ("porch", "alert", alert()))
        assert everything(engine, ["alerts", "counts", "health"]).count("porch") == 2
        assert len(caplog.records) == 2 and "a message of door porch (alert) is left out" in caplog.text
        assert stored.reports == []

    def test_a_row_that_the_database_refuses_is_left_out_alone(self, start: Start, engine: Engine, caplog: Any) -> None:
        engine.write([(self.refuse_odd, ())])
        stored = start()
        good = [("porch", "alert", alert()) for _ in range(20)]
        stored.take(*good[:7], ("porch", "alert", alert(event_type="odd")), *good[7:])
        assert engine.rows("SELECT count(*) FROM alerts") == [(20,)] and stored.reports == []
        assert "does not take a row" in caplog.text

    def test_a_restart_goes_on_with_what_waits(self, start: Start, engine: Engine, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "state" / "store.db")
        for _ in range(3):
            spool.put("porch", "alert", alert(), False)
        spool.close()
        stored = start()
        stored.settle()
        assert engine.rows("SELECT count(*) FROM alerts") == [(3,)]
        stored.close()

    def test_what_is_too_old_is_deleted_and_times_that_are_none_by_when_they_came(self, engine: Engine) -> None:
        now = int(time.time())
        ages = {"old": now - 101 * DAY, "new": now - 99 * DAY, "1970": 3 * DAY, "2100": now + 26_000 * DAY}
        came = {"late": now, "long ago": now - 101 * DAY}
        batch = [
            Heard(1, f"{when}", "alert", alert(when, at, id=f"{when} {how}"), False, received)
            for when, at in ages.items()
            for how, received in came.items()
        ]
        rows = rows_of(batch, lambda heard, reason: pytest.fail(reason))
        engine.prepare(rows.times, now)
        engine.write(rows.statements)
        engine.forget(100, now)
        kept = sorted(id for (id,) in engine.rows("SELECT id FROM alerts"))
        assert kept == ["1970 late", "2100 late", "new late", "new long ago"]

    def test_nothing_is_deleted_while_the_clock_is_not_synchronized(self, start: Start, engine: Engine) -> None:
        stored = start(keep_days=1, synced=False)
        stored.take(("porch", "alert", alert(at=time.time() - 3 * DAY)))
        assert engine.rows("SELECT count(*) FROM alerts") == [(1,)]
        start(keep_days=1, synced=True).take(("porch", "status", b"online"))
        assert engine.rows("SELECT count(*) FROM alerts") == [(0,)]

    def test_a_reader_writes_nothing_and_says_what_is_missing(self, address: str) -> None:
        reader = open_engine(parse_address(address), writes=False)
        with pytest.raises(StoreError, match="`maskwatch watch --store` makes"):
            reader.rows("SELECT 1 FROM alerts")
        writer = open_engine(parse_address(address), writes=True)
        writer.write([])
        assert reader.rows("SELECT count(*) FROM alerts WHERE moment > ?", (0,)) == [(0,)]
        writer.write([("UPDATE store_version SET version = ?", (99,))])
        for engine in (reader, writer):
            engine.close()
            with pytest.raises(StoreError, match="newer version of maskwatch") as caught:
                engine.rows("SELECT 1 FROM alerts")
            assert caught.value.temporary

    def test_tables_of_another_program_are_left_alone(self, address: str) -> None:
        self.execute(address, "CREATE TABLE alerts (seq integer, payload text)")
        engine = open_engine(parse_address(address), writes=True)
        for _ in range(2):
            with pytest.raises(StoreError, match="of another program") as caught:
                engine.write([])
            assert caught.value.temporary
        with pytest.raises(StoreError, match="`maskwatch watch --store` makes"):
            open_engine(parse_address(address), writes=False).rows("SELECT 1 FROM alerts")
