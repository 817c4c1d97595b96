"""A real Home Assistant with a real maskwatch, over a real mosquitto."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT, until
from support.browsing import Watched
from support.processes import Process
from support.recorded import fill_counts

from edge.record.bias import BIAS
from edge.record.counts import Counts

pytestmark = [pytest.mark.homeassistant, pytest.mark.timeout(300)]
ENTITIES = [
    ("event", "alert"), ("image", "snapshot"), ("switch", "enabled"), ("binary_sensor", "no_mask"),
    ("binary_sensor", "problem"), ("sensor", "camera"), ("sensor", "people"), ("sensor", "masked"),
    ("sensor", "today_people"), ("sensor", "today_mask"), ("sensor", "today_no_mask"),
    ("sensor", "today_incorrect_mask"), ("sensor", "today_unsure"), ("sensor", "today_alerts"),
    ("sensor", "today_mask_share"), ("sensor", "fps"),
    ("sensor", "detect_ms"), ("sensor", "classify_ms"), ("sensor", "cpu_temp_c"), ("sensor", "outbox"),
    ("switch", "output_door_bell"),
]  # fmt: skip
WITH_SNAPSHOTS = '[snapshots]\nmode = "blurred"\n[homeassistant]\npage = "http://192.168.1.7:8080/"\n'
WITH_AN_OUTPUT = '[outputs.door-bell]\ndriver = "command"\nprogram = ["/bin/true"]\n'


class Home:
    """Home Assistant's driver, in the Debian that ``run`` makes."""

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

    def ask(self, *request: Any) -> Any:
        assert self._driver.stdin is not None
        self._driver.stdin.write(json.dumps(request) + "\n")
        self._driver.stdin.flush()
        return self._answer()

    def state(self, entity: str) -> str | None:
        state, *_ = self.ask("states")["states"].get(entity) or [None]
        return state

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Waits as ``support.until`` does; the failure shows all entities."""
        until(holds, lambda: f"{what}: {json.dumps(self.ask('states'), indent=1)[-6000:]}", 60, 0.5)

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


def test_every_entity_is_available_and_gives_no_warning(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    config = WITH_SNAPSHOTS + WITH_AN_OUTPUT
    watched = Watched(maskwatch, tmp_path, config, "--broker", broker.address)  # its camera repeats the clip
    device = "maskwatch_entrance"
    home.until(lambda: home.state(f"event.{device}_alert") not in (None, "unknown", "unavailable"), "an alert")
    home.until(lambda: home.state(f"image.{device}_snapshot") not in (None, "unknown", "unavailable"), "its snapshot")
    answer = home.ask("states")
    states = {name: value for name, (value, _) in answer["states"].items() if device in name}
    assert states.keys() == {f"{platform}.{device}_{name}" for platform, name in ENTITIES}
    assert "unavailable" not in states.values()
    assert states[f"switch.{device}_enabled"] == "on" and states[f"sensor.{device}_camera"] == "ok"
    assert states[f"binary_sensor.{device}_problem"] == "off"
    alert = answer["states"][f"event.{device}_alert"][1]
    assert alert["event_type"] == "no_mask" and alert["device"] == "entrance" and 0.8 < alert["score"] <= 1
    assert answer["entities"][f"sensor.{device}_fps"] == [f"{device}_fps", "diagnostic"]
    assert ["Entrance", "maskwatch"] in [[name, maker] for name, maker, *_ in answer["devices"]]
    assert "http://192.168.1.7:8080/" in [url for *_, url in answer["devices"]]
    home.until(lambda: home.state(f"sensor.{device}_fps") not in ("unknown", "unavailable"), "statistics")
    assert float(home.state(f"sensor.{device}_detect_ms") or 0) > 0
    assert home.ask("states")["warnings"] == []
    watched.close()


def test_the_share_of_today_is_unknown_below_30_people_and_has_its_interval(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    """The day goes on in another run, with people of this morning."""
    process, share = watching(maskwatch, broker), "sensor.maskwatch_entrance_today_mask_share"
    home.until(lambda: home.state(share) == "unknown", "no share yet")
    assert process.end(15) == 0
    record = tmp_path / "state/maskwatch/entrance/record.db"
    fill_counts(record, [(time.time(), Counts(people=40, mask=30, no_mask=10))], "haar")
    watching(maskwatch, broker)
    home.until(lambda: home.state(share) not in (None, "unknown", "unavailable"), "the share")
    state, attributes = home.ask("states")["states"][share]
    assert 0 < attributes["low"] < float(state) < attributes["high"] < 100
    assert attributes["note"] == BIAS
    assert (attributes["state_class"], attributes["unit_of_measurement"]) == ("measurement", "%")
    people = home.ask("states")["states"]["sensor.maskwatch_entrance_today_people"]
    assert int(people[0]) >= 40 and people[1]["state_class"] == "total_increasing"
    assert home.ask("states")["warnings"] == []


def test_the_switch_pauses_and_resumes_and_a_killed_process_becomes_unavailable(
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


def test_the_snapshot_entity_is_removed_when_snapshots_are_switched_off(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    config, image = tmp_path / "snapshots.toml", "image.maskwatch_entrance_snapshot"
    config.write_text(WITH_SNAPSHOTS)
    command = ("run", "--source", "demo", "--realtime", "--broker", broker.address)
    process = maskwatch(*command, "--config", config)
    home.until(lambda: home.state(image) is not None, "the snapshot entity")
    assert process.end(15) == 0
    maskwatch(*command)
    home.until(lambda: home.state(image) is None, "the removal of the snapshot entity")
    home.until(lambda: home.state("switch.maskwatch_entrance_enabled") == "on", "the other entities")
    assert home.ask("states")["warnings"] == []


def test_the_switch_of_an_output_mutes_it_and_goes_when_the_output_does(
    home: Home, broker: Any, maskwatch: Any, tmp_path: Path
) -> None:
    config, switch = tmp_path / "outputs.toml", "switch.maskwatch_entrance_output_door_bell"
    command = ("run", "--source", "demo", "--realtime", "--broker", broker.address, "--config", config)
    for service, state in (("turn_off", "off"), ("turn_on", "on"), ("turn_off", "off")):
        config.write_text(WITH_AN_OUTPUT)
        process = maskwatch(*command)
        home.until(lambda: home.state(switch) in ("on", "off"), "the switch")
        home.ask("call", "switch", service, {"entity_id": switch})
        home.until(lambda state=state: home.state(switch) == state, state)  # type: ignore[misc]
        assert process.end(15) == 0
    config.write_text("")
    process = maskwatch(*command)
    home.until(lambda: home.state(switch) is None, "the removal of the switch")
    home.until(lambda: home.state("switch.maskwatch_entrance_enabled") == "on", "the other entities")
    assert process.end(15) == 0
    config.write_text(WITH_AN_OUTPUT)
    maskwatch(*command)
    home.until(lambda: home.state(switch) == "on", "another output of this name, which is not muted")
    assert home.ask("states")["warnings"] == []


def test_forget_removes_the_device_and_its_entities(home: Home, broker: Any, maskwatch: Any, tmp_path: Path) -> None:
    process, switch = watching(maskwatch, broker), "switch.maskwatch_entrance_enabled"
    home.until(lambda: home.state(switch) == "on", "on")
    assert process.end(15) == 0
    assert maskwatch("forget", "--broker", broker.address).end() == 0
    home.until(lambda: home.state(switch) is None, "gone")
    left = home.ask("states")
    assert not left["entities"] and all(name != "Entrance" for name, *_ in left["devices"])


def test_the_automations_of_the_readme_notify_the_phone_and_switch_the_light(
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
    assert home.ask("states")["warnings"] == []
