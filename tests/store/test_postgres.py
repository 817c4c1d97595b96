"""The store in a real PostgreSQL: what holds for every database, and what is true of a server."""

import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support import until
from support.postgres import PASSWORD, Postgres
from support.postgres_contract import PostgresContract
from support.store_contract import Start
from support.stored import Stored, alert, counts, slot_before

from edge.errors import ConfigError
from edge.store.address import parse_address
from edge.store.engine import Engine, StoreError, open_engine
from edge.store.partitions import begin_of, month_of, next_month
from edge.store.spool import Spool

pytestmark = pytest.mark.store
DAY = 86400
PARTS = (
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
    "WHERE relname LIKE ? AND relkind = 'r' ORDER BY 1"
)


def partitions(engine: Engine, table: str = "alerts") -> list[str]:
    return [name for (name,) in engine.rows(PARTS, (f"{table}%",))]


def name_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("alerts_%Y_%m")


class TestPostgres(PostgresContract):
    @pytest.fixture
    def address(self, postgres: Postgres) -> str:
        return postgres.address(postgres.new_database())

    def test_each_month_has_a_partition_that_is_made_before_it_begins(self, start: Start, engine: Engine) -> None:
        stored, now = start(keep_days=4000), time.time()
        old = begin_of(month_of(int(now))) - 40 * DAY
        stored.take(("porch", "alert", alert(at=old)), ("porch", "alert", alert(at=now)), ("p", "alert", alert(at=0)))
        months = {name_of(moment) for moment in (old, now, now + 7 * DAY)}
        assert partitions(engine) == sorted(months | {"alerts_default"})
        assert engine.rows(f"SELECT count(*) FROM {name_of(old)}") == [(1,)]
        assert engine.rows("SELECT at, received_at > at FROM alerts_at ORDER BY at LIMIT 1") == [
            (datetime.fromtimestamp(0, UTC), True)
        ]
        assert engine.rows("SELECT count(*) FROM alerts_default") == [(1,)]

    def test_an_old_month_is_dropped_as_a_whole(self, engine: Engine) -> None:
        now = int(time.time())
        engine.prepare({"alerts": [(now - 200 * DAY) * 1000], "counts": [], "health": []}, now)
        assert name_of(now - 200 * DAY) in partitions(engine)
        engine.forget(100, now)
        assert name_of(now - 200 * DAY) not in partitions(engine) and name_of(now) in partitions(engine)
        engine.prepare({"alerts": [(now - 200 * DAY) * 1000], "counts": [], "health": []}, now)
        assert name_of(now - 200 * DAY) in partitions(engine), "it is made again if it is needed"

    def test_rows_in_the_default_partition_move_into_one_that_is_made_later(self, start: Start, engine: Engine) -> None:
        engine.write([])
        begin = begin_of(next_month(month_of(int(time.time()))))
        later = begin + 20 * DAY  # as of a door whose clock is ahead
        start().take(("porch", "alert", alert(at=later)))
        if name_of(later) not in partitions(engine):
            assert engine.rows("SELECT count(*) FROM alerts_default") == [(1,)]
        engine.prepare({"alerts": [], "counts": [], "health": []}, later)
        assert engine.rows(f"SELECT count(*) FROM {name_of(later)}") == [(1,)]
        assert engine.rows("SELECT count(*) FROM alerts_default") == [(0,)]

    def test_many_stores_make_tables_and_partitions_at_once(self, address: str) -> None:
        failures: list[Exception] = []
        gate = threading.Barrier(6)

        def work() -> None:
            engine = open_engine(parse_address(address), writes=True)
            gate.wait(10)
            try:
                engine.write([])
                engine.prepare({"alerts": [], "counts": [], "health": []}, int(time.time()))
            except Exception as error:
                failures.append(error)
            engine.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not failures

    def test_two_stores_of_one_broker_write_each_row_once(self, address: str, engine: Engine, tmp_path: Path) -> None:
        """They hear the same in another order, as after a restart of one."""
        engine.write([])
        said: list[tuple[str, str, bytes, bool]] = []
        for number in range(300):
            door = f"door{number % 20}"
            slots = ((slot_before(part * 900), number, 60 + number) for part in range(20))
            said += [(door, "alert", alert(door), False), (door, f"counts/{number}", counts(*slots), False)]
        spools = [Spool(tmp_path / name / "store.db") for name in ("a", "b")]
        for spool, order in zip(spools, (said, said[::-1]), strict=True):
            spool.put_all(order)
        stores = [Stored(spool, open_engine(parse_address(address), writes=True)) for spool in spools]
        for stored in stores:
            stored.settle()
            stored.close()
            stored.spool.close()
            assert stored.reports == []
        assert engine.rows("SELECT count(*), count(DISTINCT id) FROM alerts") == [(300, 300)]
        assert engine.rows("SELECT count(*), min(people) FROM counts") == [(400, 280)]

    def test_a_long_report_holds_no_alert_up(self, start: Start, address: str, engine: Engine, caplog: Any) -> None:
        """A new partition must wait for whoever reads; its rows go into the default partition until then."""
        engine.write([])
        with psycopg.connect(address) as report:
            report.execute("SELECT count(*) FROM alerts")
            begin = time.monotonic()
            start().take(("porch", "alert", alert()))
            assert time.monotonic() - begin < 10
            assert report.execute("SELECT count(*) FROM alerts_default").fetchone() == (1,)
        engine.prepare({"alerts": [], "counts": [], "health": []}, int(time.time()))
        assert engine.rows(f"SELECT count(*) FROM {name_of(time.time())}") == [(1,)]
        assert "default partition" in caplog.text

    def test_a_user_may_be_allowed_rows_alone(self, postgres: Postgres) -> None:
        database = postgres.new_database()
        owner = open_engine(parse_address(postgres.address(database)), writes=True)
        owner.write([])
        owner.close()
        postgres.sql(
            "DROP ROLE IF EXISTS clerk",
            f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk",
            database=database,
        )
        clerk = open_engine(parse_address(postgres.address(database, "clerk")), writes=True)
        clerk.write([("DELETE FROM doors", ())])
        problem = clerk.prepare({"alerts": [], "counts": [], "health": []}, int(time.time()))
        assert "permission denied for schema public; give this user" in str(problem)
        clerk.close()

    def test_what_is_committed_is_on_disk_whatever_the_server_does_by_default(self, postgres: Postgres) -> None:
        database = postgres.new_database()
        postgres.sql(f"ALTER DATABASE {database} SET synchronous_commit = off")
        engine = open_engine(parse_address(postgres.address(database)), writes=True)
        assert engine.rows("SELECT current_setting('synchronous_commit')") == [("on",)]
        engine.close()

    def test_a_server_that_is_too_old_is_named(self, address: str) -> None:
        engine: Any = open_engine(parse_address(address), writes=True)
        with pytest.raises(StoreError, match="is PostgreSQL 11; the store needs 12 or later"):
            engine._check_server(110_022)
        engine._check_server(120_000)


