"""``maskwatch forget`` deletes everything that a camera has left at brokers: real brokers, and real processes."""

import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from support.announced import HOME_ASSISTANT, KEEPING, TOPICS, Camera, Retained, settled


def test_forget_clears_an_old_broker_later(camera: Camera, mosquitto: Any, retained: Retained) -> None:
    old, new = mosquitto(KEEPING.format(camera.folder)).start(), mosquitto().start()
    camera.start(old)
    settled(retained, old, TOPICS)
    camera.stop()
    old.stop()
    camera.start(new)
    settled(retained, new, TOPICS)
    assert camera.process is not None
    camera.process.wait_for(f"earlier messages stay at the broker {old.address}")
    camera.stop()
    left = camera.run("forget", "--broker", new.address)
    assert left.end() == 1 and f"{old.address} cannot be reached" in left.err and "Traceback" not in left.err
    for topic in TOPICS:
        assert f"  mosquitto_pub -h 127.0.0.1 -p {old.port} -r -n -t {topic}\n" in left.err
    assert retained(new) == {}
    old.start()
    done = camera.run("forget")
    assert done.end() == 0 and f"from {old.address}; cleared: {HOME_ASSISTANT}" in done.out, done.err
    assert retained(old) == {} and camera.memory == []


def test_forget_clears_every_name_that_the_camera_had(camera: Camera, broker: Any, retained: Retained) -> None:
    """The camera was renamed and has not run since."""
    camera.start(broker)
    settled(retained, broker, TOPICS)
    camera.stop()
    camera.file.write_text(camera.file.read_text() + '[device]\nname = "front"\n')
    done = camera.run("forget", "--broker", broker.address)
    assert done.end() == 0 and "'entrance'" in done.out and "'front'" in done.out
    assert retained(broker) == {} and camera.memory == []


def test_forget_of_another_name_leaves_the_present_one(camera: Camera, broker: Any, retained: Retained) -> None:
    camera.start(broker, '[device]\nname = "front"\n')
    front = {topic.replace("entrance", "front") for topic in TOPICS}
    settled(retained, broker, front)
    done = camera.run("forget", "--device", "entrance", "--broker", broker.address)
    assert done.end() == 0 and "'front'" not in done.out, done.err
    settled(retained, broker, front)
    refused = camera.run("forget", "--broker", broker.address)
    assert refused.end() == 2 and "front is running" in refused.err
    camera.file.write_text(camera.file.read_text().replace('"front"', '"back"'))  # not yet restarted
    refused = camera.run("forget", "--broker", broker.address)
    assert refused.end() == 2 and "front is running" in refused.err
    camera.stop()


def test_a_last_will_that_the_broker_still_holds_does_not_return(
    camera: Camera, broker: Any, retained: Retained
) -> None:
    """The connection was cut by the network: the broker would publish the will only after the keepalive."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "maskwatch-entrance", protocol=paho.MQTTv5)
    client.will_set("maskwatch/entrance/status", b"offline", 1, True)
    client.connect("127.0.0.1", broker.port, keepalive=3600)
    client.loop_start()
    client.publish("maskwatch/entrance/status", b"online", 1, True).wait_for_publish(20)
    client.loop_stop()
    camera.file.write_text("")
    assert camera.run("forget", "--broker", broker.address).end() == 0
    connection = client.socket()
    assert connection is not None
    connection.close()
    time.sleep(0.5)
    assert retained(broker) == {}


def test_forget_clears_what_others_have_left_below_its_topics_too(
    camera: Camera, broker: Any, subscriber: Any, retained: Retained
) -> None:
    """Another version's topic, and a retained command. The other camera's name begins with this one's."""
    other = "maskwatch/entrance-2/status"
    sender = subscriber(broker.port)
    for topic in (other, "maskwatch/entrance/enabled/set", "maskwatch/entrance/counts/2026-11-26"):
        sender.publish(topic, b"ON", retain=True)
    camera.file.write_text("")
    done = camera.run("forget", "--broker", broker.address)
    assert done.end() == 0 and "maskwatch/entrance/enabled/set" in done.out, done.err
    assert set(retained(broker)) == {other}


def test_forget_knows_the_earlier_name_in_the_same_file(
    maskwatch: Any, tmp_path: Path, broker: Any, retained: Retained
) -> None:
    """With the default state folder, which has the name of the camera; the camera has not run under its new name."""
    file = tmp_path / "door.toml"
    file.write_text("")
    process = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address, "--config", file)
    settled(retained, broker, TOPICS)
    assert process.end(15) == 0
    file.write_text('[device]\nname = "front"\n')
    done = maskwatch("forget", "--broker", broker.address, "--config", file)
    assert done.end() == 0 and "removed device 'entrance'" in done.out, done.err
    assert retained(broker) == {}
