"""systemd/prometheus: a running Prometheus that asks ``maskwatch watch --metrics`` about doors at a real broker. Every
query of the dashboard, the rules, a broker and a process that go away. What promtool says: test_rules.py."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, until
from support.brokers import Mosquitto, free_port
from support.dashboards import DOORS, EVERY, targets_of
from support.many_doors import STATS, Doors
from support.panels import PANELS
from support.processes import Process
from support.prometheus import Prometheus, program

from edge.bench.delivery import example_alert
from edge.mqtt.messages import Health, encode
from edge.serving.passwords import hash_password

pytestmark = [pytest.mark.store, pytest.mark.timeout(180)]

FOLDER = ROOT / "systemd" / "prometheus"
QUERIES = {
    f"{panel.title} {number}": target["expr"]
    for panel in PANELS
    for number, target in enumerate(targets_of(panel, "prometheus"), 1)
}
TODAY: dict[str, Any] = {
    "people": 40, "mask": 38, "no_mask": 2, "incorrect_mask": 0, "unsure": 1, "alerts": 2,
    "mask_share": {"value": 0.95, "low": 0.835, "high": 0.986}, "note": None,
}  # fmt: skip


class Site:
    """Doors at a broker, ``maskwatch watch --metrics``, and a Prometheus that asks it twice a second.

    Its rules are the shipped ones; only their times are a thousand times shorter.
    """

    def __init__(self, folder: Path, config: str = "", login: str = "") -> None:
        self.folder = folder
        broker = folder / "broker"
        broker.mkdir()
        self.broker = Mosquitto(broker).start()
        self.port = free_port()
        (folder / "all.toml").write_text(config)
        self.watch = self.start_watch()
        asked = (FOLDER / "prometheus.yml").read_text().replace("9765", str(self.port))
        asked = asked.replace("_interval: 30s", "_interval: 500ms")
        (folder / "prometheus.yml").write_text(asked + login)
        rules = (FOLDER / "rules.yml").read_text()
        rules = re.sub(r"for: \d+[mh]", "for: 0s", rules).replace("[10m]", "[10s]")
        (folder / "rules.yml").write_text(rules)
        self.prometheus = Prometheus(folder / "prometheus.yml")
        self.doors = Doors(self.broker.port)

    def start_watch(self) -> Process:
        words = ("watch", "--config", str(self.folder / "all.toml"), "--broker", self.broker.address)
        process = Process(*words, "--metrics", str(self.port), cwd=self.folder)
        process.wait_for("the metrics page is at")
        return process

    def until(self, query: str, count: int) -> list[tuple[dict[str, str], float]]:
        """Waits until a query gives so many rows."""
        found: list[tuple[dict[str, str], float]] = []

        def holds() -> bool:
            found[:] = self.prometheus.query(query)
            return len(found) == count

        until(holds, lambda: f"{count} rows of {query}: {found}; {self.prometheus.log}{self.watch.err}", 60, 0.2)
        return found

    def until_firing(self, wanted: set[tuple[str, str]]) -> None:
        until(
            lambda: self.prometheus.firing() == wanted,
            lambda: f"{wanted} fire, not {self.prometheus.firing()}; {self.prometheus.log}",
            60,
            0.2,
        )

    def close(self) -> None:
        self.doors.__exit__()
        self.prometheus.close()
        if self.watch.popen.poll() is None:
            self.watch.popen.kill()
            self.watch.popen.wait(10)
        self.broker.kill()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two doors without a fault, of which Prometheus has seen people come."""
    program("prometheus")
    opened = Site(tmp_path_factory.mktemp("site"))
    for name in ("front", "back"):
        opened.doors.announce(name, people=2, mask=2, today=TODAY)
        opened.doors.say(name, "stats", encode(replace(STATS, cpu_temp_c=50.0, throttled=False)), retain=False)
    opened.until("maskwatch_cpu_celsius", 2)
    opened.until("count_over_time(maskwatch_today_people_total[1m]) >= 2", 2)  # an increase needs two values
    yield opened
    opened.close()


@pytest.mark.parametrize("title", QUERIES)
def test_a_panel_is_filled(title: str, site: Site) -> None:
    if title.startswith("Problems"):
        site.doors.say("back", "health", encode(Health("lost", "mask@1234", "the camera is lost")))
        site.doors.say("front", "health", encode(Health("ok", "mask@1234", "the disk is full")))
    query = (
        QUERIES[title]
        .replace("$device", EVERY["prometheus"])
        .replace("$__range", "1h")
        .replace("$__rate_interval", "1m")
    )
    is_sum = query.startswith(("sum", "count", "round(sum"))
    found = site.until(query, 1 if is_sum else 2)
    assert is_sum or {labels["door"] for labels, _ in found} == {"front", "back"}
    chosen = query.replace('".+"', '"(front|gate)"')
    assert is_sum or {labels["door"] for labels, _ in site.prometheus.query(chosen)} == {"front"}


