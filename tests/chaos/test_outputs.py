"""Webhooks beside a broker: kills, silence, a full disk and a folder that moves lose no alert of either."""

import json
import random
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from chaos.raising import TOPIC, ids, raise_alerts, raised
from support import until
from support.mounts import fill, small_disk
from support.phone import Server, SilentServer

from edge.outbox.database import MEMORY
from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(150)]
KILLS = 20


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: a kill leaves it as it leaves a disk, and a write takes less than the first sending waits."""
    with tempfile.TemporaryDirectory(prefix="maskwatch-", dir=MEMORY) as folder:
        yield Path(folder)


@contextmanager
def slow_writes(path: Path) -> Iterator[None]:
    """Makes a database slower to write for other processes, by some milliseconds: it is locked for a while."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(0.03):
            with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as db:
                db.execute("BEGIN EXCLUSIVE")
                time.sleep(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def posted(server: Server) -> list[str]:
    """The ids in the order of their first arrival."""
    return ids([request.body for request in list(server.accepted)])


def duplicates_differ(payloads: list[bytes]) -> bool:
    """Whether two payloads have one id and are not the same."""
    return len(set(payloads)) != len({json.loads(payload)["id"] for payload in payloads})


def test_kills_between_broker_and_webhook_lose_an_alert_at_neither(
    maskwatch: Any, mosquitto: Any, subscriber: Any, server: Server, memory: Path
) -> None:
    """An alert that one of them has, the other has too, whenever the process is killed: both orders are the same."""
    broker, dice, runs = mosquitto().start(), random.Random(20), list[list[str]]()
    received = subscriber(broker.port)
    with slow_writes(memory / "outbox.db"):
        for _ in range(KILLS):
            process = raise_alerts(maskwatch, broker.port, memory, 100000, "--pace", "0.002", "--webhook", server.url)
            until(lambda process=process: raised(process), "an alert", 60, 0.005)
            time.sleep(dice.uniform(0, 0.25))
            process.end(signal.SIGKILL)
            runs.append(raised(process))
    process = raise_alerts(maskwatch, broker.port, memory, 0, "--linger", "2", "--webhook", server.url)
    assert process.end() == 0, process.err
    at_broker, at_webhook = ids(received.on(TOPIC)), posted(server)
    assert set(at_broker) == set(at_webhook)
    for run in runs:
        kept = [id in at_webhook for id in run]
        assert kept == sorted(kept, reverse=True), "only the newest may be missing, which no disk had yet"
    for arrived in (at_broker, at_webhook):
        assert arrived == sorted(arrived), "the order in which they were raised: ids of version 7 are in it"
    assert not duplicates_differ(received.on(TOPIC)) and not duplicates_differ([one.body for one in server.accepted])
    assert peek(memory / "outbox.db") == ([], [])


def test_a_webhook_that_hangs_or_is_down_holds_up_no_broker_and_gets_everything_later(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker, silent = mosquitto().start(), SilentServer()
    received = subscriber(broker.port)
    process = raise_alerts(maskwatch, broker.port, tmp_path, 300, "--pace", "0.005", "--webhook", silent.url, "--stay")
    until(lambda: len(raised(process)) == 300, "300 alerts", 60)
    received.wait_for(TOPIC, 300, 30)
    assert silent.connected.is_set()
    until(lambda: len(peek(tmp_path / "outbox.db")[0]) == 300, "only the copies wait", 30)
    process.end(signal.SIGTERM)
    everything = raised(process)
    silent.close()
    server = Server(int(silent.url.split(":")[2].split("/")[0]))
    url = silent.url
    down = raise_alerts(maskwatch, broker.port, tmp_path, 5, "--webhook", url, "--stay")
    received.wait_for(TOPIC, 305, 30)
    server.start()
    until(lambda: len(posted(server)) == 305, lambda: f"305 alerts; {len(posted(server))} arrived; {down.err}", 60)
    assert posted(server) == everything + raised(down)
    server.stop()


def test_a_full_disk_loses_no_alert_of_a_webhook(
    maskwatch: Any, mosquitto: Any, subscriber: Any, server: Server, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    with small_disk(tmp_path / "disk") as disk:
        process = raise_alerts(
            maskwatch, broker.port, disk / "state", 100000, "--pace", "0.05", "--webhook", server.url
        )
        until(lambda: len(posted(server)) > 5, "alerts before", 60)
        big = fill(disk)
        process.wait_for("trouble disk")
        before = len(posted(server))
        server.code = 500
        until(lambda: len(received.on(TOPIC)) > before + 20, "alerts at the broker while the disk is full", 60)
        server.code = 200
        until(lambda: len(posted(server)) > before + 20, "the same at the webhook", 60)
        big.unlink()
        process.wait_for("well disk")
        server.code = 500
        more = len(raised(process)) + 5
        until(lambda: len(raised(process)) > more, "alerts that wait on the disk", 60)
        process.end(signal.SIGTERM)
        server.code = 200
        last = raise_alerts(maskwatch, broker.port, disk / "state", 0, "--linger", "1", "--webhook", server.url)
        assert last.end() == 0, last.err
        assert posted(server) == ids(received.on(TOPIC)) == raised(process)


def test_a_state_folder_that_moves_takes_along_what_waits_for_a_webhook(
    maskwatch: Any, mosquitto: Any, server: Server, tmp_path: Path
) -> None:
    broker, folder = mosquitto().start(), tmp_path / "state"
    server.code = 503
    process = raise_alerts(maskwatch, broker.port, folder, 20, "--webhook", server.url, "--stay")
    until(lambda: len(raised(process)) == 20 and len(peek(folder / "outbox.db")[0]) == 20, "20 copies wait", 60)
    folder.rename(tmp_path / "moved")
    until(lambda: (folder / "outbox.db").exists() and len(peek(folder / "outbox.db")[0]) == 20, "they are back", 60)
    process.end(signal.SIGKILL)
    server.code = 200
    last = raise_alerts(maskwatch, broker.port, folder, 0, "--linger", "1", "--webhook", server.url)
    assert last.end() == 0, last.err
    assert posted(server) == raised(process)
