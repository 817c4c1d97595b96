"""Many doors at a real broker: what they say, as the wire contract has it."""

import json
from typing import Any

import paho.mqtt.client as paho

from edge.mqtt.messages import Health, State, Stats, encode

STATS = Stats(10.0, 100, 0, 5.0, 5.0, 10.0, None, None, 90.0, 0, 60)


class Doors:
    """Publishes for any number of doors over one connection."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(1000)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def __enter__(self) -> "Doors":
        return self

    def __exit__(self, *_: Any) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    def say(self, device: str, kind: str, payload: bytes, retain: bool = True) -> Any:
        return self._client.publish(f"maskwatch/{device}/{kind}", payload, 1, retain)

    def announce(self, device: str, page: str = "", **state: Any) -> None:
        """Says all that a door says when it comes."""
        described = {"availability_topic": f"maskwatch/{device}/status", "device": {"configuration_url": page}}
        discovery = json.dumps(described).encode() if page else b""
        self._client.publish(f"homeassistant/device/maskwatch_{device}/config", discovery, 1, True)
        self.say(device, "state", encode(State(**state)))
        self.say(device, "health", encode(Health("ok", "mask@1234")))
        self.say(device, "enabled/state", b"ON")
        self.say(device, "stats", encode(STATS), retain=False)
        self.say(device, "status", b"online").wait_for_publish(20)

    def take_back(self, device: str) -> None:
        """Takes back all that is retained, as `maskwatch forget` does."""
        for kind in ("state", "health", "enabled/state", "status"):
            self.say(device, kind, b"").wait_for_publish(20)
