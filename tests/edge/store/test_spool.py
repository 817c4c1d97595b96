"""What waits for the database, on a real disk: restarts, damage, a file that goes, a disk that refuses, a limit."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.mounts import fill, small_disk

from edge.errors import ConfigError
from edge.store import spool as module
from edge.store.failure import StoreError
from edge.store.spool import Spool

Opener = Callable[..., Spool]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens the spool, and closes the one before, as a restart does."""
    spools: list[Spool] = []

    def open_spool(**more: Any) -> Spool:
        while spools:
            spools.pop().close()
        spools.append(Spool(tmp_path / "state" / "store.db", **more))
        return spools[-1]

    yield open_spool
    for one in spools:
        one.close()


def payloads(spool: Spool) -> list[bytes]:
    return [heard.payload for heard in spool.batch(1000)]


def test_messages_and_settings_outlive_a_restart_in_order(opened: Opener) -> None:
    spool = opened()
    spool.put("porch", "alert", b"1", False)
    spool.put_all([("porch", "health", b"2", True), ("back", "alert", b"3\0", False)])
    spool.set("client_id", "a")
    spool = opened()
    assert [(h.device, h.kind, h.payload, h.retained) for h in spool.batch(10)] == [
        ("porch", "alert", b"1", False),
        ("porch", "health", b"2", True),
        ("back", "alert", b"3\0", False),
    ]
    assert spool.waiting == 3 and spool.setting("client_id") == "a" and spool.setting("other") == ""
    assert os.stat(spool.path).st_mode & 0o077 == 0
    first, second, _ = spool.batch(10)
    assert first.received < second.received and spool.batch(1) == [first]
    spool.remove(second.seq)
    assert payloads(opened()) == [b"3\0"]


def test_a_days_counts_replace_those_that_wait(opened: Opener) -> None:
    spool = opened()
    for device, kind, payload in [
        ("porch", "counts/2026-11-26", b"a"), ("porch", "counts/2026-11-27", b"b"), ("back", "counts/2026-11-27", b"c"),
        ("porch", "counts/2026-11-27", b"d"), ("porch", "alert", b"e"), ("porch", "alert", b"e"),
        ("porch", "counts/2026-11-27", b""),
    ]:  # fmt: skip
        spool.put(device, kind, payload, False)
    assert payloads(spool) == [b"a", b"c", b"d", b"e", b"e", b""] and spool.waiting == 6


def test_of_a_days_counts_that_arrive_together_the_newest_is_kept(opened: Opener) -> None:
    spool = opened()
    day = ("porch", "counts/2026-11-27")
    spool.put_all(
        [(*day, b"1", True), ("hall", day[1], b"2", True), ("porch", "alert", b"3", False), (*day, b"4", False)]
    )
    assert payloads(spool) == [b"2", b"3", b"4"] and spool.waiting == 3


def test_a_number_is_never_given_twice(opened: Opener) -> None:
    """The writer removes up to a number: a message of the same number that came meanwhile would be lost."""
    spool = opened()
    spool.put("porch", "alert", b"1", False)
    (first,) = spool.batch(1)
    spool.remove(first.seq)
    spool = opened()
    spool.put("porch", "alert", b"2", False)
    spool.remove(first.seq)
    assert payloads(spool) == [b"2"]


def test_no_two_messages_come_in_the_same_millisecond(opened: Opener) -> None:
    spool = opened()
    spool.put_all([("porch", "health", b"x", False)] * 300)
    spool.put("porch", "health", b"x", False)
    spool.put_all([("porch", "health", b"x", False)] * 2)
    moments = [round(heard.received * 1000) for heard in spool.batch(1000)]
    assert moments == sorted(set(moments)) and len(moments) == 303


def test_a_batch_has_a_limit_of_bytes(opened: Opener, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 100)
    spool = opened()
    spool.put_all([("porch", "alert", bytes(60), False)] * 3 + [("porch", "alert", bytes(500), False)])
    assert len(spool.batch(10)) == 1
    spool.remove(spool.batch(10)[0].seq + 2)
    assert len(spool.batch(10)) == 1, "one that is larger is not held up"


def test_a_full_spool_drops_what_is_no_alert_and_then_takes_no_more(opened: Opener, caplog: Any) -> None:
    spool = opened(largest=19_500)
    spool.put_all([("porch", "alert", bytes(900), False)] * 8 + [("porch", "health", bytes(900), False)] * 12)
    assert spool.waiting == 8
    spool.put_all([("porch", "alert", bytes(900), False)] * 11)
    with pytest.raises(StoreError, match="full of alerts"):
        spool.put("porch", "alert", bytes(900), False)
    assert spool.waiting == len(spool.batch(100)) == 19
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    spool.remove(spool.batch(100)[9].seq)
    spool.put("porch", "alert", bytes(900), False)
    assert spool.waiting == 10 and "has room again" in caplog.text


def test_the_file_is_small_again_when_nothing_waits(opened: Opener, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "SHRINK_FROM", 100_000)
    spool = opened()
    spool.put_all([("porch", "alert", bytes(1000), False)] * 500)
    assert spool.path.stat().st_size > 400_000
    spool.remove(10_000)
    assert spool.path.stat().st_size < 50_000
    spool.put("porch", "alert", b"1", False)
    assert payloads(spool) == [b"1"]


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_what_waits_is_written_again_where_the_file_has_gone(opened: Opener, caplog: Any, change: str) -> None:
    spool = opened()
    spool.put("porch", "alert", b"1", False)
    spool.set("client_id", "a")
    if change == "deleted":
        spool.path.unlink()
    else:
        other = spool.path.with_name("other")
        other.write_bytes(b"")
        os.replace(other, spool.path)
    spool.put("porch", "alert", b"2", False)
    assert payloads(opened()) == [b"1", b"2"] and opened().setting("client_id") == "a"
    assert "while it was in use: it is written anew" in caplog.text


def test_a_damaged_file_is_kept_and_what_it_still_holds_is_taken_over(opened: Opener, caplog: Any) -> None:
    spool = opened()
    spool.put_all([("porch", "alert", b"%d" % number, False) for number in range(50)])
    spool.close()
    content = bytearray(spool.path.read_bytes())
    content[:60] = bytes(60)
    spool.path.write_bytes(content)
    spool = opened()
    assert payloads(spool) == [b"%d" % number for number in range(50)]
    spool.put("porch", "alert", b"new", False)
    assert payloads(opened())[-1] == b"new" and "was damaged" in caplog.text


def test_a_disk_that_refuses_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        spool = Spool(disk / "store.db")
        spool.put("porch", "alert", b"1", False)
        big = fill(disk)
        with pytest.raises(StoreError, match="store.db cannot be written: the disk is full") as caught:
            spool.put("porch", "alert", bytes(100_000), False)
        assert caught.value.temporary
        big.unlink()
        spool.put("porch", "alert", b"2", False)
        assert payloads(spool) == [b"1", b"2"]
        spool.close()


def test_a_second_process_is_refused(opened: Opener) -> None:
    spool = opened()
    with pytest.raises(ConfigError, match="another `maskwatch watch --store` uses"):
        Spool(spool.path)
