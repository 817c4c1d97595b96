"""SIGTERM in every situation, clocks that jump by years, a crowd in front of the door, and a second instance."""

import json
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from chaos.doors import Door, listening, unmasked_person
from support import DOOR, until
from support.cameras import Image, NetworkCamera
from support.clock import Clock
from support.notified import Systemd

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

INTERVAL = 1 / 12
STATUS = "maskwatch/entrance/status"


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    made = NetworkCamera(unmasked_person(), INTERVAL)
    yield made
    made.close()


@pytest.mark.parametrize("situation", ["all well", "no broker", "frozen broker", "hung camera", "absent camera"])
def test_sigterm_ends_it_with_code_0_in_five_seconds_and_offline_stays(
    situation: str, maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera
) -> None:
    broker = mosquitto()
    if situation == "no broker":
        run = maskwatch("run", "--source", camera.url, "--broker", broker.address, "--print")
        run.wait_for('"event_type"')
    else:
        door = Door(maskwatch, subscriber(broker.start().port), camera, "--broker", broker.address, "--print")
        run = door.process
        door.wait_for_person()
    if situation == "frozen broker":
        listening(broker.port).suspend()
        time.sleep(1)
    if situation == "hung camera":
        camera.fall_silent()
        time.sleep(1)  # short enough that the camera does not count as lost yet
    if situation == "absent camera":
        camera.unplug()
        door.wait_for_camera("lost", 10)
    start = time.monotonic()
    assert run.end(signal.SIGTERM) == 0, run.err
    took = time.monotonic() - start
    print(f"SIGTERM, {situation}: {took:.1f} s")
    assert took <= 5
    assert "Traceback" not in run.err and "Fatal" not in run.err
    if situation == "no broker":
        broker.start()
        assert "wait on disk; the next start delivers" in run.err
        assert subscriber(broker.port).on(STATUS) == [], "it was never connected to this broker"
        return
    listening(broker.port).resume()
    late = subscriber(broker.port)
    until(lambda: late.on(STATUS)[-1:] == [b"offline"], "a retained offline")
    assert (STATUS, b"offline", True) in late.messages
    missing = {alert["id"] for alert in run.alerts} - {alert["id"] for alert in door.published("alert")}
    assert run.alerts and (not missing or "wait on disk" in run.err), "no alert was lost"


def test_a_clock_that_jumps_by_years_disturbs_neither_alerts_nor_watchdog(
    maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera, tmp_path: Path
) -> None:
    """A replay and a live camera run at the same time. The clock jumps ten years forwards, then twenty backwards."""
    clock, broker, systemd = Clock(tmp_path / "clock"), mosquitto().start(), Systemd(str(tmp_path / "notify"))
    received = subscriber(broker.port)
    to_broker = ("--broker", broker.address)
    live = Door(maskwatch, received, camera, *to_broker, env=clock.env | {"NOTIFY_SOCKET": systemd.address})
    live.wait_for_person()
    arguments = ("run", "--source", "demo", "--realtime", "--device", "replay", "--print", *to_broker)
    replay = maskwatch(*arguments, env=clock.env)
    replay.wait_for('"event_type"')
    clock.jump("+10y")
    until(lambda: len(replay.alerts) >= 2, f"an alert after the jump\n{replay.err}", 60)
    pings = systemd.messages.count("WATCHDOG=1")
    clock.jump("-10y")
    assert replay.end() == 0, replay.err
    assert systemd.messages.count("WATCHDOG=1") > pings + 3, "the pings continue"
    assert live.process.popen.poll() is None and live.health["camera"] == "ok"
    alerts = replay.alerts
    payloads = received.wait_for("maskwatch/replay/alert", 4)
    assert len(alerts) == 4 and [json.loads(payload) for payload in payloads] == alerts
    assert len({alert["id"] for alert in alerts}) == 4
    assert all(isinstance(alert["clock_synced"], bool) for alert in alerts)
    years = [datetime.fromisoformat(alert["time"]).year for alert in alerts]
    print(f"years of the alerts: {years}, all delivered in order")
    assert years[1] >= years[0] + 9 and years[-1] <= years[0] - 9, "the clock did jump"
    for run in (live.process, replay):
        for trouble in ("camera lost", "makes no progress", "Timeout", "broker lost"):
            assert trouble not in run.err
    people = live.people
    assert live.process.end(signal.SIGTERM) == 0 and people == 1
    systemd.close()


COLUMNS, ROWS = 6, 5


