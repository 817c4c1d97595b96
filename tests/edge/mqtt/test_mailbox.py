"""What waits for the thread that owns a connection, while the broker sends more than it can take."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import paho.mqtt.client as paho
from support import until

from edge.config.schema import MqttConfig
from edge.mqtt.events import Acknowledged, Connected, Disconnected, Received
from edge.mqtt.link import Link
from edge.mqtt.mailbox import MOST_BYTES, Mailbox


class Flood:
    """A client that publishes faster than anybody can take it."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, messages: int, size: int) -> None:
        for number in range(messages):
            self._client.publish("flood", f"{number:{size}}".encode(), 0)

    def publish_one(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1).wait_for_publish(60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_what_the_owner_has_no_room_for_waits_at_the_broker(mosquitto: Any) -> None:
    """A flood, while the owner is busy for longer than the broker waits for a sign of life."""
    broker = mosquitto("allow_anonymous true\nmax_queued_messages 5000").start()
    settings, mailbox, events = MqttConfig(host="127.0.0.1", port=broker.port, keepalive=5), Mailbox[None](), []
    link = Link(settings, "test", mailbox, name="test")

    def take_until(holds: Callable[[Any], bool]) -> None:
        deadline = time.monotonic() + 60
        while not events or not holds(events[-1]):
            assert time.monotonic() < deadline
            events.append(mailbox.next(link, 0.1))

    with closing(link), closing(Flood(broker.port)) as flood:
        take_until(lambda event: isinstance(event, Connected))
        link.subscribe("#", qos=1)
        take_until(lambda event: isinstance(event, Acknowledged))
        flood.publish(1500, 20_000)
        flood.publish_one("other", b"online")
        until(lambda: mailbox.waiting > MOST_BYTES // 30_000)
        time.sleep(8)
        assert mailbox.waiting <= MOST_BYTES // 20_000 + 1
        take_until(lambda event: isinstance(event, Received) and event.topic == "other")
        received = [one.payload for one in events if isinstance(one, Received) and one.topic == "flood"]
        assert received == [b"%20000d" % number for number in range(1500)], "all, in order"
        assert not any(isinstance(one, Disconnected) for one in events)
