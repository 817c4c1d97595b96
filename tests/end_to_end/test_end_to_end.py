"""The product as a user runs it: real processes, the bundled clip, a real mosquitto."""

import json
import signal
import socket
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from support.notified import Systemd
from support.processes import after

EXPECTED = [  # who comes bare, from tests/door.json: (earliest, latest second of the clip, person)
    (0.67, 5.33, "Grace Hopper"),
    (12.33, 16.87, "Grace Hopper, mirrored"),
    (18.33, 22.33, "Eileen Collins"),
    (25.33, 28.4, "Eileen Collins, mask off again"),
]
STABLE = ("event_type", "device", "score", "frames", "seen_s", "box", "frame_size", "model", "snapshot")


def stable(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must not depend on speed or moment: all but id, time and the run's random track name."""
    return [{key: alert[key] for key in STABLE} | {"track": alert["track"].split("-")[1]} for alert in alerts]


def received(payloads: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in payloads]


def test_the_clip_gives_one_alert_per_bare_person_and_episode(maskwatch: Any, truth: dict[str, Any]) -> None:
    run = maskwatch("run", "--source", "demo", "--print")
    assert run.end() == 0
    assert len(run.alerts) == truth["alerts"] == len(EXPECTED)
    for alert, (first, last, who) in zip(run.alerts, EXPECTED, strict=True):
        assert alert["event_type"] == "no_mask", who
        assert 0 <= alert["seen_s"] <= last - first or "again" in who


def test_alerts_arrive_through_mosquitto_as_printed(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--print", "--broker", broker.address)
    assert run.end() == 0
    payloads = heard.wait_for("maskwatch/entrance/alert", 4)
    assert received(payloads) == run.alerts
    assert heard.wait_for("maskwatch/entrance/status", 2) == [b"online", b"offline"]
    health = json.loads(heard.on("maskwatch/entrance/health")[0])
    assert health["camera"] == "ok" and health["problem"] is None
    states = received(heard.on("maskwatch/entrance/state"))
    assert any(state["no_mask"] == "ON" and state["people"] >= 1 for state in states)


def test_the_same_alerts_at_another_speed(maskwatch: Any) -> None:
    fast, slow = (
        maskwatch("run", "--source", "demo", "--print"),
        maskwatch("run", "--source", "demo", "--print", "--realtime"),
    )
    assert fast.end() == slow.end() == 0
    assert stable(fast.alerts) == stable(slow.alerts)
    assert not {alert["id"] for alert in fast.alerts} & {alert["id"] for alert in slow.alerts}


def test_without_a_broker_the_embedded_one_shows_alerts_arriving(maskwatch: Any) -> None:
    pytest.importorskip("amqtt", reason="needs the broker extra (amqtt)")
    run = maskwatch("run", "--source", "demo")
    assert run.end() == 0
    assert run.out.count("NO MASK") == 4
    assert "is online" in run.out


def test_without_a_broker_to_embed_it_says_what_to_install(maskwatch: Any) -> None:
    run = maskwatch("run", "--source", "demo", program=after("sys.modules['amqtt'] = None"))
    assert run.end() == 2 and "pip install amqtt" in run.err and "Traceback" not in run.err


def test_a_service_says_that_another_broker_is_where_its_own_would_be(maskwatch: Any, tmp_path: Path) -> None:
    pytest.importorskip("amqtt", reason="needs the broker extra (amqtt)")
    with socket.socket() as other, closing(Systemd(str(tmp_path / "notify"))) as systemd:
        with suppress(OSError):  # it is another's already
            other.bind(("127.0.0.1", 1883))
            other.listen()
        run = maskwatch("run", "--source", "demo", "--realtime", env={"NOTIFY_SOCKET": systemd.address})
        run.wait_for("port 1883 is another broker's")
        told = maskwatch("doctor")
        assert told.end() == 1 and "maskwatch set --broker 127.0.0.1" in told.out, told.out
        assert run.end(signal.SIGTERM) == 0


def test_watch_prints_what_arrives(maskwatch: Any, mosquitto: Any) -> None:
    broker = mosquitto().start()
    watch = maskwatch("watch", "--broker", broker.address)
    watch.wait_for("connected to the broker")
    assert maskwatch("run", "--source", "demo", "--broker", broker.address).end() == 0
    watch.wait_for("is offline")
    assert watch.out.count("NO MASK") == 4
    assert watch.end(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_cleanly(number: int, maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    heard.wait_for("maskwatch/entrance/alert")
    assert run.end(number) == 0
    assert heard.wait_for("maskwatch/entrance/status", 2)[-1] == b"offline"
    assert "Traceback" not in run.err


def test_a_killed_process_is_said_to_be_offline_by_its_will(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    heard.wait_for("maskwatch/entrance/status")
    run.end(signal.SIGKILL)
    assert heard.wait_for("maskwatch/entrance/status", 2) == [b"online", b"offline"]


def test_a_broker_that_comes_late_gets_every_alert(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto()
    run = maskwatch("run", "--source", "demo", "--realtime", "--print", "--broker", broker.address)
    run.wait_for('"event_type"')
    assert run.err.count("cannot reach the broker") == 1, "said once, not per attempt"
    broker.start()
    heard = subscriber(broker.port)
    assert run.end() == 0
    assert received(heard.wait_for("maskwatch/entrance/alert", 4)) == run.alerts


def test_a_broker_that_dies_and_returns_gets_every_alert(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--print", "--broker", broker.address)
    heard.wait_for("maskwatch/entrance/alert")
    broker.kill()
    run.wait_for("broker lost")
    broker.start()
    run.wait_for("broker back")
    assert run.end() == 0
    ids = {alert["id"] for alert in received(heard.wait_for("maskwatch/entrance/alert", 4))}
    assert ids == {alert["id"] for alert in run.alerts}


def test_alerts_of_a_run_without_broker_leave_with_the_next_start(
    maskwatch: Any, mosquitto: Any, subscriber: Any
) -> None:
    broker = mosquitto()
    run = maskwatch("run", "--source", "demo", "--print", "--broker", broker.address)
    assert run.end() == 0
    assert "4 alerts wait on disk; the next start delivers them" in run.err
    told = maskwatch("outbox")
    assert told.end() == 0 and "4 alerts wait for the broker, 0 were refused" in told.out
    broker.start()
    heard = subscriber(broker.port)
    again = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    early = received(heard.wait_for("maskwatch/entrance/alert", 4))[:4]
    assert early == run.alerts, "byte for byte what was raised then, in order"
    assert again.end(signal.SIGTERM) == 0


def test_doctor_and_outbox_tell_of_the_running_service(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    heard = subscriber(broker.port)
    heard.wait_for("maskwatch/entrance/health")
    told = maskwatch("doctor", "--source", "usb:99", "--broker", broker.address)
    assert told.end() == 0, told.out
    assert f"running (process {run.popen.pid}) without a problem" in told.out
    assert "the running maskwatch reports: ok" in told.out
    assert run.end(signal.SIGTERM) == 0


def test_paused_over_mqtt_nobody_is_told_of(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    heard.wait_for("maskwatch/entrance/alert")
    heard.publish("maskwatch/entrance/enabled/set", b"OFF")
    assert heard.wait_for("maskwatch/entrance/enabled/state", 2)[-1] == b"OFF"
    assert run.end(signal.SIGTERM) == 0
    before = len(heard.on("maskwatch/entrance/alert"))
    again = maskwatch("run", "--source", "demo", "--broker", broker.address)
    assert again.end() == 0 and "paused" in again.err
    assert len(heard.on("maskwatch/entrance/alert")) == before, "the pause survives a restart"


def test_doctor_says_what_is_wrong_and_what_to_do(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    well = maskwatch("doctor", "--source", "demo", "--broker", broker.address)
    assert well.end() == 0 and "accepts the login" in well.out and "FAIL" not in well.out
    broker.kill()
    ill = maskwatch("doctor", "--source", "demo", "--broker", broker.address, "--model", tmp_path / "none.tflite")
    assert ill.end() == 1
    assert (
        ill.out.count("FAIL") == 2 and "check host, port, network" in ill.out and "none.tflite is not there" in ill.out
    )


def test_doctor_sees_what_the_page_has_set(maskwatch: Any, tmp_path: Path) -> None:
    page = tmp_path / "state" / "maskwatch" / "entrance" / "page.toml"
    page.parent.mkdir(parents=True)
    page.write_text('[detect]\ncascade = "/nowhere.xml"\n')
    told = maskwatch("doctor", "--source", "demo")
    assert told.end() == 1 and "/nowhere.xml" in told.out


@pytest.mark.parametrize(
    "state, code, word",
    [("inactive", 0, "is not started: sudo systemctl start maskwatch"), ("failed", 1, "does not run (failed)")],
)
def test_doctor_says_that_the_service_does_not_run(maskwatch: Any, state: str, code: int, word: str) -> None:
    unit = {"MASKWATCH_UNIT": "maskwatch", "MASKWATCH_UNIT_IS": state}
    told = maskwatch("doctor", "--source", "demo", env=unit)
    assert told.end() == code and word in told.out


def test_image_answers_a_line_a_picture(maskwatch: Any, tmp_path: Path, door: Path) -> None:
    import cv2

    capture = cv2.VideoCapture(str(door))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 60)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "in" / "sub" / "hopper.png"), capture.read()[1])
    (tmp_path / "in" / "broken.jpg").write_bytes(b"no picture")
    run = maskwatch("image", tmp_path / "in", "--json", "--out", tmp_path / "out")
    assert run.end() == 1, "one of the two cannot be read"
    assert "broken.jpg is not a readable picture" in run.err
    (line,) = run.alerts
    assert line["file"] == str(tmp_path / "in" / "sub" / "hopper.png")
    (face,) = line["faces"]
    assert face["label"] == "no_mask" and face["score"] > 0.5 and len(face["box"]) == 4
    assert cv2.imread(str(tmp_path / "out" / "sub" / "hopper.png")).shape == (480, 640, 3)
    assert maskwatch("image", tmp_path / "in" / "sub", "--no-pictures", "--out", tmp_path / "no").end() == 0
    assert not (tmp_path / "no").exists()


def test_image_never_writes_over_a_picture_nor_two_copies_to_one_place(maskwatch: Any, tmp_path: Path) -> None:
    import cv2
    import numpy as np

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "x.png"), np.zeros((60, 60, 3), np.uint8))
    before = (tmp_path / "a" / "x.png").read_bytes()
    run = maskwatch("image", tmp_path / "a", "--out", tmp_path / "a")
    assert run.end() == 2 and "would overwrite the image" in run.err
    assert (tmp_path / "a" / "x.png").read_bytes() == before
    assert maskwatch("image", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out").end() == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x-2.png", "x.png"]
    assert maskwatch("image", tmp_path / "a", "--out", tmp_path / "a" / "x.png").end() == 2


def test_the_clip_never_stands_in_on_a_real_broker(maskwatch: Any) -> None:
    run = maskwatch("run", "--source", "usb:99", "--or-demo", "--print")
    assert run.end() == 1 and run.alerts == []


def test_watch_ends_when_its_reader_has_gone(maskwatch: Any) -> None:
    import subprocess
    import sys

    pytest.importorskip("amqtt", reason="needs the broker extra (amqtt)")
    shell = f"{sys.executable} -m edge run --source demo --realtime | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=100)
    assert "is online" in done.stdout
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr
