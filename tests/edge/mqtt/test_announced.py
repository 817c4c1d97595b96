"""What a camera has announced is taken back when it is no longer announced: real brokers, and real processes."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.announced import HOME_ASSISTANT, KEEPING, TOPICS, Camera, Retained, settled

from edge.config.schema import MqttConfig
from edge.mqtt.announced import Announced, Announcement


def test_everything_that_a_broker_keeps_is_remembered(camera: Camera, broker: Any, retained: Retained) -> None:
    camera.start(broker)
    settled(retained, broker, TOPICS)
    (entry,) = camera.memory
    assert camera.topics == TOPICS and entry["device"] == "entrance"
    assert (camera.folder / "kept" / "announced.json").stat().st_mode & 0o077 == 0
    camera.stop()


def test_it_is_remembered_before_it_is_published(camera: Camera, broker: Any, mosquitto: Any) -> None:
    """No broker is there yet; the camera is killed, as by a power cut, before it has published anything."""
    broker.kill()
    camera.start(broker)
    until(lambda: camera.memory, "the memory")
    assert camera.process is not None
    camera.process.popen.kill()
    assert camera.topics == TOPICS


CHANGES = {
    "another name": ('[device]\nname = "front"\n', ("entrance", "front"), ()),
    "another prefix": ('[mqtt]\nprefix = "doors"\n', ("maskwatch/", "doors/"), ("maskwatch_", "maskwatch_doors_")),
    "another discovery prefix": ('[homeassistant]\nprefix = "hass"\n', ("homeassistant/", "hass/"), ()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_the_broker_keeps_only_the_new_messages(
    camera: Camera, broker: Any, retained: Retained, change: str
) -> None:
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    text, names, ids = CHANGES[change]
    expected = {topic.replace(*names) for topic in TOPICS}
    expected = {topic.replace(*ids) for topic in expected} if ids else expected
    camera.start(broker, text)
    settled(retained, broker, expected, camera.process)
    until(lambda: camera.topics == expected, "the new memory")
    camera.stop()


def test_another_name_in_the_same_file_is_the_same_camera(
    maskwatch: Any, tmp_path: Path, broker: Any, retained: Retained
) -> None:
    """The default state folder has the name of the camera; another file, or ``--device``, means another camera."""
    run = ("run", "--source", "demo", "--realtime", "--broker", broker.address, "--config", tmp_path / "door.toml")
    front, side = ({topic.replace("entrance", name) for topic in TOPICS} for name in ("front", "side"))
    for text, options, expected in (
        ("", (), TOPICS),
        ('[device]\nname = "front"\n', (), front),
        ('[device]\nname = "front"\n', ("--device", "side"), front | side),
        ("", (), TOPICS | side),
    ):
        (tmp_path / "door.toml").write_text(text)
        process = maskwatch(*run, *options)
        settled(retained, broker, expected, process)
        assert process.end(15) == 0


def test_discovery_that_is_switched_off_is_taken_back(camera: Camera, broker: Any, retained: Retained) -> None:
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    camera.start(broker, "[homeassistant]\ndiscovery = false\n")
    settled(retained, broker, TOPICS - {HOME_ASSISTANT}, camera.process)
    assert retained(broker)["maskwatch/entrance/status"] == b"online", "the camera itself goes on"
    camera.stop()


def test_snapshots_that_are_switched_off_leave_no_entity(camera: Camera, broker: Any, retained: Retained) -> None:
    camera.start(broker, '[snapshots]\nmode = "blurred"\n')
    settled(retained, broker, TOPICS)
    assert "image_topic" in json.loads(retained(broker)[HOME_ASSISTANT])["components"]["snapshot"]
    camera.stop()
    camera.start(broker)
    settled(retained, broker, TOPICS)
    kept = lambda: json.loads(retained(broker)[HOME_ASSISTANT])["components"]["snapshot"]  # noqa: E731
    until(lambda: kept() == {"platform": "image"}, "the platform alone, which removes the entity", pause=0.5)
    camera.stop()


def test_an_output_that_is_renamed_or_removed_is_taken_back(camera: Camera, broker: Any, retained: Retained) -> None:
    output = '[outputs.{}]\ndriver = "command"\nprogram = ["/bin/true"]\n'
    for name in ("old", "new", None):
        camera.start(broker, output.format(name) if name else "")
        settled(retained, broker, TOPICS | ({f"maskwatch/entrance/output/{name}/state"} if name else set()))
        components = json.loads(retained(broker)[HOME_ASSISTANT])["components"]
        switches = {key: len(entity) > 1 for key, entity in components.items() if key.startswith("output_")}
        assert switches == {"output_old": name == "old"} | ({} if name == "old" else {"output_new": name == "new"})
        camera.stop()


def test_a_change_while_the_broker_was_away_is_made_up_for(camera: Camera, mosquitto: Any, retained: Retained) -> None:
    broker = mosquitto(KEEPING.format(camera.folder)).start()
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    broker.stop()
    camera.start(broker, '[device]\nname = "front"\n')
    assert camera.process is not None
    camera.process.wait_for("cannot reach the broker")
    broker.start()
    settled(retained, broker, {topic.replace("entrance", "front") for topic in TOPICS}, camera.process)
    camera.stop()


def test_the_messages_of_another_camera_are_never_taken_back(
    maskwatch: Any, tmp_path: Path, broker: Any, subscriber: Any, retained: Retained
) -> None:
    """The two cameras have exchanged their names while both were stopped."""
    first, second = (Camera(maskwatch, tmp_path / name) for name in ("1", "2"))
    for camera in (first, second):
        camera.folder.mkdir()
    front = {topic.replace("entrance", "front") for topic in TOPICS}
    first.start(broker)
    second.start(broker, '[device]\nname = "front"\n')
    settled(retained, broker, TOPICS | front)
    first.stop()
    second.stop()
    second.start(broker)
    settled(retained, broker, TOPICS, second.process)
    first.start(broker, '[device]\nname = "front"\n')
    received = subscriber(broker.port)
    settled(retained, broker, TOPICS | front, first.process)
    until(lambda: len(first.memory) == 1, "the other camera's messages are none of its business")
    assert not [topic for topic, payload, _ in received.messages if topic in TOPICS and not payload]
    first.stop()
    second.stop()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"announced": [{}]}', '{"announced": [{"broker": 1}]}', "\udcff"])
def test_a_damaged_memory_is_replaced(camera: Camera, broker: Any, text: str, caplog: Any) -> None:
    file = camera.folder / "announced.json"
    file.write_text(text, errors="surrogateescape")
    memory = Announced(file)
    assert memory.all == [] and "cannot be read" in caplog.text
    entry = Announcement(MqttConfig(host="a"), "entrance", ("x", "y"))
    memory.add(entry)
    assert Announced(file).all == [entry]
    memory.remove(entry.only(["x"]))
    assert Announced(file).all == [entry.only(["y"])]


def test_a_memory_that_cannot_be_written_changes_nothing_else(camera: Camera, broker: Any, retained: Retained) -> None:
    (camera.folder / "kept" / "announced.json").mkdir(parents=True)
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    assert camera.process is not None and "cannot be written" in camera.process.err
