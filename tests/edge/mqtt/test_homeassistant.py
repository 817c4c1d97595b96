"""Home Assistant's discovery over a real broker; tests/homeassistant has a real Home Assistant read it."""

import json
from pathlib import Path
from typing import Any

from support.processes import Process

from edge.config.schema import Config, DeviceConfig, HomeAssistantConfig, MqttConfig, SnapshotsConfig
from edge.mqtt import homeassistant as discovery
from edge.mqtt.announced import announcement
from edge.mqtt.topics import Topics

TOPIC = "homeassistant/device/maskwatch_entrance/config"
KEYS = {
    "event": {"state_topic", "event_types"},
    "binary_sensor": {"state_topic", "value_template"},
    "sensor": {"state_topic", "value_template"},
    "switch": {"command_topic", "state_topic"},
    "image": {"image_topic", "content_type"},
}
"""The keys that Home Assistant's documentation requires for each platform."""


def discovered(config: Config) -> dict[str, Any]:
    """The discovery message."""
    loaded: dict[str, Any] = json.loads(discovery.message(config, "mask@1a2b3c4d"))
    return loaded


def test_every_entity_is_complete_and_unique() -> None:
    message = discovered(Config(snapshots=SnapshotsConfig(mode="blurred")))
    assert message["availability_topic"] == "maskwatch/entrance/status"
    assert message["device"]["identifiers"] == ["maskwatch_entrance"] and "name" in message["origin"]
    entities = message["components"].values()
    for entity in entities:
        assert KEYS[entity["platform"]] | {"unique_id", "default_entity_id", "name"} <= entity.keys()
        assert entity["default_entity_id"].startswith(entity["platform"] + ".") and "object_id" not in entity
    assert len({entity["unique_id"] for entity in entities}) == len(entities)
    assert {entity["platform"] for entity in entities} == set(KEYS)


def test_the_message_names_only_topics_of_the_camera() -> None:
    topics = Topics("doors", "back-door")
    message = discovered(Config(device=DeviceConfig(name="back-door"), mqtt=MqttConfig(prefix="doors")))
    named = {value for entity in message["components"].values() for key, value in entity.items() if "topic" in key}
    assert named <= {
        topics.alert, topics.state, topics.health, topics.stats, topics.enabled_set, topics.enabled_state
    }  # fmt: skip
    assert message["device"]["name"] == "Back door"
    ids = [entity["default_entity_id"] for entity in message["components"].values() if len(entity) > 1]
    assert len(ids) > 10 and all("-" not in name for name in ids)


def test_the_snapshot_and_the_link_are_offered_only_if_configured() -> None:
    assert discovered(Config())["components"]["snapshot"] == {"platform": "image"}, "this removes an earlier entity"
    assert "configuration_url" not in discovered(Config())["device"]
    page = HomeAssistantConfig(page="http://10.0.0.7:8080/")
    assert discovered(Config(homeassistant=page))["device"]["configuration_url"] == "http://10.0.0.7:8080/"


def test_another_prefix_is_another_device() -> None:
    hall = Config(mqtt=MqttConfig(prefix="hall"))
    assert discovery.topic(Config()) == TOPIC
    assert discovery.topic(hall) == "homeassistant/device/maskwatch_hall_entrance/config"


def watching(maskwatch: Any, broker: Any, *options: str) -> Process:
    started: Process = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address, *options)
    return started


def test_the_message_is_published_before_the_states_and_again_when_home_assistant_starts(
    maskwatch: Any, broker: Any, subscriber: Any
) -> None:
    received = subscriber(broker.port)
    watching(maskwatch, broker)
    received.wait_for("maskwatch/entrance/status")
    order = [topic for topic, _, _ in received.messages if topic == TOPIC or topic.startswith("maskwatch/entrance/")]
    assert order[0] == TOPIC and order.index(TOPIC) < order.index("maskwatch/entrance/enabled/state")
    assert json.loads(received.on(TOPIC)[0])["device"]["name"] == "Entrance"
    received.wait_for("maskwatch/entrance/health")
    count = len(received.on("maskwatch/entrance/health"))
    received.publish("homeassistant/status", b"offline")
    received.publish("homeassistant/status", b"online")
    received.wait_for(TOPIC, 2)
    received.wait_for("maskwatch/entrance/health", count + 1)
    assert received.wait_for("maskwatch/entrance/status", 2)[-1] == b"online"
    later = subscriber(broker.port)
    assert later.wait_for(TOPIC), "the message is retained"


def test_discovery_can_be_switched_off(maskwatch: Any, broker: Any, subscriber: Any, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[homeassistant]\ndiscovery = false\n")
    received = subscriber(broker.port)
    watching(maskwatch, broker, "--config", str(tmp_path / "c.toml"))
    received.wait_for("maskwatch/entrance/health")
    assert not received.on(TOPIC)


def test_forget_removes_every_retained_message(maskwatch: Any, broker: Any, subscriber: Any) -> None:
    received = subscriber(broker.port)
    process = watching(maskwatch, broker)
    received.wait_for("maskwatch/entrance/state")
    refused = maskwatch("forget", "--broker", broker.address)
    assert refused.end() == 2 and "stop it first" in refused.err
    elsewhere = maskwatch("forget", "--broker", broker.address, env={"STATE_DIRECTORY": "/nonexistent"})
    assert elsewhere.end() == 2 and "stop it first" in elsewhere.err
    assert process.end(15) == 0
    done = maskwatch("forget", "--broker", broker.address)
    assert done.end() == 0 and TOPIC in done.out
    later = subscriber(broker.port)
    later.publish("end", b"")
    later.wait_for("end")
    assert [topic for topic, _, retained in later.messages if retained] == []
    assert set(announcement(Config(), discovery=True).topics) == {
        topic for topic, payload, _ in received.messages if payload == b"" and "/counts/" not in topic
    } - {"end"}


def test_forget_reports_a_missing_or_unreachable_broker(maskwatch: Any) -> None:
    without = maskwatch("forget")
    assert without.end() == 2 and "--broker HOST" in without.err
    absent = maskwatch("forget", "--broker", "127.0.0.1:1")
    assert absent.end() == 1 and "127.0.0.1:1 cannot be reached" in absent.err and "Traceback" not in absent.err
