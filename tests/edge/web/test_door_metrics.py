"""Metrics of all doors: what is known has a metric, what is unknown has none."""

import re
import time
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from support import ROOT
from support.many_doors import STATS

from edge.bench.delivery import example_alert
from edge.mqtt.messages import Health, State, encode
from edge.web.door import Door
from edge.web.door_metrics import OF_ALL_DOORS, DoorMetrics
from edge.web.doors import MOST_DOORS, Doors
from edge.web.metric_families import SERIES, Saying, families, values_of

Samples = dict[tuple[str, ...], float]
TODAY: dict[str, Any] = {
    "people": 40, "mask": 30, "no_mask": 8, "incorrect_mask": 2, "unsure": 5, "alerts": 3,
    "mask_share": {"value": 0.75, "low": 0.598, "high": 0.858}, "note": "the share is too low",
}  # fmt: skip


def samples(doors: Doors) -> Samples:
    """Values by name and labels, without the label ``door``'s name."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in DoorMetrics(doors).collect()
        for sample in metric.samples
    }


def names_of(found: Samples, door: str) -> set[str]:
    return {key[0] for key in found if door in key}


@pytest.fixture
def doors() -> Doors:
    made = Doors("maskwatch")
    made.connected()
    return made


def come(doors: Doors, name: str, today: dict[str, Any] = TODAY) -> None:
    """Says what a door says when it comes, as a broker hands it on."""
    doors.heard(name, "state", encode(State("ON", 3, 2, 1, today)), True)
    doors.heard(name, "health", encode(Health("dark", "mask@12345678", "it is dark")), True)
    doors.heard(name, "enabled/state", b"ON", True)
    doors.heard(name, "stats", encode(STATS), False)
    doors.heard(name, "status", b"online", True)


def test_what_a_door_says_has_a_metric_each(doors: Doors) -> None:
    come(doors, "front")
    found = samples(doors)
    wanted = {
        ("maskwatch_broker_connected",): 1.0,
        ("maskwatch_info", "front", "mask@12345678"): 1.0,
        ("maskwatch_online", "front"): 1.0,
        ("maskwatch_people", "front", "yes"): 2.0,
        ("maskwatch_people", "front", "no"): 1.0,
        ("maskwatch_today_people_total", "front"): 40.0,
        ("maskwatch_today_alerts_total", "front"): 3.0,
        ("maskwatch_today_masks_total", "front", "yes"): 30.0,
        ("maskwatch_today_masks_total", "front", "no"): 8.0,
        ("maskwatch_today_masks_total", "front", "incorrect"): 2.0,
        ("maskwatch_today_masks_total", "front", "unsure"): 5.0,
        ("maskwatch_today_mask_ratio", "front"): 0.75,
        ("maskwatch_today_mask_ratio_low", "front"): 0.598,
        ("maskwatch_today_mask_ratio_high", "front"): 0.858,
        ("maskwatch_today_mask_ratio_biased", "front"): 1.0,
        ("maskwatch_healthy", "front"): 0.0,
        ("maskwatch_camera", "front", "dark"): 1.0,
        ("maskwatch_camera", "front", "ok"): 0.0,
        ("maskwatch_paused", "front"): 0.0,
        ("maskwatch_alerts_waiting", "front"): float(STATS.outbox),
        ("maskwatch_frames_per_second", "front"): STATS.fps,
        ("maskwatch_uptime_seconds", "front"): float(STATS.uptime_s),
    }
    assert wanted.items() <= found.items(), {key: found.get(key) for key in wanted if found.get(key) != wanted[key]}
    assert ("maskwatch_cpu_celsius", "front") not in found, "a machine without a thermometer"


def test_no_share_is_shown_below_30_people(doors: Doors) -> None:
    come(doors, "front", TODAY | {"mask_share": None, "note": None})
    assert not [name for name in names_of(samples(doors), "front") if "ratio" in name]


def test_a_door_of_an_earlier_version_has_the_metrics_of_what_it_says(doors: Doors) -> None:
    come(doors, "front", {"people": 4, "mask": 3, "alerts": 1})
    found = samples(doors)
    assert found["maskwatch_today_people_total", "front"] == 4
    assert [key for key in found if key[0] == "maskwatch_today_masks_total"] == [
        ("maskwatch_today_masks_total", "front", "yes")
    ]


def test_what_is_unknown_has_no_metric(doors: Doors) -> None:
    doors.heard("front", "state", encode(State("ON", 3, 2, 1, TODAY)), True)
    assert names_of(samples(doors), "front") == set(), "it has not said whether it is online"
    doors.heard("front", "status", b"online", True)
    told = names_of(samples(doors), "front")
    assert "maskwatch_people" in told
    assert not told & {"maskwatch_healthy", "maskwatch_camera", "maskwatch_paused", "maskwatch_info"}
    come(doors, "front")
    doors.heard("front", "alert", encode(example_alert("front")), False)
    doors.heard("front", "status", b"offline", False)
    found = samples(doors)
    assert found["maskwatch_online", "front"] == 0
    assert names_of(found, "front") == {"maskwatch_online", "maskwatch_last_alert_timestamp_seconds"}
    doors.heard("front", "status", b"online", False)
    assert "maskwatch_frames_per_second" not in names_of(samples(doors), "front"), "statistics of before"
    doors.disconnected()
    assert samples(doors) == {("maskwatch_broker_connected",): 0.0}


def test_a_door_that_has_gone_silent_counts_as_offline() -> None:
    door = Door("front", online=True, heard=time.monotonic() - 96)
    assert not door.is_heard(time.monotonic()) and door.is_heard(door.heard + 90)


def test_when_somebody_was_seen_last(doors: Doors) -> None:
    def seen() -> float | None:
        return samples(doors).get(("maskwatch_last_person_timestamp_seconds", "front"))

    doors.heard("front", "state", encode(State()), True)
    doors.heard("front", "status", b"online", True)
    assert seen() is None, "unknown, not 1970"
    doors.heard("front", "state", encode(State(people=1)), False)
    before = time.time()
    assert (seen() or 0) >= before, "somebody is there now"
    doors.heard("front", "state", encode(State()), False)
    left = time.time()
    assert before <= (seen() or 0) <= left
    doors.heard("front", "state", encode(State("OFF")), False)
    doors.heard("front", "status", b"offline", False)
    assert before <= (seen() or 0) <= left, "later states with nobody change nothing"


def test_a_retained_state_of_a_door_that_is_away_tells_no_time(doors: Doors) -> None:
    doors.heard("front", "state", encode(State(people=1)), True)
    doors.heard("front", "status", b"offline", True)
    assert ("maskwatch_last_person_timestamp_seconds", "front") not in samples(doors)


@pytest.mark.parametrize(
    ("moment", "is_synced", "expected"),
    [
        ("2024-01-01T00:00:00.000Z", True, 1704067200.0),
        ("2999-01-01T00:00:00.000Z", True, None),
        ("1970-01-01T00:00:01.000Z", False, None),
        ("0001-01-01T00:00:00", True, None),
        ("yesterday", True, None),
    ],
)
def test_an_alert_has_its_own_time_if_that_can_be(
    doors: Doors, moment: str, is_synced: bool, expected: float | None
) -> None:
    alert = replace(example_alert("front"), time=moment, clock_synced=is_synced)
    before = time.time()
    doors.heard("front", "alert", encode(alert), False)
    doors.heard("front", "status", b"online", False)
    told = samples(doors)["maskwatch_last_alert_timestamp_seconds", "front"]
    assert told == expected or expected is None and before <= told <= time.time()
    doors.heard("front", "alert", encode(replace(alert, time="2023-01-01T00:00:00Z", clock_synced=True)), False)
    assert samples(doors)["maskwatch_last_alert_timestamp_seconds", "front"] == told, "an earlier one that had waited"


def test_odd_numbers_of_strangers_are_left_out(doors: Doors) -> None:
    come(doors, "front")
    numbers = "NaN Infinity -Infinity 1e400 null [1] {} true " + "9" * 400 + ' "7"'
    for number in numbers.split():
        said = f'{{"fps": {number}, "outbox": 1e18, "uptime_s": [[1]]}}'
        doors.heard("front", "stats", said.encode(), False)
        found = samples(doors)
        assert found.get(("maskwatch_frames_per_second", "front"), 1.0) == 1.0, number
        assert not names_of(found, "front") & {"maskwatch_alerts_waiting", "maskwatch_uptime_seconds"}
    for payload in (b'{"today": [], "people": "many"}', b"[]", b"\xff", b"[" * 5000):
        doors.heard("front", "state", payload, False)
        assert "maskwatch_today_people_total" not in names_of(samples(doors), "front")
    doors.heard("front", "health", b'{"camera": ["ok"], "model": {"a": 1}, "problem": null}', False)
    found = samples(doors)
    assert found["maskwatch_healthy", "front"] == 1.0
    assert not names_of(found, "front") & {"maskwatch_camera", "maskwatch_info"}
    doors.heard("front", "health", b'{"camera": "ok", "model": "half a pair: \\ud800", "problem": null}', False)
    assert "maskwatch_info" not in names_of(samples(doors), "front"), "it could not be sent as UTF-8"
    doors.heard("front", "health", encode(Health("ok", "x" * 5000)), False)
    assert max(len(label) for key in samples(doors) for label in key) <= 100


def test_the_number_of_metrics_has_a_limit(doors: Doors) -> None:
    come(doors, "front")
    one_door = len(samples(doors))
    for number in range(MOST_DOORS + 10):
        come(doors, f"door-{number}")
    assert len(samples(doors)) <= one_door * MOST_DOORS and one_door <= 45
    registry = CollectorRegistry()
    registry.register(DoorMetrics(doors))
    begin = time.process_time()
    size = len(generate_latest(registry))
    took = time.process_time() - begin
    print(f"{MOST_DOORS} doors: {one_door} series per door, {size / 1e6:.1f} MB, {took:.2f} s of one core per request")


def test_every_metric_is_documented() -> None:
    page = (ROOT / "systemd" / "prometheus" / "README.md").read_text().partition("## Metrics")[2]
    table = [line.split("|")[1] for line in page.partition("## Alerts")[0].splitlines() if line.startswith("| `")]
    named = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    assert named == {series.name for series in OF_ALL_DOORS} | {"maskwatch_broker_connected", "maskwatch_info"}


def test_a_doors_own_page_has_the_same_names() -> None:
    values = values_of({"fps": 5.0, "frames": 7}, {"mask": 1}, {}, True)
    text = [(sample.name, sample.labels, sample.value) for metric in families((), SERIES, [Saying((), values)])
            for sample in metric.samples]  # fmt: skip
    assert text == [
        ("maskwatch_frames_total", {}, 7.0),
        ("maskwatch_frames_per_second", {}, 5.0),
        ("maskwatch_people", {"mask": "yes"}, 1.0),
        ("maskwatch_paused", {}, 1.0),
    ]
