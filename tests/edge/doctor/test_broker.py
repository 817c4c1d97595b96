"""What ``maskwatch doctor`` says about a broker: it connects as the service does, and publishes nothing."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import with_rights
from support.strict_broker import CONNECT, Packet, StrictBroker, refuse_connection

from edge.config.outputs import PinConfig
from edge.config.schema import Config, DeviceConfig, MqttConfig, SnapshotsConfig, StateConfig
from edge.doctor.broker import check_broker
from edge.errors import BrokerError
from edge.monitor.state import state_files

ROOT = "maskwatch/entrance"
ENDS = ("disconnected", "closed its connection")
"""How mosquitto's log goes on where a client has gone."""


def config(port: int, folder: Path) -> Config:
    return Config(
        mqtt=MqttConfig(host="127.0.0.1", port=port),
        device=DeviceConfig(name="entrance"),
        state=StateConfig(folder=str(folder)),
        snapshots=SnapshotsConfig(mode="blurred"),
        outputs=(PinConfig(name="lamp", pin=17),),
    )


def check(port: int, folder: Path) -> tuple[str, str]:
    wanted = config(port, folder)
    return check_broker(wanted, state_files(wanted))


def test_every_topic_that_the_broker_refuses_is_named_and_nothing_is_published(
    mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    refused = [f"{ROOT}/{name}" for name in ("alert", "state", "health", "status", "stats", "snapshot")]
    refused += [f"{ROOT}/enabled/state", f"{ROOT}/output/lamp/state", "homeassistant/device/maskwatch_entrance/config"]
    broker = mosquitto("allow_anonymous true").start()
    received = subscriber(broker.port)
    assert check(broker.port, tmp_path) == ("ok", f"127.0.0.1:{broker.port} accepts the login")
    received.publish("end", b"")
    received.wait_for("end")
    assert [topic for topic, _, _ in received.messages] == ["end"]
    commands = [f"{ROOT}/enabled/set", f"{ROOT}/output/+/set"]
    strict = mosquitto(with_rights(tmp_path, publish=refused, subscribe=commands)).start()
    state, text = check(strict.port, tmp_path)
    assert state == "FAIL" and all(f"the subscription to {topic} (Not authorized)" in text for topic in commands)
    assert all(f"it refuses {topic} (Not authorized)" in text for topic in refused)


def test_the_will_that_a_broker_refuses_is_named(mosquitto: Any, tmp_path: Path) -> None:
    broker = mosquitto("allow_anonymous true\nretain_available false").start()
    state, text = check(broker.port, tmp_path)
    assert state == "warn" and f"refuses the last will on {ROOT}/status as a retained message" in text
    assert "keeps no retained messages" in text and "password" not in text


@pytest.mark.parametrize("answer", [135, 155, None], ids=str)
def test_a_will_that_is_refused_is_named_whatever_the_reason(
    answer: int | None, mosquitto: Any, tmp_path: Path
) -> None:
    def rule(packet: Packet) -> bytes | bool:
        if packet.kind != CONNECT or not packet.will:
            return False
        return True if answer is None else refuse_connection(packet, answer)

    broker = StrictBroker(mosquitto().start().port, rule)
    state, text = check(broker.port, tmp_path)
    assert state == "warn" and f"the broker refuses the last will on {ROOT}/status (" in text and "user" not in text
    broker.close()


def test_a_login_that_is_refused_is_told_from_a_will_that_is(mosquitto: Any, tmp_path: Path) -> None:
    broker = StrictBroker(
        mosquitto().start().port, lambda packet: refuse_connection(packet, 135) if packet.kind == CONNECT else False
    )
    with pytest.raises(BrokerError, match="refuses the connection: Not authorized; check .* user and password_file"):
        check(broker.port, tmp_path)
    broker.close()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_retained_when_the_command_is_ended(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path, by: signal.Signals
) -> None:
    """Its last will would stay at the broker, also of a camera that is forgotten."""
    real = mosquitto().start()
    received = subscriber(real.port)
    doctor = maskwatch("doctor", "--source", "demo", "--broker", real.address)
    doctor.wait_for("doctor connected")
    assert doctor.end(by) == 1 and "Traceback" not in doctor.out + doctor.err
    log = tmp_path / "broker0" / "mosquitto.log"
    until(lambda: any(f"Client maskwatch-entrance {end}" in log.read_text() for end in ENDS), log.read_text)
    assert received.messages == []


def test_a_running_service_stays_connected_and_online(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    """Also if the broker hangs up on the check, and then publishes its last will."""
    real = mosquitto().start()
    received = subscriber(real.port)
    broker = StrictBroker(real.port, lambda packet: False)
    address = f"127.0.0.1:{broker.port}"
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", address)
    received.wait_for(f"{ROOT}/status")
    ends = "the subscription to maskwatch/entrance/enabled/set (the broker closes the connection)"
    broker.rule = lambda packet: packet.kind not in (CONNECT, 12) and packet.number < 3  # not a ping
    doctor = maskwatch("doctor", "--source", "demo", "--broker", address)
    doctor.end()
    assert ends in doctor.out
    until(lambda: len(received.on(f"{ROOT}/status")) >= 2, "the will of the check")
    assert set(received.on(f"{ROOT}/status")) == {b"online"} and broker.connections == 2
    assert json.loads(received.wait_for(f"{ROOT}/health")[-1])["problem"] is None
    assert run.end(signal.SIGTERM) == 0