FAULTS: list[tuple[str, Callable[[Postgres, str], str], str]] = [
    ("password", lambda server, name: server.address(name, password="sesame-2"), "; check user and password in the"),
    ("user", lambda server, name: server.address(name, "nobody"), 'failed for user "nobody"'),
    ("database", lambda server, name: server.address("nowhere"), '"nowhere" does not exist; make this database: '),
    ("rights", lambda server, name: server.address("postgres"), "permission denied for schema public; give this user"),
    ("no TLS", lambda server, name: server.address(name, more="?sslmode=require"), "does not support SSL"),
    ("port", lambda server, name: f"postgresql://u:{PASSWORD}@127.0.0.1:1/x", "refused; start the server"),
    ("ports", lambda server, name: f"postgresql://u:{PASSWORD}@127.0.0.1:1,127.0.0.1:2/x", "reached: Connection"),
    ("host", lambda server, name: f"postgresql://u:{PASSWORD}@no.invalid/x", "no.invalid"),
    ("no host", lambda server, name: f"postgresql://u:{PASSWORD}@{'h' * 70}.example/x", "cannot be reached"),
    ("socket", lambda server, name: f"postgresql://u:{PASSWORD}@/x?host=/nowhere", "No such file or directory"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_one_sentence_without_the_password(
    postgres: Postgres, make: Callable[[Postgres, str], str], words: str
) -> None:
    engine = open_engine(parse_address(make(postgres, postgres.new_database())), writes=True)
    with pytest.raises(StoreError, match="postgresql://") as caught:
        engine.write([])
    text = str(caught.value)
    assert words in text and caught.value.temporary and "\n" not in text and text.count("postgresql://") == 1
    assert "sesam" not in text and caught.value.__suppress_context__, "nor may a traceback show it"


@pytest.mark.parametrize("more", ["?sslmod=require", "?sslmode=require&nothing=1", "%zz"])
def test_an_address_that_libpq_cannot_read_is_not_shown(more: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read; write postgresql://") as caught:
        open_engine(parse_address(f"postgresql://u:{PASSWORD}@h/x{more}"), writes=True)
    assert "sesam" not in str(caught.value) and caught.value.__suppress_context__


def test_a_killed_server_loses_nothing_and_doubles_nothing(own_postgres: Postgres, tmp_path: Path) -> None:
    own_postgres.start()
    address = parse_address(own_postgres.address(own_postgres.new_database()))
    spool = Spool(tmp_path / "store.db")
    stored = Stored(spool, open_engine(address, writes=True))
    number, slot = 0, slot_before()
    for _ in range(3):
        for _ in range(30):
            number += 1
            spool.put("porch", "alert", alert(id=f"alert {number}"), False)
        own_postgres.kill()
        spool.put("porch", "counts/2026-11-27", counts((slot, number, 60 + number)), False)
        until(lambda: stored.reports and stored.reports[-1], "the fault is reported", 30)
        own_postgres.start()
        stored.settle()
        until(lambda: stored.reports[-1] is None, "its end is reported")
    stored.close()
    spool.close()
    engine = open_engine(address, writes=False)
    assert engine.rows("SELECT count(*), count(DISTINCT id) FROM alerts") == [(number, number)]
    assert engine.rows("SELECT people FROM counts") == [(number,)]
    engine.close()


def test_a_server_is_known_by_its_certificate(own_postgres: Postgres, tmp_path: Path) -> None:
    for name in ("server", "other"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / f"{name}.key", "-out",
             tmp_path / f"{name}.crt"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    own_postgres.use_certificate(tmp_path / "server.crt", tmp_path / "server.key")
    own_postgres.start()
    name = own_postgres.new_database()

    def engine(root: str) -> Engine:
        more = f"?sslmode=verify-full&sslrootcert={tmp_path}/{root}.crt"
        return open_engine(parse_address(own_postgres.address(name, more=more)), writes=True)

    known = engine("server")
    assert known.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
    known.close()
    with pytest.raises(StoreError, match="certificate verify failed"):
        engine("other").write([])
