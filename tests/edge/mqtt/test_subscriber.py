"""The subscriber with a listener, at a real mosquitto and at the embedded broker: what the broker keeps for it."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from support import until

from edge.config.schema import MqttConfig
from edge.mqtt.broker import Login
from edge.mqtt.client import V5, V311
from edge.mqtt.embedded_broker import EmbeddedBroker, any_port
from edge.mqtt.messages import AlertMessage, utc_now
from edge.mqtt.subscriber import Subscriber


class Listener:
    """Notes what it takes; ``fails`` lets it take no alert."""

    wants_pictures = True

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.events: list[tuple[str, ...]] = []
        self.up = threading.Event()

    def alert(self, alert: AlertMessage, payload: bytes) -> bool:
        self.events.append(("alert", alert.id))
        if self.fails:
            raise OSError("this listener takes no alert")
        return True

    def snapshot(self, device: str, jpeg: bytes) -> None:
        self.events.append(("snapshot", device, jpeg.decode()))

    def status(self, device: str, online: bool | None) -> None:
        self.events.append(("status", device, str(online)))

    def camera(self, device: str, condition: str) -> None:
        self.events.append(("camera", device, condition))

    def test(self, device: str) -> None:
        self.events.append(("test", device))

    def connected(self, protocol: MQTTProtocolVersion) -> None:
        self.up.set()

    def disconnected(self) -> None:
        self.up.clear()

    @property
    def alerts(self) -> list[str]:
        return [event[1] for event in list(self.events) if event[0] == "alert"]


def alert(id: str) -> bytes:
    message = {
        "schema": 1, "event_type": "no_mask", "id": id, "device": "porch", "time": utc_now(), "score": 0.9,
        "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
        "clock_synced": True, "model": "m@1", "snapshot": False,
    }  # fmt: skip
    return json.dumps(message).encode()


class Publisher:
    """Publishes by MQTT 3.1.1, which every broker here speaks."""

    def __init__(self, port: int, login: Login | None = None) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if login:
            self._client.username_pw_set(login.user, login.password)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(port: int, protocol: MQTTProtocolVersion, listener: Listener) -> Iterator[Listener]:
    settings = MqttConfig(host="127.0.0.1", port=port)
    one = Subscriber(settings, lambda text: None, protocol, listener, "maskwatch-phone-test")
    try:
        assert one.ready.wait(60)
        yield listener
    finally:
        one.close()


@pytest.fixture(params=["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "embedded, MQTT 3.1.1"])
def broker(request: pytest.FixtureRequest, mosquitto: Any) -> Iterator[tuple[int, MQTTProtocolVersion, Login | None]]:
    kind, _, version = request.param.partition(", ")
    if kind == "mosquitto":
        yield mosquitto().start().port, V5 if version == "MQTT 5" else V311, None
        return
    embedded = EmbeddedBroker(any_port()).start()
    yield embedded.port, V311, embedded.login
    embedded.close()


def test_alerts_that_pass_while_it_is_away_arrive_when_it_is_back(broker: Any) -> None:
    port, protocol, login = broker
    with closing(Publisher(port, login)) as client, listening(port, protocol, Listener()) as first:
        client.publish("maskwatch/porch/alert", alert("1"))
        until(lambda: first.alerts == ["1"])
    with closing(Publisher(port, login)) as client:
        for number in range(2, 30):
            client.publish("maskwatch/porch/alert", alert(str(number)))
        client.publish("maskwatch/porch/status", b"offline")
        client.publish("maskwatch/porch/test", b"")
    with listening(port, protocol, Listener()) as second:
        until(lambda: len(second.alerts) >= 28)
        assert second.alerts == [str(number) for number in range(2, 30)]
        assert second.events == [("alert", id) for id in second.alerts], "of the rest only what is true now"


def test_what_the_listener_has_not_taken_is_not_acknowledged(broker: Any) -> None:
    port, protocol, login = broker
    with closing(Publisher(port, login)) as client, listening(port, protocol, Listener(fails=True)) as first:
        client.publish("maskwatch/porch/alert", alert("1"))
        until(lambda: first.alerts)
    with listening(port, protocol, Listener()) as second:
        until(lambda: second.alerts == ["1"])
    with closing(Publisher(port, login)) as client, listening(port, protocol, Listener()) as third:
        client.publish("maskwatch/porch/alert", alert("2"))
        until(lambda: third.alerts)
        assert third.alerts == ["2"]


def test_lines_that_cannot_be_printed_keep_no_alert_back(mosquitto: Any) -> None:
    """Without an acknowledgement, a broker stops after 20 alerts."""
    port = mosquitto().start().port
    with open("/dev/full", "wb", buffering=0) as full, closing(Publisher(port)) as client:
        settings, listener = MqttConfig(host="127.0.0.1", port=port), Listener()
        with closing(Subscriber(settings, lambda text: full.write(text.encode()), V5, listener, "p")) as one:
            assert one.ready.wait(60)
            for number in range(30):
                client.publish("maskwatch/porch/alert", alert(str(number)))
            until(lambda: len(listener.alerts) == 30)


def test_it_hears_what_a_door_says_of_itself(mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    client = subscriber(broker.port)
    client.publish("maskwatch/porch/status", b"online", retain=True)
    client.publish("maskwatch/porch/health", b'{"schema":1,"camera":"lost"}', retain=True)
    client.publish("maskwatch/porch/test", b"", retain=True)
    with listening(broker.port, V5, Listener()) as listener:
        until(lambda: len(listener.events) == 2)
        assert sorted(listener.events) == [("camera", "porch", "lost"), ("status", "porch", "True")]
        listener.events.clear()
        for kind, payload in {
            "health": b"junk", "alert": b"junk", "snapshot": b"jpeg", "test": b"x", "status": b"",
        }.items():  # fmt: skip
            client.publish(f"maskwatch/porch/{kind}", payload)
        until(lambda: len(listener.events) == 3)
        assert listener.events == [("snapshot", "porch", "jpeg"), ("test", "porch"), ("status", "porch", "None")]
