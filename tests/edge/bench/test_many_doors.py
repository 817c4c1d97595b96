"""systemd/telegraf.conf and grafana.json: every measurement and field is one that maskwatch says, and the dashboard's
queries run on a real InfluxDB with what Telegraf would have written. For Prometheus: tests/store/test_prometheus.py."""

import json
import re
import shutil
import subprocess
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.brokers import free_port
from support.dashboards import FILES, Kind, text_of

from edge.bench.delivery import example_alert
from edge.bench.fleet import STATS
from edge.mqtt.messages import Health, State, encode
from edge.mqtt.topics import Topics

TELEGRAF = tomllib.loads((ROOT / "systemd" / "telegraf.conf").read_text())
GRAFANA = json.loads((ROOT / "systemd" / "grafana.json").read_text())
INPUTS = {each["topics"][0].split("/")[-1]: each for each in TELEGRAF["inputs"]["mqtt_consumer"]}
TODAY: dict[str, Any] = {
    "people": 40, "mask": 38, "no_mask": 2, "incorrect_mask": 0, "unsure": 1, "alerts": 2,
    "mask_share": {"value": 0.95, "low": 0.835, "high": 0.986}, "note": None,
}  # fmt: skip
SAID = {
    "stats": STATS,
    "state": State("ON", 2, 1, 1, TODAY),
    "health": Health("lost", "mask@1234", 'no "picture" for 8 s'),
    "alert": example_alert("front"),
}
QUERIES = {panel["title"]: panel["targets"][0]["query"] for panel in GRAFANA["panels"]}


