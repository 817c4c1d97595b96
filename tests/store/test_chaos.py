"""Alerts of many doors, with a broker, a store and a database that are killed at random: none is lost, none is double.

A mosquitto that is killed loses what it has acknowledged and not yet written, unless a subscriber has it
(systemd/mosquitto.conf says so). Therefore the broker is killed while the store has nothing to catch up with. The store
is away often enough: its own kills fall between those of the broker. The database is killed at any time.
"""

import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support import ROOT, until
from support.brokers import Mosquitto
from support.postgres import USER, Postgres
from support.processes import Process
from support.store_chaos import DOORS, RaisingDoors

pytestmark = [pytest.mark.store, pytest.mark.timeout(600)]

KILLS, KILLS_OF_A_DESK = 30, 6
PACE = 0.08
"""Seconds between two alerts."""
IDS, COUNTS = "SELECT id FROM alerts", "SELECT door, people FROM counts"
Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def broker(mosquitto: Any, tmp_path: Path) -> Mosquitto:
    """A broker that keeps sessions as the shipped configuration does."""
    shipped = (ROOT / "systemd" / "mosquitto.conf").read_text().splitlines()
    kept = [line for line in shipped if line.startswith(("persistence ", "autosave", "max_queued", "persistent_"))]
    assert len(kept) == 6
    made: Mosquitto = mosquitto(
        "\n".join(["allow_anonymous true", "user root", f"persistence_location {tmp_path}/", *kept])
    )
    return made.start()


class Chaos:
    """Kills the store and the broker in turn, at random moments."""

    def __init__(self, start: Callable[[], Process], broker: Mosquitto, client: Any, query: Query) -> None:
        self._start, self._broker, self._query = start, broker, query
        self.store = start()
        # the broker keeps nothing for a store that it does not know yet
        until(lambda: client.publish("maskwatch/door0/status", b"online") or query("SELECT door FROM doors"))
        self.doors = RaisingDoors(broker.port, PACE)

    def run(self, kills: int) -> None:
        for _ in range(kills):
            time.sleep(random.uniform(0, 0.7))
            self.store.end(signal.SIGKILL)
            time.sleep(random.uniform(0, 0.5))
            self.store = self._start()
            self.catch_up()
            time.sleep(random.uniform(0, 0.5))
            self._broker.kill()
            time.sleep(random.uniform(0, 0.5))
            self._broker.start()
            if random.random() < 0.5:
                self.catch_up()

    def catch_up(self) -> None:
        """Waits until the database has an alert that was raised only now, and so all before it."""
        known = len(self.doors.raised)
        until(lambda: len(self.doors.raised) > known, "another alert")
        id = list(self.doors.raised)[known]
        until(
            lambda: self._query(f"{IDS} WHERE id = '{id}'"), lambda: f"an alert in the store\n{self.store.err}", 60, 0.1
        )

    def finish(self) -> None:
        """Waits until the database has everything, and ends the store."""
        self.doors.stop_raising()
        until(lambda: not self.doors.waiting, "every alert is at the broker")
        raised = len(self.doors.raised)
        until(lambda: len(self._query(IDS)) >= raised, lambda: f"{raised} alerts\n{self.store.err}", 15, 0.1)
        until(lambda: dict(self._query(COUNTS)) == self.doors.watched, lambda: f"{self._query(COUNTS)}", 30, 0.2)
        assert self.store.end(signal.SIGTERM) == 0, self.store.err


@pytest.fixture
def chaos_of(maskwatch: Any, broker: Mosquitto, subscriber: Any) -> Iterator[Callable[[str | Path, Query], Chaos]]:
    """Starts doors, and a store in the database of this address, that are about to be disturbed."""
    made: list[Chaos] = []

    def start(address: str | Path, query: Query) -> Chaos:
        options = ("watch", "--broker", broker.address, "--store", address)
        made.append(Chaos(lambda: maskwatch(*options), broker, subscriber(broker.port), query))
        return made[-1]

    yield start
    for one in made:
        one.doors.close()


def check(chaos: Chaos, query: Query, spool: Path) -> None:
    """Nothing is lost, nothing is double, nothing waits."""
    chaos.finish()
    doors = chaos.doors
    ids = [id for (id,) in query(IDS)]
    assert len(ids) == len(set(ids)) and set(ids) == set(doors.raised), set(ids) ^ set(doors.raised)
    assert sorted(query("SELECT DISTINCT door FROM alerts")) == [(door,) for door in DOORS]
    assert sorted(query(COUNTS)) == sorted(doors.watched.items()), "one row per door, with the newest counts"
    with closing(sqlite3.connect(spool)) as db:
        assert db.execute("SELECT count(*) FROM heard").fetchone() == (0,)
    print(f"{len(ids)} alerts")


def test_no_alert_is_lost_or_double_whatever_is_killed(chaos_of: Any, own_postgres: Postgres, tmp_path: Path) -> None:
    postgres = own_postgres.start()
    database = postgres.new_database()
    address = tmp_path / "address"
    address.write_text(postgres.address(database))
    address.chmod(0o600)

    def query(sql: str) -> list[tuple[Any, ...]]:
        with suppress(psycopg.Error), psycopg.connect(postgres.address(database), connect_timeout=2) as connection:
            return connection.execute(sql.encode()).fetchall()
        return []

    chaos = chaos_of(address, query)
    ended = threading.Event()

    def kill_database() -> None:
        for _ in range(KILLS):
            time.sleep(random.uniform(1, 5))
            postgres.kill()
            time.sleep(random.uniform(0, 1))
            postgres.start()
        ended.set()

    killer = threading.Thread(target=kill_database)
    killer.start()
    try:
        chaos.run(KILLS)
        assert ended.wait(240), "the database starts again"
    finally:
        killer.join(240)
    check(chaos, query, tmp_path / "state" / "maskwatch" / "entrance" / "store.db")
    assert USER in query("SELECT current_user::text")[0]


def test_the_same_holds_for_a_desk_with_sqlite_whose_file_is_locked_now_and_then(chaos_of: Any, tmp_path: Path) -> None:
    file = tmp_path / "doors.db"

    def query(sql: str) -> list[tuple[Any, ...]]:
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()
        return []

    chaos = chaos_of(f"sqlite:{file}", query)
    ended = threading.Event()

    def lock_database() -> None:
        while not ended.wait(random.uniform(1, 4)):
            with suppress(sqlite3.Error), closing(sqlite3.connect(file, isolation_level=None)) as db:
                db.execute("BEGIN IMMEDIATE")
                ended.wait(random.uniform(0, 8))
                db.execute("ROLLBACK")

    locker = threading.Thread(target=lock_database)
    locker.start()
    try:
        chaos.run(KILLS_OF_A_DESK)
    finally:
        ended.set()
        locker.join(30)
    check(chaos, query, tmp_path / "state" / "maskwatch" / "entrance" / "store.db")