class Crowd:
    """Noisy images of 1920 x 1080 with copies of one face without a mask, one more after every ``EVERY`` images."""

    EVERY = 3

    def __init__(self) -> None:
        capture = cv2.VideoCapture(str(DOOR))
        capture.set(cv2.CAP_PROP_POS_FRAMES, 60)
        image = np.asarray(capture.read()[1], np.uint8)
        capture.release()
        self.size = (1920 // COLUMNS, 1080 // ROWS)
        self._face = cv2.resize(image[100:330, 150:476], self.size, interpolation=cv2.INTER_AREA)
        rng = np.random.default_rng(0)
        self._noise = [rng.integers(0, 5, (1080, 1920, 3), np.uint8) for _ in range(3)]

    def image(self, number: int) -> Image:
        image = np.full((1080, 1920, 3), 120, np.uint8)
        width, height = self.size
        for n in range(min(COLUMNS * ROWS, 1 + number // self.EVERY)):
            x, y = n % COLUMNS * width, n // COLUMNS * height
            image[y : y + height, x : x + width] = self._face
        return np.asarray(cv2.add(image, self._noise[number % 3]), np.uint8)

    def place(self, box: list[int]) -> tuple[int, int]:
        """The column and row of the face that a box belongs to."""
        return (box[0] + box[2]) // 2 // self.size[0], (box[1] + box[3]) // 2 // self.size[1]


def test_thirty_faces_give_one_alert_per_person_and_one_state_per_second(
    maskwatch: Any, mosquitto: Any, subscriber: Any
) -> None:
    crowd, broker = Crowd(), mosquitto().start()
    camera = NetworkCamera(lambda number: np.zeros((1080, 1920, 3), np.uint8) + np.uint8(100 + number % 9), 0.12)
    door = Door(maskwatch, subscriber(broker.port), camera, "--broker", broker.address, "--show-stats")
    door.subscriber.wait_for(STATUS)
    first = camera.sent
    camera.show(lambda number: crowd.image(number - first))
    start, moments = time.monotonic(), [0.0]

    def everybody_counted() -> bool:
        """Whether 28 s, or more on a slow machine, were enough; also notes when each state arrives."""
        if len(door.published("state")) >= len(moments):
            moments.append(time.monotonic())
        return time.monotonic() - start >= 28 and door.people >= 20 and len(door.published("alert")) >= 20

    until(everybody_counted, "20 people and 20 alerts", timeout=120, pause=0.01)
    people, alerts, states = door.people, door.published("alert"), len(door.published("state"))
    assert door.process.end(signal.SIGTERM) == 0, door.process.err
    camera.close()
    gaps = [later - earlier for earlier, later in zip(moments[1:], moments[2:], strict=False)]
    speed = [line for line in door.process.err.splitlines() if line.startswith("fps")][-1:]
    print(f"crowd: {people} people, {len(alerts)} alerts, {states} states at least {min(gaps):.2f} s apart; {speed}")
    assert len(alerts) >= 20 and people >= 20, "most of the thirty people are counted"
    assert len({crowd.place(alert["box"]) for alert in alerts}) == len(alerts) <= 30, "one alert per person"
    assert len({alert["track"] for alert in alerts}) == len(alerts) == len({alert["id"] for alert in alerts})
    assert states >= 6 and min(gaps) >= 0.8, "one second, less the difference of two messages' transmission times"
    assert "Traceback" not in door.process.err


def test_a_second_instance_exits_at_once_with_a_clear_line(
    maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    door = Door(maskwatch, subscriber(broker.port), camera, "--broker", broker.address)
    door.wait_for_person()
    (tmp_path / "same_folder.toml").write_text(f'[state]\nfolder = "{tmp_path}/state/maskwatch/entrance"\n')
    (tmp_path / "same_name.toml").write_text(f'[state]\nfolder = "{tmp_path}/other"\n')
    common = ("run", "--source", "demo", "--broker", broker.address)
    folder = maskwatch(*common, "--device", "back", "--config", tmp_path / "same_folder.toml")
    name = maskwatch(*common, "--config", tmp_path / "same_name.toml")
    for run, line in ((folder, "another maskwatch uses the state folder"), (name, "is already maskwatch/entrance at")):
        start = time.monotonic()
        assert run.end(timeout=15) == 2, run.err
        assert line in run.err and "Traceback" not in run.err
        assert len(run.err.strip().splitlines()) <= 4, run.err
        print(f"second instance: {time.monotonic() - start:.1f} s, {run.err.strip().splitlines()[-1]}")
    assert door.process.popen.poll() is None and door.people == 1, "the first one is not disturbed"
    assert b"offline" not in door.subscriber.on(STATUS)