def point(kind: str, device: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    """What Telegraf makes of a message as its documentation has it: measurement, tags, fields.

    Nested values become ``outer_inner``, lists ``name_0``; texts are dropped unless they are listed or tags.
    """
    own = INPUTS[kind]
    if own["data_format"] == "value":
        return own["name_override"], {"device": device}, {"value": "online"}
    tags, fields = {"device": device}, dict[str, Any]()
    for key, value in flat(json.loads(encode(SAID[kind]))):
        if key in own.get("tag_keys", []):
            tags[key] = str(value)
        elif isinstance(value, bool | int | float) or key in own.get("json_string_fields", []) and value is not None:
            fields[key] = value
    return own["name_override"], tags, fields


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield name, value
        return
    for key, each in parts:
        yield from flat(each, f"{name}_{key}" if name else str(key))


def test_every_topic_is_one_that_a_camera_has() -> None:
    for kind, own in INPUTS.items():
        parsing = own["topic_parsing"][0]
        assert own["topics"] == [f"maskwatch/+/{kind}"] == [parsing["topic"]]
        assert getattr(Topics("maskwatch", "front"), kind) == f"maskwatch/front/{kind}"
        assert parsing["tags"] == "_/device/_" and own["name_override"] == f"maskwatch_{kind}"
    assert set(INPUTS) == {"stats", "state", "health", "status", "alert"}


def test_alerts_survive_a_restart_of_telegraf() -> None:
    own = INPUTS["alert"]
    assert own["qos"] == 1 and own["persistent_session"] and own["client_id"]


@pytest.mark.parametrize("kind", ["stats", "state", "health", "alert"])
def test_texts_that_are_named_are_said(kind: str) -> None:
    named = [*INPUTS[kind].get("json_string_fields", []), *INPUTS[kind].get("tag_keys", [])]
    assert set(named) <= set(asdict(SAID[kind])), "asdict of the message"


@pytest.mark.parametrize("title", QUERIES)
def test_a_query_asks_for_what_there_is(title: str) -> None:
    query = QUERIES[title]
    (measurement,) = set(re.findall(r'FROM "(\w+)"', query))
    _, tags, fields = point(measurement.removeprefix("maskwatch_"), "front")
    asked = set(re.findall(r'"(\w+)"', query)) - {measurement} - set(re.findall(r'AS "(\w+)"', query))
    assert asked <= set(tags) | set(fields) | {"people", "outbox", "fps"}, asked


@pytest.mark.parametrize("kind", FILES)
def test_both_dashboards_are_written_from_one_description(kind: Kind) -> None:
    assert FILES[kind].read_text() == text_of(kind), "PYTHONPATH=.:tests .venv/bin/python -m support.dashboards"


def test_no_panel_lies_on_another() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in GRAFANA["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for cell in [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]:
            assert taken.setdefault(cell, panel["title"]) == panel["title"]


class Influx:
    """A real InfluxDB on loopback."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("influxd")
        if program is None:
            pytest.skip("InfluxDB is not installed (sudo apt install influxdb)")
        self._port = free_port()
        config = folder / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
            f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            f'[http]\nbind-address = "127.0.0.1:{self._port}"\n'
        )
        log = (folder / "influxd.log").open("wb")
        self._process = subprocess.Popen([program, "-config", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ask("/ping", {})
                break
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "influxd does not start"
                time.sleep(0.1)
        self.query("CREATE DATABASE maskwatch")

    def ask(self, path: str, parameters: dict[str, str], body: bytes | None = None) -> bytes:
        address = f"http://127.0.0.1:{self._port}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=20) as answer:
            found: bytes = answer.read()
            return found

    def query(self, text: str) -> Any:
        try:
            found = self.ask("/query", {"db": "maskwatch", "q": text}, b"")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{text}: {error.read().decode()}") from error
        return json.loads(found)["results"][0]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    opened = Influx(tmp_path_factory.mktemp("influx"))
    for device in ("front", "back"):
        for kind in INPUTS:
            said = line(*point(kind, device))
            earlier = f"{said} {time.time_ns() - 180 * 10**9}"  # a rate needs two
            opened.ask("/write", {"db": "maskwatch"}, f"{earlier}\n{said}".encode())
    yield opened
    opened.close()


def line(measurement: str, tags: dict[str, str], fields: dict[str, Any]) -> str:
    """InfluxDB's line protocol, as Telegraf writes it: every JSON number is a float."""

    def shown(value: Any) -> str:
        if isinstance(value, str):
            return '"' + value.replace('"', '\\"') + '"'
        return str(value).lower() if isinstance(value, bool) else str(float(value))

    names = "".join(f",{key}={value}" for key, value in tags.items())
    return f"{measurement}{names} " + ",".join(f"{key}={shown(value)}" for key, value in fields.items())


@pytest.mark.parametrize("title", QUERIES)
def test_a_panel_is_filled_by_a_real_database(title: str, influx: Influx) -> None:
    query = QUERIES[title].replace("$timeFilter", "time > now() - 1h").replace("$__interval", "1m")
    found = influx.query(query.replace("$device", ".*"))
    assert "error" not in found and found.get("series"), (query, found)
    if 'GROUP BY "device"' in query and "(SELECT" not in query:
        assert {each["tags"]["device"] for each in found["series"]} == {"front", "back"}


def test_doors_can_be_chosen(influx: Influx) -> None:
    found = influx.query(GRAFANA["templating"]["list"][0]["query"])
    assert {value for _, value in found["series"][0]["values"]} == {"front", "back"}


PAGE = (ROOT / "systemd" / "many-doors.md").read_text()


def test_what_the_page_links_to_exists() -> None:
    linked = [each for each in re.findall(r"\]\(([^):]+)\)", PAGE) if not each.startswith("http")]
    assert len(linked) >= 4 and all((ROOT / "systemd" / each).exists() for each in linked), linked


def test_the_pages_bridge_takes_alerts_to_the_centre_and_commands_back(
    mosquitto: Any, subscriber: Any, maskwatch: Any
) -> None:
    centre = mosquitto().start()
    bridge = "\n".join(part.strip() for part in re.findall(r"^ {6}\S.*$", PAGE, re.MULTILINE))
    assert bridge.startswith("connection to-centre")
    local = bridge.replace("CENTRE:8883", centre.address)
    local = re.sub(r"^(bridge_cafile|remote_username|remote_password) .*\n", "", local, flags=re.MULTILINE)
    site = mosquitto(f"allow_anonymous true\n{local}").start()
    heard = subscriber(centre.port)
    heard.publish("maskwatch/front/enabled/set", b"ON")
    run = maskwatch("run", "--source", "demo", "--broker", site.address, "--device", "front")
    assert run.end() == 0, run.err
    assert len(heard.wait_for("maskwatch/front/alert", 4)) == 4
    assert heard.wait_for("maskwatch/front/status", 2)[-1] == b"offline"
    told = subscriber(site.port)
    counts = Topics("maskwatch", "front").day("2026-11-27")
    told.publish(counts, b"{}", retain=True)
    assert heard.wait_for(counts) == [b"{}"]
    heard.publish("maskwatch/back/enabled/set", b"OFF")
    assert told.wait_for("maskwatch/back/enabled/set") == [b"OFF"]