def test_doors_can_be_chosen(site: Site) -> None:
    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", DOORS["prometheus"])
    assert asked and site.prometheus.values_of(asked[2], asked[1]) == ["back", "front"]


def test_people_are_added_up_over_a_midnight(site: Site) -> None:
    query = 'increase(maskwatch_today_people_total{door="night"}[5m])'
    for people in (7, 9, 0, 3):
        site.doors.announce("night", today=TODAY | {"people": people})
        site.until(f'maskwatch_today_people_total{{door="night"}} == {people}', 1)
    ((_, increase),) = site.prometheus.query(query)
    assert 5 <= increase < 9, "2 before midnight and 3 after it; increase() extrapolates"
    site.doors.take_back("night")


def test_each_fault_fires_and_resolves(site: Site) -> None:
    doors = site.doors
    for name in ("front", "back"):
        doors.announce(name, people=1, today=TODAY)
    site.until_firing(set())
    faults = {
        "MaskwatchDoorOffline": lambda: doors.say("front", "status", b"offline"),
        "MaskwatchCameraLost": lambda: doors.say("front", "health", encode(Health("lost", "mask@1234", "lost"))),
        "MaskwatchProblem": lambda: doors.say("front", "health", encode(Health("ok", "mask@1234", "full"))),
        "MaskwatchClockUnsynced": lambda: doors.say(
            "front", "stats", encode(replace(STATS, clock_synced=False)), retain=False
        ),
        "MaskwatchAlertsPilingUp": lambda: doors.say("front", "stats", encode(replace(STATS, outbox=3)), retain=False),
    }
    for alert, begin in faults.items():
        begin()
        site.until_firing({(alert, "front")})
        doors.announce("front", people=1, today=TODAY)
        site.until_firing(set())
    doors.say("front", "health", encode(Health("ok", "other@5678")))
    site.until_firing({("MaskwatchModelsDiffer", "")})
    doors.announce("front", people=1, today=TODAY)
    site.until_firing(set())


def test_a_broker_that_is_away_is_one_alert_and_not_one_for_each_door(site: Site) -> None:
    for name in ("front", "back"):
        site.doors.announce(name, people=1, today=TODAY)
    site.until("maskwatch_online", 2)
    site.broker.kill()
    site.until("maskwatch_online", 0)
    site.until_firing({("MaskwatchBrokerAway", "")})
    site.broker.start()  # it keeps nothing: the doors say everything anew
    site.until("maskwatch_broker_connected == 1", 1)
    until(lambda: site.doors.is_connected, "the doors are at the broker again", 60)
    for name in ("front", "back"):
        site.doors.announce(name, people=1, today=TODAY)
    site.until("maskwatch_online == 1", 2)
    site.until_firing(set())


def test_an_exporter_that_was_killed_goes_on_where_it_was(site: Site) -> None:
    for name in ("front", "back"):
        site.doors.announce(name, people=1, today=TODAY)
    site.until("maskwatch_today_people_total == 40", 2)
    site.watch.popen.kill()
    site.watch.popen.wait(10)
    site.until_firing({("MaskwatchMetricsDown", "")})
    site.watch = site.start_watch()
    site.until("maskwatch_today_people_total == 40", 2)
    site.until_firing(set())


def test_an_alert_is_dated_by_its_door(site: Site) -> None:
    alert = replace(example_alert("front"), time="2024-01-01T00:00:00.000Z", clock_synced=True)
    site.doors.say("front", "alert", encode(alert), retain=False).wait_for_publish(20)
    ((labels, value),) = site.until("maskwatch_last_alert_timestamp_seconds", 1)
    assert labels["door"] == "front" and value == 1704067200.0


def test_prometheus_logs_in_with_a_password(tmp_path: Path) -> None:
    program("prometheus")
    (tmp_path / "password").write_text("correct horse")
    config = f'[web]\npassword_hash = "{hash_password("correct horse")}"\n'
    text = (FOLDER / "prometheus.yml").read_text()
    login = "".join(
        f"{line.replace('# ', '', 1)}\n"
        for line in text.splitlines()
        if re.search(r"# (basic_auth|  user|  pass)", line)
    ).replace("/etc/prometheus/maskwatch-password", str(tmp_path / "password"))
    assert login.startswith("    basic_auth:\n      username: ")
    site = Site(tmp_path, config, login)
    try:
        site.doors.announce("front", people=1, today=TODAY)
        site.until("maskwatch_online == 1", 1)
    finally:
        site.close()
