"""Messages that were left at another broker, or that a broker does not delete: real brokers, and real processes."""

import os
import signal
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.announced import TOPICS, Camera, Retained, settled
from support.notified import Systemd

from edge.config.schema import MqttConfig
from edge.mqtt.announced import Announced, Announcement


def test_the_old_broker_is_cleared_when_it_can_be_reached(camera: Camera, mosquitto: Any, retained: Retained) -> None:
    old, new = mosquitto().start(), mosquitto().start()
    camera.start(old)
    settled(retained, old, TOPICS)
    camera.stop()
    camera.start(new)
    settled(retained, new, TOPICS)
    settled(retained, old, set(), camera.process)
    camera.stop()
    assert [entry["broker"]["port"] for entry in camera.memory] == [new.port]


def test_another_name_of_the_same_broker_is_the_same_broker(camera: Camera, broker: Any, retained: Retained) -> None:
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    process = camera.run("run", "--source", "demo", "--realtime", "--broker", f"localhost:{broker.port}")
    until(lambda: [entry["broker"]["host"] for entry in camera.memory] == ["localhost"], "the new name", 60)
    settled(retained, broker, TOPICS, process)
    assert retained(broker)["maskwatch/entrance/status"] == b"online"
    assert '"problem":null' in retained(broker)["maskwatch/entrance/health"].decode()
    assert "removed from the broker" not in process.err and "broker lost" not in process.err
    assert process.end(15) == 0


def test_a_broker_that_refuses_is_named(camera: Camera, mosquitto: Any, tmp_path: Path, retained: Retained) -> None:
    (tmp_path / "acl").write_text("topic readwrite #\n")
    broker = mosquitto(f"allow_anonymous true\nuser root\nacl_file {tmp_path / 'acl'}").start()
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    (tmp_path / "acl").write_text("topic read #\ntopic readwrite maskwatch/front/#\ntopic write end\n")
    os.kill(broker.pid, signal.SIGHUP)
    time.sleep(0.5)
    done = camera.run("forget", "--broker", broker.address)
    assert done.end() == 1 and "keeps maskwatch/entrance/status: Not authorized" in done.err, done.err
    assert camera.memory, "it is tried again the next time"
    camera.start(broker, '[device]\nname = "front"\n')
    assert camera.process is not None
    camera.process.wait_for("the broker keeps earlier messages on ")
    health = camera.folder / "kept" / "health.json"
    until(lambda: "maskwatch/entrance/status (Not authorized)" in health.read_text(), "the reason in health")
    camera.stop()


@pytest.mark.parametrize(
    ("host", "user", "given"), [("localhost", "door", False), ("127.0.0.1", "door", True), ("127.0.0.1", "", False)]
)
def test_the_service_s_password_is_given_to_an_earlier_broker_on_the_same_host_only(
    maskwatch: Any, tmp_path: Path, broker: Any, host: str, user: str, given: bool
) -> None:
    """A socket stands for the earlier broker; it sees everything that is sent."""
    (tmp_path / "mqtt-password").write_text("canary")
    (tmp_path / "mqtt-password").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as earlier:
        earlier.settimeout(30)
        settings = MqttConfig(host=host, port=earlier.getsockname()[1], user=user)
        Announced(tmp_path / "announced.json").add(Announcement(settings, "entrance", ("maskwatch/entrance/status",)))
        process = maskwatch(
            *("run", "--source", "demo", "--realtime", "--broker", f"mqtt://door@{broker.address}"),
            env={"STATE_DIRECTORY": str(tmp_path), "CREDENTIALS_DIRECTORY": str(tmp_path)},
        )
        connection, _ = earlier.accept()
        with connection:
            connection.settimeout(30)
            assert (b"canary" in connection.recv(4096)) is given
    assert process.end(15) == 0


def test_a_broker_that_is_no_longer_configured_is_cleared(
    camera: Camera, broker: Any, retained: Retained, maskwatch: Any
) -> None:
    """A service without a broker has an embedded one."""
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    with closing(Systemd(str(camera.folder / "notify"))) as systemd:
        process = maskwatch(
            *("run", "--source", "demo", "--realtime", "--config", camera.file), env={"NOTIFY_SOCKET": systemd.address}
        )
        settled(retained, broker, set(), process)
        assert process.end(15) == 0
    until(lambda: camera.memory == [], "nothing is remembered")
