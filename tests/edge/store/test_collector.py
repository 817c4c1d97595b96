"""What the store hears at a real broker: all of it is in the spool before the broker forgets it, whatever happens."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from support import until
from support.phone import alert

from edge.config.schema import MqttConfig
from edge.mqtt import hearing
from edge.mqtt.embedded_broker import EmbeddedBroker, any_port
from edge.mqtt.messages import AlertMessage
from edge.store.collector import Collector
from edge.store.spool import LARGEST, Heard, Spool

DAY = "counts/2026-11-27"


@contextmanager
def collecting(broker: Any, folder: Path, largest: int = LARGEST, *, is_embedded: bool = False) -> Iterator[Spool]:
    """A spool that a collector fills, and that is closed after it. It speaks MQTT 3.1.1 if ``is_embedded``."""
    with closing(Spool(folder / "store.db", largest=largest)) as spool:
        settings = MqttConfig(host="127.0.0.1", port=broker.port)
        with closing(Collector(settings, spool, is_embedded=is_embedded)) as collector:
            assert collector.ready.wait(60)
            yield spool


def heard(spool: Spool) -> list[Heard]:
    return spool.batch(1000)


def ids(spool: Spool) -> list[str]:
    return [json.loads(one.payload)["id"] for one in heard(spool) if one.kind == "alert"]


def test_all_that_is_kept_of_a_door_is_heard_and_nothing_else(broker: Any, subscriber: Any, tmp_path: Path) -> None:
    client = subscriber(broker.port)
    client.publish("maskwatch/porch/status", b"online", retain=True)
    client.publish(f"maskwatch/porch/{DAY}", b"{}", retain=True)
    for kind in ("snapshot", "state", "stats", "test", "enabled/set", "output/lamp/state", "counts"):
        client.publish(f"maskwatch/porch/{kind}", b"nothing of this is kept", retain=True)
    with collecting(broker, tmp_path) as spool:
        until(lambda: {(one.kind, one.retained) for one in heard(spool)} == {("status", True), (DAY, True)})
        for kind, payload in (("alert", alert("porch")), ("health", b"{}"), ("enabled/state", b"ON"), (DAY, b"{}")):
            client.publish(f"maskwatch/porch/{kind}", payload)
        client.publish("maskwatch/porch/status", b"")
        until(lambda: [one.kind for one in heard(spool)][-1:] == ["status"])
        kinds = [one.kind for one in heard(spool) if not one.retained]
        assert kinds == ["alert", "health", "enabled/state", DAY, "status"]
        assert {one.device for one in heard(spool)} == {"porch"}


def test_what_no_door_sends_is_left_out_and_said_once_per_kind(
    broker: Any, subscriber: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = subscriber(broker.port)
    with collecting(broker, tmp_path) as spool, caplog.at_level(logging.WARNING):
        for _ in range(30):  # more than a broker sends without an acknowledgement
            client.publish("maskwatch/porch/alert", b"x" * 100_000)
            client.publish("maskwatch/Front Door/alert", alert("porch"))
            client.publish("maskwatch/Front Door/health", b"{}")
        client.publish("maskwatch/porch/alert", alert("porch", id="good"))
        until(lambda: ids(spool) == ["good"])
    lines = [record.getMessage() for record in caplog.records if "is left out" in record.getMessage()]
    assert lines == [
        "a message on maskwatch/porch/alert is left out: it has 100000 bytes; others of its kind are not named",
        "a message on maskwatch/Front Door/health is left out: no door can have this name; others of its kind are not "
        "named",
    ]


class Door:
    """Publishes by MQTT 3.1.1, with the login of a broker that needs one."""

    def __init__(self, broker: Any) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if isinstance(broker, EmbeddedBroker):
            self._client.username_pw_set(broker.login.user, broker.login.password)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(20)

    def flood(self, topic: str, messages: int, size: int) -> None:
        for _ in range(messages):
            self._client.publish(topic, bytes(size), 0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(params=["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "embedded"])
def each_broker(request: pytest.FixtureRequest, mosquitto: Any) -> Iterator[tuple[Any, bool]]:
    """A broker, and whether to speak MQTT 3.1.1 to it."""
    if request.param == "embedded":
        with closing(EmbeddedBroker(any_port()).start()) as embedded:
            yield embedded, True
    else:
        yield mosquitto().start(), request.param.endswith("3.1.1")


def test_alerts_that_pass_while_it_is_away_arrive_and_of_counts_the_newest(each_broker: Any, tmp_path: Path) -> None:
    broker, is_embedded = each_broker
    with closing(Door(broker)) as door, collecting(broker, tmp_path, is_embedded=is_embedded) as spool:
        door.publish("maskwatch/porch/alert", alert("porch", id="0"))
        until(lambda: ids(spool) == ["0"])
        spool.remove(heard(spool)[-1].seq)
    with closing(Door(broker)) as door:
        for number in range(1, 40):
            door.publish("maskwatch/porch/alert", alert("porch", id=str(number)))
            door.publish(f"maskwatch/porch/{DAY}", b"%d" % number, retain=True)
    with collecting(broker, tmp_path, is_embedded=is_embedded) as spool:
        until(lambda: len(heard(spool)) >= 40)
        assert ids(spool) == [str(number) for number in range(1, 40)]
        assert [one.payload for one in heard(spool) if one.kind == DAY] == [b"39"], "the broker queued no counts"


def test_while_the_disk_refuses_messages_wait_at_the_broker_in_order(
    broker: Any, subscriber: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A spool that is full of alerts refuses as a full disk does."""
    client, sent = subscriber(broker.port), [str(number) for number in range(60)]
    with collecting(broker, tmp_path, largest=4000) as spool:
        for number in sent[:30]:
            client.publish("maskwatch/porch/alert", alert("porch", id=number))
        until(lambda: "messages for the store wait at the broker" in caplog.text)
        taken = ids(spool)
        assert taken == sent[: len(taken)]
        spool.remove(heard(spool)[-1].seq)
        until(lambda: "are taken from the broker again" in caplog.text)
        until(lambda: caplog.text.count("messages for the store wait at the broker") == 2, "full again")
        taken += ids(spool)
    for number in sent[30:]:
        client.publish("maskwatch/porch/alert", alert("porch", id=number))
    with collecting(broker, tmp_path) as spool:  # a restart, with room
        until(lambda: ids(spool)[-1:] == sent[-1:])
        again = ids(spool)
        assert list(dict.fromkeys(taken + again)) == sent, "in order, and none is missing"
        assert len(taken + again) <= len(sent) + 20, "what was not acknowledged may come again"


def test_an_alert_waits_on_disk_without_its_track_and_its_place(broker: Any, subscriber: Any, tmp_path: Path) -> None:
    client, sent = subscriber(broker.port), alert("porch", id="one", track="tr4ck-77", box=[4321, 5, 6, 7], more="m0re")
    with collecting(broker, tmp_path) as spool:
        client.publish("maskwatch/porch/alert", sent)
        client.publish("maskwatch/porch/alert", b"{}")
        until(lambda: len(heard(spool)) == 2)
        one, none = heard(spool)
        found, whole = AlertMessage.decode(one.payload), AlertMessage.decode(sent)
        assert found == replace(whole, track="", box=(0, 0, 0, 0), frame_size=(0, 0)) and none.payload == b"{}"
        content = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name.startswith("store.db"))
        assert b"tr4ck" not in content and b"4321" not in content and b"m0re" not in content


def test_what_has_arrived_is_kept_in_few_transactions(
    broker: Any, subscriber: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What arrives while somebody locks the file is written in as many transactions as the broker sends pieces."""
    client, doors = subscriber(broker.port), [f"door-{number}" for number in range(200)]

    def changes() -> int:
        with (tmp_path / "store.db").open("rb") as file:
            return int.from_bytes(file.read(28)[24:], "big")

    with collecting(broker, tmp_path) as spool:
        client.publish("maskwatch/porch/status", b"online")
        until(lambda: spool.waiting == 1)
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            before = changes()
            for door in doors:
                client.publish(f"maskwatch/{door}/health", b"{}")
            until(lambda: "messages for the store wait at the broker" in caplog.text)
            other.execute("ROLLBACK")
            until(lambda: spool.waiting == 1 + len(doors))
            assert changes() - before < len(doors) / 2
            assert [one.device for one in heard(spool) if one.kind == "health"] == doors


def test_what_the_broker_drops_in_a_flood_comes_again(mosquitto: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """mosquitto drops alerts too while its queue for a client is full, and sends them at the next connection."""
    monkeypatch.setattr(hearing, "HELD_BACK_S", 2.0)
    broker = mosquitto("allow_anonymous true\nmax_queued_messages 100").start()
    with collecting(broker, tmp_path) as spool, closing(Door(broker)) as door:
        door.publish("maskwatch/porch/alert", alert("porch", id="before"))
        until(lambda: spool.waiting == 1)
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            door.flood(f"maskwatch/flood/{DAY}", messages=3000, size=20_000)
            for number in range(30):
                door.publish("maskwatch/porch/alert", alert("porch", id=str(number)))
            other.execute("ROLLBACK")
        until(lambda: set(ids(spool)) == {"before", *map(str, range(30))}, timeout=60)
        assert spool.waiting < 100, "of the flood the newest is kept"


def test_a_broker_that_has_lost_its_memory_is_subscribed_to_anew(broker: Any, subscriber: Any, tmp_path: Path) -> None:
    with ExitStack() as stack:
        spool = stack.enter_context(collecting(broker, tmp_path))
        broker.kill()
        broker.start()
        client = subscriber(broker.port)
        until(lambda: client.publish("maskwatch/porch/alert", alert("porch")) or ids(spool), pause=0.2)
