"""The SQL in the store's document runs, and finds what it says, in PostgreSQL and in a SQLite file."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support import ROOT
from support.filled import fill_alerts, fill_doors, quarters
from support.postgres import Postgres

from edge.config.schema import Config
from edge.mqtt.day_counts import KEPT_DAYS
from edge.mqtt.hearing import KEPT
from edge.record.counts import SLOT_S, Counts
from edge.store.address import parse_address
from edge.store.engine import Engine, open_engine
from edge.store.postgres import OLDEST
from edge.store.spool import LARGEST
from edge.store.sql import AHEAD, COLUMNS, FLOOR, PUT_CONDITION, PUT_STATUS

pytestmark = pytest.mark.store
DOCUMENT = (ROOT / "edge" / "store" / "README.md").read_text("utf-8")
BLOCKS = ["\n".join(part.splitlines()) for part in re.findall(r"(?:^ {4}.*\n)+", DOCUMENT, re.MULTILINE)]
EXAMPLES = [block for block in BLOCKS if ";" in block and re.search(r"SELECT|DELETE|CREATE", block)]
OF_SQLITE = "'unixepoch'"
CAME = Counts(people=3, mask=2, no_mask=1, alerts=1, watched=600.0)


def filled(address: str) -> Engine:
    """A store with two doors that count now and that have an alert, one of which is lost."""
    engine = open_engine(parse_address(address), writes=True)
    now = int(time.time()) // SLOT_S * SLOT_S
    for door in ("entrance", "back"):
        fill_doors(engine, quarters(door, now - 86400, now, CAME))
        fill_alerts(engine, [{"door": door, "id": door, "moment": 1000 * (now - 60)}])
    engine.write([(PUT_STATUS, ("back", False, now * 1000)), (PUT_CONDITION, ("back", "lost", "it is gone", "m"))])
    return engine


def statements(block: str) -> list[str]:
    return [text.strip() for text in re.sub(r"--.*", "", block).split(";") if text.strip()]


def test_every_example_of_postgresql_runs_and_finds_rows(postgres: Postgres) -> None:
    name = postgres.new_database()
    filled(postgres.address(name)).close()
    run = [text for block in EXAMPLES if OF_SQLITE not in block for text in statements(block)]
    assert len(run) >= 8
    # the role is made by the administrator; everything else is done by the owner of the tables
    with psycopg.connect(postgres.address(name), autocommit=True) as owner:
        for text in run:
            if text.startswith("CREATE ROLE"):
                postgres.sql("DROP ROLE IF EXISTS reader", text, database=name)
                continue
            found: Any = owner.execute(text.encode())
            assert found.description is None or found.fetchall(), f"nothing was found by {text}"
    with psycopg.connect(postgres.address(name, "reader", "another-password"), autocommit=True) as reader:
        assert reader.execute("SELECT door FROM alerts_at ORDER BY door").fetchall() == [("back",), ("entrance",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM alerts")
    reading = open_engine(parse_address(postgres.address(name, "reader", "another-password")), writes=False)
    assert reading.rows("SELECT sum(people) FROM counts")[0][0] == 2 * 96 * 3
    reading.close()


def test_every_example_of_sqlite_runs_and_finds_rows(tmp_path: Path) -> None:
    engine = filled(f"sqlite:{tmp_path}/doors.db")
    run = [text for block in EXAMPLES if OF_SQLITE in block for text in statements(block)]
    assert run and all(engine.rows(text) for text in run)


def test_every_column_is_in_the_document() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", DOCUMENT, re.MULTILINE))
    assert {table: re.findall(r"`(\w+)`", rows[table]) for table in COLUMNS} == {t: list(c) for t, c in COLUMNS.items()}


def test_every_number_in_the_document_is_that_of_the_code() -> None:
    floor = datetime.fromtimestamp(FLOOR, UTC)
    assert (floor.month, floor.day) == (1, 1) and KEPT.expiry is not None
    for text in (
        f"PostgreSQL; {OLDEST} or later",
        f"times before {floor.year} or more than {AHEAD // 86400} days ahead",
        f"`store.keep_days` ({Config().store.keep_days})",
        f"up to {LARGEST >> 30} GB",
        f"its session ({KEPT.expiry // 86400} days)",
        f"the last {KEPT_DAYS} days",
        f"missing to {SLOT_S}",
    ):
        assert text in DOCUMENT, text
