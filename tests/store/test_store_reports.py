"""PostgreSQL gives the same reports as SQLite; a user who may only read can have them, and no one sees a password."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.commands import maskwatch
from support.filled import StoredCounts, fill_alerts, fill_doors
from support.postgres import Postgres

from edge.errors import ConfigError
from edge.record.counts import SLOT_S, Counts
from edge.record.report import Report
from edge.record.times import day_start
from edge.store.address import parse_address
from edge.store.engine import open_engine
from edge.store.failure import StoreError
from edge.store.reports import StoreReports, open_reports
from edge.store.sql import FORGET_DOOR

pytestmark = pytest.mark.store
FIRST, LAST = date(2026, 9, 28), date(2026, 11, 3)
"""More than a month, and the end of summer time."""
NOW = day_start(LAST + timedelta(days=2))


def random_counts(seed: int) -> Iterator[StoredCounts]:
    """Counts of doors that come and go, with gaps, pauses and clocks that were set back."""
    chance = random.Random(seed)
    for door in ("a", "b", "gone", "z-3"):
        start = day_start(FIRST) + chance.randrange(-5, 20) * 86400
        for number in range(chance.randrange(1500)):
            mask, bare, wrong, unsure = (chance.randrange(5) for _ in range(4))
            seconds = [round(chance.choice([0.0, 450.25, 900.0, 1000.5]), 2) for _ in range(4)]
            counts = Counts(mask + bare + wrong + unsure, mask, bare, wrong, unsure, chance.randrange(3), *seconds)
            yield door, start + (number + chance.randrange(3)) * SLOT_S, counts


@pytest.fixture(scope="module")
def both(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StoreReports, StoreReports]]:
    """The same counts and alerts in PostgreSQL and in SQLite."""
    folder = tmp_path_factory.mktemp("both")
    addresses = (postgres.address(postgres.new_database()), f"sqlite:{folder}/doors.db")
    for address in map(parse_address, addresses):
        engine = open_engine(address, writes=True)
        fill_doors(engine, random_counts(1))
        fill_doors(engine, random_counts(2), "haar", "other@1")
        moments = enumerate(round(1000 * (day_start(FIRST) + hours * 3600)) for hours in range(0, 900, 7))
        fill_alerts(engine, ({"door": "ab"[number % 2], "id": str(at), "moment": at} for number, at in moments))
        engine.write([(FORGET_DOOR, ("gone",))])
        engine.close()
    opened = tuple(open_reports(parse_address(address)) for address in addresses)
    yield opened[0], opened[1]
    for one in opened:
        one.close()


def described(report: Report) -> dict[str, Any]:
    return {
        "by": {unit: [(p.label, p.seconds, p.row()) for p in report.by(unit)] for unit in ("hour", "day", "month")},
        "outages": report.outages(),
        "detectors": report.detectors,
        "bias": report.bias,
    }


@pytest.mark.parametrize("door", ["", "a", "gone"])
def test_postgresql_and_sqlite_agree(both: tuple[StoreReports, StoreReports], door: str) -> None:
    ours, theirs = (described(one.report(FIRST, LAST, door, now=NOW)) for one in both)
    assert ours == theirs and len(ours["by"]["month"]) == 3
    assert all(type(row["people"]) in (int, type(None)) for _, _, row in ours["by"]["hour"])
    ours, theirs = ([one.row() for one in reports.by_door(FIRST, LAST, door, now=NOW)] for reports in both)
    assert ours == theirs and ours
    ours, theirs = (reports.alerts(FIRST, LAST, door) for reports in both)
    assert ours == theirs and bool(ours) == (door != "gone")
    assert both[0].names() == both[1].names() == ["a", "b", "gone", "z-3"]
    with pytest.raises(ConfigError, match="it has a, b, gone, z-3"):
        both[0].report(FIRST, LAST, "porch")


def test_a_user_who_may_only_read_has_reports(postgres: Postgres, tmp_path: Path) -> None:
    name = postgres.new_database()
    engine = open_engine(parse_address(postgres.address(name)), writes=True)
    fill_doors(engine, random_counts(1))
    engine.close()
    grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor"
    postgres.sql("CREATE ROLE auditor LOGIN PASSWORD 'onlyread'", grant, database=name)
    words = ["report", "--from", str(FIRST), "--to", str(LAST), "--by", "door", "--store"]
    env = {"STATE_DIRECTORY": str(tmp_path)}
    done = maskwatch(*words, postgres.address(name, "auditor", "onlyread"), env=env)
    assert done.returncode == 0 and b"z-3" in done.stdout, done.stderr
    done = maskwatch(*words, postgres.address(name, "auditor", "wrong-password"), env=env)
    text = done.stderr.decode()
    assert done.returncode == 1 and "wrong-password" not in text and len(text.splitlines()) == 1, text
    done = maskwatch(*words, postgres.address(postgres.new_database(), "auditor", "onlyread"), env=env)
    text = done.stderr.decode()
    assert done.returncode == 1 and "has no tables: `maskwatch watch --store` makes them" in text, text


def test_a_database_that_was_restarted_between_two_reports(own_postgres: Postgres) -> None:
    own_postgres.start()
    address = parse_address(own_postgres.address(own_postgres.new_database()))
    engine = open_engine(address, writes=True)
    fill_doors(engine, random_counts(1))
    engine.close()
    reports = open_reports(address)
    before = described(reports.report(FIRST, LAST, now=NOW))
    own_postgres.stop()
    with pytest.raises(StoreError, match="127.0.0.1"):
        reports.names()
    own_postgres.start()
    assert described(reports.report(FIRST, LAST, now=NOW)) == before
    own_postgres.stop()
    own_postgres.start()
    assert described(reports.report(FIRST, LAST, now=NOW)) == before, "nobody has noticed"
    reports.close()
