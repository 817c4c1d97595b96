"""A PostgreSQL that hangs: it keeps its connections, takes new ones, and answers nothing, as with a disk that hangs."""

import http.client
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import free_port
from support.browsing import Client
from support.postgres import Postgres
from support.stored import Stored, alert, counts, slot_before

from edge.store.address import parse_address
from edge.store.engine import open_engine
from edge.store.failure import StoreSilent
from edge.store.postgres import PostgresEngine
from edge.store.reading import StoreReader
from edge.store.spool import Spool

pytestmark = pytest.mark.store


def test_a_server_that_hangs_is_said_and_loses_and_doubles_nothing(own_postgres: Postgres, tmp_path: Path) -> None:
    address = parse_address(own_postgres.start().address(own_postgres.new_database(), more="?connect_timeout=2"))
    engine, spool = PostgresEngine(address, writes=True, patience=1), Spool(tmp_path / "store.db")
    stored = Stored(spool, engine)
    stored.take(("porch", "alert", alert(id="before")))
    own_postgres.hang()
    for number in range(100):
        spool.put("porch", "alert", alert(id=str(number)), False)
    spool.put("porch", "counts/2026-11-27", counts((slot_before(), 7, 60)), False)
    until(lambda: stored.reports, "the fault is reported")
    time.sleep(5)
    assert stored.reports == [f"{address.shown} does not answer"], "once, however often it is tried"
    own_postgres.go_on()
    stored.settle()
    assert stored.reports[1:] == [None]
    stored.close()
    spool.close()
    assert engine.rows("SELECT count(*), count(DISTINCT id) FROM alerts") == [(101, 101)]
    assert engine.rows("SELECT people FROM counts") == [(7,)]
    engine.close()


def test_a_report_of_a_server_that_hangs_ends(own_postgres: Postgres) -> None:
    address = parse_address(own_postgres.start().address(own_postgres.new_database()))
    open_engine(address, writes=True).write([])
    reader = StoreReader(PostgresEngine(address, writes=False, patience=2))
    assert reader.names() == []
    own_postgres.hang()
    started = time.monotonic()
    with pytest.raises(StoreSilent, match="does not answer"):
        reader.names()
    assert time.monotonic() - started < 12, "it is not asked a second time"
    own_postgres.go_on()
    assert reader.names() == []
    reader.close()


def test_a_server_that_hangs_does_not_hold_up_the_end(own_postgres: Postgres, maskwatch: Any, mosquitto: Any) -> None:
    address = own_postgres.start().address(own_postgres.new_database())
    more = ["--store", address, "--web", "--web-port", str(free_port())]
    process = maskwatch("watch", "--broker", mosquitto().start().address, *more)
    process.wait_for("the page is at")
    client = Client(int(more[-1]))
    until(lambda: client.ask("/api/report").status == 200)
    own_postgres.hang()
    with closing(http.client.HTTPConnection("127.0.0.1", client.port)) as visitor:
        visitor.request("GET", "/api/report")
        time.sleep(1)
        process.popen.terminate()
        assert process.popen.wait(20) == 0
    own_postgres.go_on()
