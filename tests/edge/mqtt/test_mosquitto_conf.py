"""The reference configuration of mosquitto: TLS, passwords, access rights, and messages that survive a restart."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from support import ROOT, until

from edge.config.schema import MqttConfig
from edge.mqtt.messages import AlertMessage, utc_now, uuid7
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

SYSTEMD = ROOT / "systemd"


@pytest.fixture
def broker(mosquitto: Any, tmp_path: Path) -> Any:
    """A mosquitto with the reference files, in which only paths and the port are replaced."""
    made = mosquitto()
    openssl = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    keys = ["-keyout", str(tmp_path / "server.key"), "-out", str(tmp_path / "server.crt")]
    subprocess.run([*openssl.split(), *keys], check=True, capture_output=True, timeout=60)
    for number, user in enumerate(("entrance", "homeassistant", "cellar")):
        create = ["-c"] if number == 0 else []
        passwords = str(tmp_path / "maskwatch.passwords")
        subprocess.run(["mosquitto_passwd", "-b", *create, passwords, user, f"{user}-secret"], check=True, timeout=60)
    (tmp_path / "maskwatch.acl").write_text((SYSTEMD / "mosquitto.acl").read_text())
    text = (SYSTEMD / "mosquitto.conf").read_text()
    for old, new in (
        ("/etc/mosquitto/certs/", f"{tmp_path}/"),
        ("/etc/mosquitto/", f"{tmp_path}/"),
        ("/var/lib/mosquitto/", f"{tmp_path}/"),
        ("listener 8883", f"listener {made.port} 127.0.0.1"),
    ):
        assert old in text
        text = text.replace(old, new)
    made.configure(f"{text}\nuser root\n")
    return made.start()


class Lamp:
    """The outputs of a camera: one. ``muted`` is what it was told."""

    names = ("lamp",)

    def __init__(self) -> None:
        self.muted: list[bool] = []

    def mute(self, muted: Mapping[str, bool]) -> None:
        self.muted.append(muted["lamp"])


def publisher(
    broker: Any, user: str, folder: Path, device: str = "entrance", outputs: Lamp | None = None
) -> MqttPublisher:
    secret = folder / f"{user}.password"
    secret.write_text(f"{user}-secret\n")
    secret.chmod(0o600)
    settings = MqttConfig(
        host="localhost", port=broker.port, user=user, password_file=str(secret), tls=True,
        ca_file=str(folder / "server.crt"),
    )  # fmt: skip
    outbox = folder / f"state-{user}" / "outbox.db"
    return MqttPublisher(settings, device, outbox, outputs=outputs)


def alert() -> AlertMessage:
    return AlertMessage(
        "no_mask", str(uuid7()), "entrance", utc_now(), 0.9, 5, 0.4, "a-1", (0, 0, 9, 9), (640, 480), True, "m"
    )


class Listener:
    """A subscriber with a persistent session, as Home Assistant has: it also receives earlier messages."""

    def __init__(self, broker: Any, folder: Path) -> None:
        self.payloads: list[bytes] = []
        self.subscribed = False
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 3600
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "listener", protocol=paho.MQTTv5)
        self._client.username_pw_set("homeassistant", "homeassistant-secret")
        self._client.tls_set(str(folder / "server.crt"))
        self._client.on_connect = lambda client, *_: client.subscribe("maskwatch/+/alert", 1)
        self._client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self._client.on_message = lambda c, u, m: self.payloads.append(m.payload)
        self._client.connect("localhost", broker.port, clean_start=False, properties=session)
        self._client.loop_start()

    @property
    def ids(self) -> list[str]:
        return [json.loads(payload)["id"] for payload in self.payloads]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_acknowledged_alerts_survive_a_restart_of_the_broker(broker: Any, tmp_path: Path) -> None:
    first = Listener(broker, tmp_path)
    until(lambda: first.subscribed, "the subscription", timeout=40)
    first.close()
    door, alerts = publisher(broker, "entrance", tmp_path), [alert() for _ in range(50)]
    for one in alerts:
        door.publish(one)
    time.sleep(1)
    until(lambda: door.waiting == 0, "the acknowledgements", timeout=40)
    broker.stop()
    broker.start()
    second = Listener(broker, tmp_path)
    until(lambda: len(second.payloads) >= 50, "50 alerts", timeout=40)
    assert second.ids == [one.id for one in alerts]
    second.close()
    assert door.close()


def test_a_camera_cannot_publish_on_another_camera_s_topics(broker: Any, tmp_path: Path) -> None:
    door = publisher(broker, "cellar", tmp_path, device="entrance")
    door.publish(alert())
    outbox = tmp_path / "state-cellar" / "outbox.db"
    until(lambda: outbox.exists() and len(peek(outbox)[1]) == 1, "a dead letter", timeout=40)
    assert "Not authorized" in peek(outbox)[1][0][1]
    assert door.close()


def test_home_assistant_may_mute_an_output_and_another_camera_may_not(broker: Any, tmp_path: Path) -> None:
    lamp = Lamp()
    door = publisher(broker, "entrance", tmp_path, outputs=lamp)

    def ask(program: str, user: str, *words: str) -> str:
        login = ["-u", user, "-P", f"{user}-secret", "--cafile", str(tmp_path / "server.crt")]
        command = [program, "-h", "localhost", "-p", str(broker.port), *login, "-q", "1", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    online = ask("mosquitto_sub", "homeassistant", "-t", "maskwatch/entrance/status", "-C", "1", "-W", "40")
    assert online == "online\n", "from now on the camera takes commands"
    for user, word in (("cellar", "OFF"), ("homeassistant", "OFF"), ("homeassistant", "ON")):
        ask("mosquitto_pub", user, "-t", "maskwatch/entrance/output/lamp/set", "-m", word)
    until(lambda: len(lamp.muted) == 3, "both commands", timeout=40)
    assert lamp.muted == [False, True, False], "nothing of the other camera"
    assert door.close()
