"""maskwatch as a user runs it: real processes, the bundled clip, a real mosquitto."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, until
from support.notified import Systemd

EXPECTED = [  # people without a mask, from tests/support/door.json: (first, last second in the clip, person)
    (0.67, 5.33, "Grace Hopper"),
    (12.33, 16.87, "Grace Hopper, mirrored"),
    (18.33, 22.33, "Eileen Collins"),
    (25.33, 28.4, "Eileen Collins, mask off again"),
]
STABLE = ("event_type", "device", "score", "frames", "seen_s", "box", "frame_size", "model", "snapshot")


def stable(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts of alerts that depend on the clip only, which id, time and the random name of the run do not."""
    return [{key: alert[key] for key in STABLE} | {"track": alert["track"].split("-")[1]} for alert in alerts]


def decoded(payloads: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in payloads]


def test_the_clip_gives_one_alert_per_bare_person_and_episode(maskwatch: Any, truth: dict[str, Any]) -> None:
    run = maskwatch("run", "--source", "demo", "--print")
    assert run.end() == 0
    assert len(run.alerts) == truth["alerts"] == len(EXPECTED)
    for alert, (first, last, person) in zip(run.alerts, EXPECTED, strict=True):
        assert alert["event_type"] == "no_mask", person
        assert 0 <= alert["seen_s"] <= last - first or "again" in person


def test_alerts_arrive_through_mosquitto_as_printed(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--print", "--broker", broker.address)
    assert run.end() == 0
    payloads = received.wait_for("maskwatch/entrance/alert", 4)
    assert decoded(payloads) == run.alerts
    assert received.wait_for("maskwatch/entrance/status", 2) == [b"online", b"offline"]
    health = json.loads(received.on("maskwatch/entrance/health")[0])
    assert health["camera"] == "ok" and health["problem"] is None


def test_a_state_reports_a_person_without_a_mask(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    """In real time: states are published at most once per second, and a fast replay may be over before the next."""
    broker = mosquitto().start()
    received = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)

    def reported() -> bool:
        states = decoded(received.on("maskwatch/entrance/state"))
        return any(state["no_mask"] == "ON" and state["people"] >= 1 for state in states)

    until(reported, lambda: f"a state with no_mask ON; {received.on('maskwatch/entrance/state')}", timeout=90)
    assert run.end(signal.SIGTERM) == 0


def test_the_alerts_do_not_depend_on_the_speed(maskwatch: Any) -> None:
    fast, slow = (
        maskwatch("run", "--source", "demo", "--print"),
        maskwatch("run", "--source", "demo", "--print", "--realtime"),
    )
    assert fast.end() == slow.end() == 0
    assert stable(fast.alerts) == stable(slow.alerts)
    assert not {alert["id"] for alert in fast.alerts} & {alert["id"] for alert in slow.alerts}


def test_without_a_broker_the_embedded_broker_prints_the_alerts(maskwatch: Any) -> None:
    run = maskwatch("run", "--source", "demo")
    assert run.end() == 0
    assert run.out.count("NO MASK") == 4
    assert "is online" in run.out


def test_a_service_reports_that_another_broker_uses_the_port_of_the_embedded_one(
    maskwatch: Any, tmp_path: Path
) -> None:
    with socket.socket() as other, closing(Systemd(str(tmp_path / "notify"))) as systemd:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of an earlier test may linger
        with suppress(OSError):  # another program may use it already
            other.bind(("127.0.0.1", 1883))
            other.listen()
        run = maskwatch("run", "--source", "demo", "--realtime", env={"NOTIFY_SOCKET": systemd.address})
        run.wait_for("port 1883 is another broker's")
        doctor = maskwatch("doctor")
        assert doctor.end() == 1 and "maskwatch set --broker 127.0.0.1" in doctor.out, doctor.out
        assert run.end(signal.SIGTERM) == 0


def test_watch_prints_alerts_and_availability(maskwatch: Any, mosquitto: Any) -> None:
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
    received = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    received.wait_for("maskwatch/entrance/alert")
    assert run.end(number) == 0
    assert received.wait_for("maskwatch/entrance/status", 2)[-1] == b"offline"
    assert "Traceback" not in run.err


def test_the_last_will_reports_a_killed_process_as_offline(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    received.wait_for("maskwatch/entrance/status")
    run.end(signal.SIGKILL)
    assert received.wait_for("maskwatch/entrance/status", 2) == [b"online", b"offline"]


def test_a_broker_that_starts_later_gets_every_alert(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto()
    run = maskwatch("run", "--source", "demo", "--realtime", "--print", "--broker", broker.address)
    run.wait_for('"event_type"')
    assert run.err.count("cannot reach the broker") == 1, "reported once, not per attempt"
    broker.start()
    received = subscriber(broker.port)
    assert run.end() == 0
    assert decoded(received.wait_for("maskwatch/entrance/alert", 4)) == run.alerts


def test_a_broker_that_is_killed_and_started_again_gets_every_alert(
    maskwatch: Any, mosquitto: Any, subscriber: Any
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--print", "--broker", broker.address)
    received.wait_for("maskwatch/entrance/alert")
    broker.kill()
    run.wait_for("broker lost")
    broker.start()
    run.wait_for("reconnected to the broker")
    assert run.end() == 0
    ids = {alert["id"] for alert in decoded(received.wait_for("maskwatch/entrance/alert", 4))}
    assert ids == {alert["id"] for alert in run.alerts}


def test_alerts_of_a_run_without_broker_are_delivered_by_the_next_run(
    maskwatch: Any, mosquitto: Any, subscriber: Any
) -> None:
    broker = mosquitto()
    run = maskwatch("run", "--source", "demo", "--print", "--broker", broker.address)
    assert run.end() == 0
    assert "4 alerts wait on disk; the next start delivers them" in run.err
    outbox = maskwatch("outbox")
    assert outbox.end() == 0 and "4 alerts wait for the broker, 0 were refused" in outbox.out
    broker.start()
    received = subscriber(broker.port)
    again = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    early = decoded(received.wait_for("maskwatch/entrance/alert", 4))[:4]
    assert early == run.alerts, "the same alerts, in order"
    assert again.end(signal.SIGTERM) == 0


def test_a_pause_over_mqtt_stops_the_alerts_and_survives_a_restart(
    maskwatch: Any, mosquitto: Any, subscriber: Any
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    received.wait_for("maskwatch/entrance/alert")
    received.publish("maskwatch/entrance/enabled/set", b"OFF")
    assert received.wait_for("maskwatch/entrance/enabled/state", 2)[-1] == b"OFF"
    assert run.end(signal.SIGTERM) == 0
    before = len(received.on("maskwatch/entrance/alert"))
    again = maskwatch("run", "--source", "demo", "--broker", broker.address)
    assert again.end() == 0 and "paused" in again.err
    assert len(received.on("maskwatch/entrance/alert")) == before, "the pause survives a restart"


def test_or_demo_does_not_replace_a_named_source(maskwatch: Any) -> None:
    run = maskwatch("run", "--source", "usb:99", "--or-demo", "--print")
    assert run.end() == 1 and run.alerts == []


def test_a_closed_pipe_ends_the_run_without_a_traceback(maskwatch: Any) -> None:
    shell = f"{sys.executable} -m edge run --source demo --realtime | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=100, cwd=ROOT)
    assert "is online" in done.stdout
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr
