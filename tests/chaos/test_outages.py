"""The broker is absent, frozen, or killed together with maskwatch: every alert arrives, in order, with one id each."""

import itertools
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from chaos.raising import TOPIC, ids, raise_alerts, raised
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from support import until

from edge.mqtt.messages import AlertMessage

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

IN_FLIGHT = 20
PERSISTENT = """allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
user root"""


class Recipient:
    """A subscriber with a persistent session: it also receives what the broker took while it was disconnected."""

    def __init__(self, port: int) -> None:
        self.payloads: list[bytes] = []
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 3600
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "recipient", protocol=paho.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(TOPIC, 1)
        self._client.on_message = lambda c, u, m: self.payloads.append(m.payload)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, clean_start=False, properties=session)
        self._client.loop_start()

    @property
    def ids(self) -> list[str]:
        return ids(self.payloads)

    def wait_for(self, count: int, timeout: float) -> None:
        until(lambda: len(self.ids) >= count, lambda: f"{count} alerts; {len(self.ids)} arrived", timeout, 0.05)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait_for_raised(process: Any, count: int) -> None:
    until(lambda: len(raised(process)) >= count, lambda: f"{count} raised alerts\n{process.err}", 60, 0.01)


def test_a_broker_absent_at_boot_gets_all_alerts_in_order_within_a_minute(
    maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
    broker = mosquitto(PERSISTENT.format(folder=tmp_path)).start()
    recipient = Recipient(broker.port)
    broker.stop()
    door = raise_alerts(maskwatch, broker.port, tmp_path / "state", 100, "--stay")
    wait_for_raised(door, 100)
    time.sleep(20)  # the pauses between the attempts to connect grow
    assert door.err.count("trouble broker") == 1, "reported once, not per attempt"
    broker.start()
    appeared = time.monotonic()
    recipient.wait_for(100, 60)
    print(f"delivered {time.monotonic() - appeared:.1f} s after the broker appeared")
    assert recipient.ids == raised(door)
    assert door.end(signal.SIGTERM) == 0
    recipient.close()


def test_500_alerts_raised_in_an_outage_survive_a_kill_in_the_same_outage(
    maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
    broker = mosquitto(PERSISTENT.format(folder=tmp_path)).start()
    recipient = Recipient(broker.port)
    broker.stop()
    first = raise_alerts(maskwatch, broker.port, tmp_path / "state", 500, "--stay")
    wait_for_raised(first, 500)
    time.sleep(1)  # the last alerts are still being written to the disk
    first.end(signal.SIGKILL)
    second = raise_alerts(maskwatch, broker.port, tmp_path / "state", 0, "--stay")
    second.wait_for("500 alerts of an earlier run")
    broker.start()
    recipient.wait_for(500, 60)
    assert recipient.ids == raised(first)
    assert len(recipient.payloads) == 500, "no duplicate: nothing was in flight when it was killed"
    assert second.end(signal.SIGTERM) == 0
    recipient.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_broker_and_process_killed_at_random(seed: int, maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    """The broker ends by SIGTERM, so that it saves what it has acknowledged; after a SIGKILL it could lose alerts.

    The process is killed by SIGKILL. Alerts that it raised less than a second earlier may not be on disk yet, so
    these may be missing, and no others.
    """
    chance = random.Random(seed)
    broker = mosquitto(PERSISTENT.format(folder=tmp_path)).start()
    recipient = Recipient(broker.port)
    required: list[str] = []
    possible: list[str] = []
    kills = 6
    for _ in range(kills):
        door = raise_alerts(maskwatch, broker.port, tmp_path / "state", 60, "--pace", "0.02", "--stay")
        wait_for_raised(door, chance.randint(20, 60))
        if chance.random() < 0.6:
            broker.stop()
        time.sleep(chance.uniform(0, 1))
        on_disk = raised(door)
        time.sleep(1)
        door.end(signal.SIGKILL)
        required += on_disk
        possible += raised(door)
        broker.start()
    last = raise_alerts(maskwatch, broker.port, tmp_path / "state", 1)
    assert last.end() == 0, last.err
    required, possible = [*required, *raised(last)], [*possible, *raised(last)]
    recipient.wait_for(len(required), 60)
    arrived = recipient.ids
    assert set(required) <= set(arrived) <= set(possible)
    assert arrived == [id for id in possible if id in set(arrived)], "in the order in which they were raised"
    duplicates = len(recipient.payloads) - len(arrived)
    print(f"{len(arrived)} alerts, {kills} kills, {duplicates} duplicates received")
    assert duplicates <= kills * IN_FLIGHT
    by_id = itertools.groupby(sorted(recipient.payloads, key=lambda p: AlertMessage.decode(p).id), AlertMessage.decode)
    assert all(len(set(group)) == 1 for _, group in by_id), "a redelivery is byte-identical"
    recipient.close()


def test_a_frozen_broker_is_noticed_and_no_alert_is_lost(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker = mosquitto(PERSISTENT.format(folder=tmp_path)).start()
    recipient = Recipient(broker.port)
    door = raise_alerts(maskwatch, broker.port, tmp_path / "state", 400, "--pace", "0.1", "--stay")
    recipient.wait_for(5, 30)
    os.kill(broker.pid, signal.SIGSTOP)
    frozen = time.monotonic()
    door.wait_for("trouble broker", 60)
    noticed = time.monotonic() - frozen
    print(f"noticed after {noticed:.1f} s")
    os.kill(broker.pid, signal.SIGCONT)
    recipient.wait_for(400, 120)
    assert noticed <= 35
    assert recipient.ids == raised(door)
    assert door.end(signal.SIGTERM) == 0
    recipient.close()
