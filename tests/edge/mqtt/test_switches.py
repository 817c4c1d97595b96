"""Outputs that are muted over MQTT: with a real broker and a real outbox."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import until

from edge.config.outputs import PinConfig, SoundConfig
from edge.config.schema import Config, MqttConfig
from edge.mqtt.announced import announcement
from edge.mqtt.homeassistant import discovery
from edge.mqtt.publisher import MqttPublisher

ROOT = "maskwatch/entrance"
DISCOVERY = "homeassistant/device/maskwatch_entrance/config"
LAMP = PinConfig(name="lamp", pin=17)
SIREN = SoundConfig(name="siren")


class Door:
    """A publisher with outputs, and what they were told."""

    def __init__(self, port: int, folder: Path, outputs: tuple[Any, ...]) -> None:
        self.told: list[Mapping[str, bool]] = []
        self.names = [output.name for output in outputs]
        self.mute = self.told.append
        self.publisher = MqttPublisher(
            MqttConfig(host="127.0.0.1", port=port),
            "entrance",
            folder / "outbox.db",
            discovery=discovery(Config(outputs=outputs), "m"),
            outputs=self if outputs else None,
        )


@pytest.fixture
def door(broker: Any, tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """Makes doors that share one outbox; each ends before the next begins."""
    made: list[Door] = []

    def make(*outputs: Any) -> Door:
        if made:
            assert made[-1].publisher.close()
        made.append(Door(broker.port, tmp_path, outputs))
        return made[-1]

    yield make
    made[-1].publisher.close(0.5)


def test_a_mute_is_confirmed_and_survives_a_restart(
    door: Callable[..., Door], broker: Any, subscriber: Any, caplog: pytest.LogCaptureFixture
) -> None:
    received = subscriber(broker.port)
    first = door(LAMP, SIREN)
    assert first.told == [{"lamp": False, "siren": False}], "known before anything can happen at the door"
    assert received.wait_for(f"{ROOT}/output/lamp/state") == received.wait_for(f"{ROOT}/output/siren/state") == [b"ON"]
    received.wait_for(f"{ROOT}/status")
    with caplog.at_level(logging.INFO):
        received.publish(f"{ROOT}/output/lamp/set", b"OFF")
        assert received.wait_for(f"{ROOT}/output/lamp/state", 2)[-1] == b"OFF"
        assert first.told[-1] == {"lamp": True, "siren": False} and first.publisher.enabled
        second = door(LAMP, SIREN)
        assert second.told == [{"lamp": True, "siren": False}]
        assert received.wait_for(f"{ROOT}/output/lamp/state", 3)[-1] == b"OFF"
        received.wait_for(f"{ROOT}/status", 3)
        received.publish(f"{ROOT}/output/lamp/set", b"ON")
        assert received.wait_for(f"{ROOT}/output/lamp/state", 4)[-1] == b"ON"
    assert second.told[-1] == {"lamp": False, "siren": False}
    log = [record.getMessage() for record in caplog.records]
    assert log.count("output lamp muted over MQTT") == log.count("output lamp works again, over MQTT") == 1
    assert log.count("output lamp is muted, until it is switched on by ON to output/lamp/set") == 1
    late = subscriber(broker.port)
    assert late.wait_for(f"{ROOT}/output/lamp/state") == [b"ON"], "the state is retained"


def test_a_command_that_repeats_a_state_is_confirmed_and_changes_nothing(
    door: Callable[..., Door], broker: Any, subscriber: Any
) -> None:
    received, first = subscriber(broker.port), door(LAMP)
    received.wait_for(f"{ROOT}/status")
    for _ in range(2):
        received.publish(f"{ROOT}/output/lamp/set", b"ON")
    assert received.wait_for(f"{ROOT}/output/lamp/state", 3) == [b"ON"] * 3
    assert len(first.told) == 1


def test_what_is_no_command_to_an_output_changes_nothing(
    door: Callable[..., Door], broker: Any, subscriber: Any, caplog: pytest.LogCaptureFixture
) -> None:
    received, first = subscriber(broker.port), door(LAMP)
    received.wait_for(f"{ROOT}/status")
    received.publish(f"{ROOT}/output/lmap/set", b"OFF")
    for payload in (b"off", b"", b"O" * 9000, b"\xff"):
        received.publish(f"{ROOT}/output/lamp/set", payload)
    received.publish(f"{ROOT}/enabled/set", b"OFF")  # is handled after them
    until(lambda: not first.publisher.enabled)
    assert first.told == [{"lamp": False}]
    (warning,) = [text for record in caplog.records if "ignored" in (text := record.getMessage())]
    assert (
        f"'{ROOT}/output/lmap/set' ignored: unknown command; this camera takes: enabled/set, output/lamp/set" in warning
    )


def test_a_command_that_the_broker_keeps_is_ignored_at_the_next_connection(
    door: Callable[..., Door], broker: Any, subscriber: Any
) -> None:
    received, first = subscriber(broker.port), door(LAMP)
    received.wait_for(f"{ROOT}/status")
    for payload, retain in ((b"OFF", True), (b"ON", False)):
        received.publish(f"{ROOT}/output/lamp/set", payload, retain=retain)
    until(lambda: len(first.told) == 3)
    second = door(LAMP)
    received.wait_for(f"{ROOT}/status", 3)
    received.publish(f"{ROOT}/enabled/set", b"OFF")
    until(lambda: not second.publisher.enabled)
    assert second.told == [{"lamp": False}]


def test_an_output_that_is_removed_loses_its_mute_and_its_switch(
    door: Callable[..., Door], broker: Any, subscriber: Any
) -> None:
    received = subscriber(broker.port)
    door(LAMP, SIREN)
    received.wait_for(f"{ROOT}/status")
    received.publish(f"{ROOT}/output/siren/set", b"OFF")
    received.wait_for(f"{ROOT}/output/siren/state", 2)
    for number in (3, 5):  # for good: Home Assistant may have been away at the first start
        door(LAMP)
        received.wait_for(f"{ROOT}/status", number)
        components = json.loads(received.on(DISCOVERY)[-1])["components"]
        assert components["output_siren"] == {"platform": "switch"}, "so Home Assistant removes the entity"
        assert components["output_lamp"]["name"] == "Output lamp"
    assert door(LAMP, SIREN).told == [{"lamp": False, "siren": False}], "it is another one, and works"
    received.wait_for(f"{ROOT}/status", 7)
    assert len(json.loads(received.on(DISCOVERY)[-1])["components"]["output_siren"]) > 1


def test_without_outputs_nothing_is_subscribed_to_or_told(
    door: Callable[..., Door], broker: Any, subscriber: Any
) -> None:
    received, first = subscriber(broker.port), door()
    received.wait_for(f"{ROOT}/status")
    assert first.told == [] and not [topic for topic, *_ in received.messages if "/output" in topic]
    assert "output" not in received.on(DISCOVERY)[0].decode()


def test_every_switch_of_an_output_is_announced_so_that_it_is_taken_back() -> None:
    states = {f"{ROOT}/output/lamp/state", f"{ROOT}/output/siren/state"}
    with_them = set(announcement(Config(outputs=(LAMP, SIREN)), discovery=True).topics)
    assert with_them - set(announcement(Config(), discovery=True).topics) == states
