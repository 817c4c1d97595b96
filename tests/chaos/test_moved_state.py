"""The state folder is deleted, moved, replaced or unmounted under a running process: the next kill loses no alert."""

import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos.raising import TOPIC, ids, raise_alerts, raised
from support import until
from support.mounts import ext4_image, mounted, small_disk

from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def move(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))


def replace_by_folder(folder: Path) -> None:
    move(folder)
    folder.mkdir()


def replace_by_link(folder: Path) -> None:
    move(folder)
    folder.with_name("elsewhere").mkdir()
    folder.symlink_to("elsewhere")


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def delete_database(folder: Path) -> None:
    (folder / "outbox.db").unlink()


def truncate(folder: Path) -> None:
    os.truncate(folder / "outbox.db", 0)


def restore_a_backup_beside(folder: Path) -> None:
    shutil.copy(folder.with_name("backup.db"), folder / "new")
    (folder / "new").rename(folder / "outbox.db")


def restore_a_backup_in_place(folder: Path) -> None:
    (folder / "outbox.db").write_bytes(folder.with_name("backup.db").read_bytes())


ATTACKS = (
    delete,
    move,
    replace_by_folder,
    replace_by_link,
    empty,
    delete_database,
    truncate,
    restore_a_backup_beside,
    restore_a_backup_in_place,
)


def saved(folder: Path) -> set[str]:
    try:
        return {message.id for message in peek(folder / "outbox.db")[0]}
    except (sqlite3.Error, OSError):
        return set()


@pytest.mark.parametrize("attack", ATTACKS)
def test_alerts_that_wait_are_written_anew(
    attack: Callable[[Path], None], maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker, folder = mosquitto(), tmp_path / "place" / "state"
    door = raise_alerts(maskwatch, broker.port, folder, 40, "--pace", 0.02, "--stay")
    until(lambda: len(saved(folder)) >= 10, "some alerts are on disk")
    shutil.copy(folder / "outbox.db", folder.with_name("backup.db"))
    until(lambda: len(raised(door)) == 40 and saved(folder) >= set(raised(door)), "all alerts are on disk")
    attack(folder)
    took = until(lambda: saved(folder) >= set(raised(door)), "all alerts are on disk again", 10)
    print(f"{attack.__name__}: written anew after {took:.1f} s")
    until(lambda: "trouble outbox file" in door.err or "was damaged" in door.err, "health says it")
    assert door.err.count("trouble outbox file") <= 1 and door.err.count("was damaged") <= 1
    assert door.end(signal.SIGKILL) == -signal.SIGKILL
    late = subscriber(broker.start().port)
    assert raise_alerts(maskwatch, broker.port, folder, 0).end() == 0
    assert ids(late.on(TOPIC)) == raised(door), "each of them, in order"


def test_a_mount_that_goes_and_comes_back_loses_nothing_and_sends_nothing_twice(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    """The mount point stays as a writable folder meanwhile. The alerts that waited are delivered while it is away."""
    broker, place, image = mosquitto(), tmp_path / "card", ext4_image(tmp_path / "image")
    with mounted(image, place, "-o", "loop"):
        door = raise_alerts(maskwatch, broker.port, place, 60, "--pace", 0.2, "--stay")
        until(lambda: len(raised(door)) >= 15 and saved(place) >= set(raised(door)[:15]), "some are on disk")
        spare = tmp_path / "spare"
        os.sync()
        shutil.copy(image, spare)
        with small_disk(place):  # in the place of the card
            until(lambda: saved(place) >= set(raised(door)[:15]), "they are written there", 10)
            first = subscriber(broker.start().port)
            until(lambda: set(raised(door)[:15]) <= set(ids(first.on(TOPIC))), "they are delivered")
            broker.kill()
            until(lambda: saved(place) and saved(place) <= set(raised(door)[15:]), "new ones wait there")
            with mounted(spare, place, "-o", "loop"):
                until(lambda: len(raised(door)) == 60, "all are raised", 60)
                waiting = set(raised(door)) - set(ids(first.on(TOPIC)))
                until(lambda: waiting <= saved(place), "those that wait are on the card", 10)
                assert not saved(place) & set(raised(door)[:15]), "those that were acknowledged wait again"
                assert door.end(signal.SIGKILL) == -signal.SIGKILL
                late = subscriber(broker.start().port)
                assert raise_alerts(maskwatch, broker.port, place, 0).end() == 0
    assert set(ids(first.on(TOPIC))) | set(ids(late.on(TOPIC))) == set(raised(door))


def test_a_second_monitor_does_not_start_on_the_new_folder(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker, folder = mosquitto().start(), tmp_path / "state" / "maskwatch" / "entrance"
    (tmp_path / "door.toml").write_text("[source]\nrepeat = true\nrealtime = true\n")
    common = ("run", "--source", "demo", "--broker", broker.address, "--config")
    run = maskwatch(*common, tmp_path / "door.toml", "--device", "entrance")
    until(lambda: (folder / "health.json").exists() and "ok" in (folder / "health.json").read_text(), lambda: run.err)
    until((folder / "record.db").exists)
    (folder / "page.toml").write_text("[detect]\nmin_face = 61\n")
    time.sleep(3)
    shutil.rmtree(folder)
    for name in ("lock", "outbox.db", "record.db", "page.toml", "health.json"):
        until((folder / name).exists, f"{name} is written anew", 10)
    assert "min_face = 61" in (folder / "page.toml").read_text()
    until(lambda: "deleted, moved or replaced" in json.loads((folder / "health.json").read_text())["problem"] or "")
    (tmp_path / "same.toml").write_text(f'[state]\nfolder = "{folder}"\n')
    other = maskwatch(*common, tmp_path / "same.toml", "--device", "b")
    assert other.end(timeout=15) == 2 and "another maskwatch uses the state folder" in other.err
    (folder / "page.toml").unlink()
    time.sleep(5)
    assert not (folder / "page.toml").exists(), "deleting it undoes what the page has set"
    assert run.end(signal.SIGTERM) == 0
    for part in ("outbox.db was deleted", "record.db was deleted", "state folder"):
        assert run.err.count(part + " ") <= 2 and part in run.err, run.err
