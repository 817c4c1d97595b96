"""What a real Home Assistant makes of a real maskwatch, over a real mosquitto."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT
from support.browsing import Watched
from support.processes import Process

pytestmark = [pytest.mark.homeassistant, pytest.mark.timeout(300)]
PICTURED = '[snapshots]\nmode = "blurred"\n[homeassistant]\npage = "http://192.168.1.7:8080/"\n'


class Home:
    """The driver in its Debian."""

    def __init__(self, port: int, folder: Path) -> None:
        self._log = (folder / "home-assistant.log").open("w+")
        self._driver = subprocess.Popen(
            [ROOT / "tests" / "homeassistant" / "run", "--driver", str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        assert self._answer() == {"loaded": "loaded"}

    def _answer(self) -> Any:
        assert self._driver.stdout is not None
        while line := self._driver.stdout.readline():
            if line.startswith("{"):
                return json.loads(line)
        self._log.seek(0)
        raise AssertionError(self._log.read()[-3000:])

    def ask(self, *question: Any) -> Any:
        assert self._driver.stdin is not None
        self._driver.stdin.write(json.dumps(question) + "\n")
        self._driver.stdin.flush()
        return self._answer()

    def state(self, entity: str) -> str | None:
        found = self.ask("states")["states"].get(entity)
        return found[0] if found else None

    def until(self, holds: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, f"{what}: {json.dumps(self.ask('states'), indent=1)[-6000:]}"
            time.sleep(0.5)

    def close(self) -> None:
        assert self._driver.stdin is not None
        self._driver.stdin.close()
        self._driver.wait(30)
        self._log.close()


@pytest.fixture
def broker(mosquitto: Any) -> Any:
    return mosquitto().start()


@pytest.fixture
def home(broker: Any, tmp_path: Path) -> Iterator[Home]:
    started = Home(broker.port, tmp_path)
    yield started
    started.close()


def watching(maskwatch: Any, broker: Any) -> Process:
    process: Process = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    return process


def test_every_entity_is_there_alive_and_without_complaint(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    watched = Watched(maskwatch, tmp_path, PICTURED, "--broker", broker.address)  # a camera that goes on and on
    me = "maskwatch_entrance"
    home.until(lambda: home.state(f"event.{me}_alert") not in (None, "unknown", "unavailable"), "an alert")
    home.until(lambda: home.state(f"image.{me}_snapshot") not in (None, "unknown", "unavailable"), "its picture")
    found = home.ask("states")
    states = {name: value for name, (value, _) in found["states"].items() if me in name}
    assert states.keys() == {
        f"event.{me}_alert", f"image.{me}_snapshot", f"switch.{me}_enabled", f"binary_sensor.{me}_no_mask",
        f"binary_sensor.{me}_problem", f"sensor.{me}_camera", f"sensor.{me}_people", f"sensor.{me}_masked",
        f"sensor.{me}_today_people", f"sensor.{me}_today_mask", f"sensor.{me}_today_alerts", f"sensor.{me}_fps",
        f"sensor.{me}_detect_ms", f"sensor.{me}_classify_ms", f"sensor.{me}_cpu_temp_c", f"sensor.{me}_outbox",
    }  # fmt: skip
    assert "unavailable" not in states.values()
    assert states[f"switch.{me}_enabled"] == "on" and states[f"sensor.{me}_camera"] == "ok"
    assert states[f"binary_sensor.{me}_problem"] == "off"
    alert = found["states"][f"event.{me}_alert"][1]
    assert alert["event_type"] == "no_mask" and alert["device"] == "entrance" and 0.8 < alert["score"] <= 1
    assert found["entities"][f"sensor.{me}_fps"] == [f"{me}_fps", "diagnostic"]
    assert ["Entrance", "maskwatch"] in [device[:2] for device in found["devices"]]
    assert any(device[3] == "http://192.168.1.7:8080/" for device in found["devices"])
    home.until(lambda: home.state(f"sensor.{me}_fps") not in ("unknown", "unavailable"), "statistics")
    assert float(home.state(f"sensor.{me}_detect_ms") or 0) > 0
    assert home.ask("states")["complaints"] == []
    watched.close()


def test_its_switch_pauses_and_resumes_and_death_is_noticed(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    process, switch = watching(maskwatch, broker), "switch.maskwatch_entrance_enabled"
    home.until(lambda: home.state(switch) == "on", "on")
    home.ask("call", "switch", "turn_off", {"entity_id": switch})
    process.wait_for("watching paused over MQTT")
    home.until(lambda: home.state(switch) == "off", "off")
    home.ask("call", "switch", "turn_on", {"entity_id": switch})
    home.until(lambda: home.state(switch) == "on", "on again")
    process.popen.kill()
    home.until(lambda: home.state(switch) == "unavailable", "the last will")


def test_the_picture_goes_when_snapshots_are_switched_off(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    (tmp_path / "pictured.toml").write_text(PICTURED)
    to, image = (
        ("run", "--source", "demo", "--realtime", "--broker", broker.address),
        "image.maskwatch_entrance_snapshot",
    )
    process = maskwatch(*to, "--config", tmp_path / "pictured.toml")
    home.until(lambda: home.state(image) is not None, "the picture")
    assert process.end(15) == 0
    maskwatch(*to)
    home.until(lambda: home.state(image) is None, "no picture any more")
    home.until(lambda: home.state("switch.maskwatch_entrance_enabled") == "on", "all else is there")
    assert home.ask("states")["complaints"] == []


def test_forgotten_it_is_gone(home: Home, broker: Any, maskwatch: Any, tmp_path: Path) -> None:
    process, switch = watching(maskwatch, broker), "switch.maskwatch_entrance_enabled"
    home.until(lambda: home.state(switch) == "on", "on")
    assert process.end(15) == 0
    assert maskwatch("forget", "--broker", broker.address).end() == 0
    home.until(lambda: home.state(switch) is None, "gone")
    left = home.ask("states")
    assert not left["entities"] and all(device[0] != "Entrance" for device in left["devices"])


def test_the_automations_of_the_readme_ring_the_phone_and_light_the_sign(
    home: Home, broker: Any, maskwatch: Any
) -> None:
    (text,) = re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "edge" / "mqtt" / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert home.ask("automate", yaml.safe_load(text)) == {"set up": True}
    watching(maskwatch, broker)

    def light() -> list[str]:
        return [service for domain, service, _ in home.ask("states")["calls"] if domain == "light"]

    home.until(
        lambda: "turn_off" in light()[light().index("turn_on") :] if "turn_on" in light() else False, "on and off"
    )
    phone = [data for domain, _, data in home.ask("states")["calls"] if domain == "notify"]
    assert phone[0]["title"] == "entrance: no mask" and re.fullmatch(r"\d\d:\d\d:\d\d", phone[0]["message"])
    assert home.ask("states")["complaints"] == []
