"""What waits and the ids, on a real disk: restarts, damage, a folder that goes, a disk that refuses."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.phone import store as module
from edge.phone.store import Store

Opener = Callable[[], Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens the store, and closes the one before, as a restart does."""
    stores: list[Store] = []

    def open_store() -> Store:
        while stores:
            stores.pop().close()
        stores.append(Store(tmp_path / "state" / "texts.db"))
        return stores[-1]

    yield open_store
    for one in stores:
        one.close()


def payloads(store: Store) -> list[bytes]:
    return [entry.payload for entry in store.entries.values()]


def test_entries_ids_and_settings_outlive_a_restart(opened: Opener) -> None:
    store = opened()
    assert store.put("alert", "porch", b"1", id="a") and store.put("alert", "porch", b"2", id="b")
    assert store.put("fault", "back", b"lost", settings={"told:back": "lost"})
    assert not store.put("alert", "porch", b"1", id="a")
    store.remove(list(store.entries.values())[:1])
    store = opened()
    assert payloads(store) == [b"2", b"lost"] and store.setting("told:back") == "lost"
    assert not store.put("alert", "porch", b"1", id="a"), "delivered, and still known"
    assert os.stat(store.path).st_mode & 0o077 == 0


def test_the_oldest_ids_are_forgotten(opened: Opener) -> None:
    store = opened()
    for number in range(module.IDS_KEPT + 5):
        store._ids[str(number)] = None  # as many puts would take half a minute
    store.put("alert", "porch", b"", id="new")
    assert len(store._ids) == module.IDS_KEPT and "0" not in store._ids and "new" in store._ids


def test_a_second_process_is_refused(opened: Opener) -> None:
    store = opened()
    with pytest.raises(ConfigError, match="another"):
        Store(store.path)


@pytest.mark.parametrize("kind", ["cut", "header", "text"])
def test_a_damaged_file_is_kept_aside_and_what_can_be_read_goes_on(opened: Opener, kind: str) -> None:
    store = opened()
    store.put("alert", "porch", b"1", id="a")
    store.close()
    data = store.path.read_bytes()
    damaged = {"cut": data[: len(data) - 5000], "header": b"\0" * 100 + data[100:], "text": b"not a database" * 50}
    store.path.write_bytes(damaged[kind])
    store = opened()
    assert store.durable and list(store.path.parent.glob("texts.db.damaged-*"))
    assert payloads(store) == ([b"1"] if kind == "header" else payloads(store))
    store.put("alert", "porch", b"2", id="b")
    assert opened().entries and not store.put("alert", "porch", b"2", id="b")


def test_a_folder_that_goes_in_mid_run_is_written_anew(opened: Opener) -> None:
    store = opened()
    store.put("alert", "porch", b"1", id="a")
    store.path.parent.rename(store.path.parent.with_name("moved"))
    store.put("alert", "porch", b"2", id="b")
    again = opened()
    assert payloads(again) == [b"1", b"2"] and not again.put("alert", "porch", b"1", id="a")


def test_a_disk_that_refuses_costs_nothing_that_arrives(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    store = opened()
    store.put("alert", "porch", b"1", id="a")
    folder = store.path.parent
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("a file where the folder was")
    assert store.put("alert", "porch", b"2", id="b") and store.put("alert", "porch", b"3", id="c")
    assert not store.durable and caplog.text.count("cannot be written") == 1
    folder.unlink()
    assert store.put("alert", "porch", b"4", id="d") and store.durable
    again = opened()
    assert payloads(again) == [b"1", b"2", b"3", b"4"] and not again.put("alert", "porch", b"3", id="c")
