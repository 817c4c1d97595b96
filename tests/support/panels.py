"""The panels of Grafana's dashboard of all doors, with their queries for InfluxDB and for Prometheus."""

from dataclasses import dataclass, field
from typing import Any, Literal

from edge.record.bias import BIAS

CHOSEN = '"device" =~ /^$device$/'
OVER_TIME = f'WHERE {CHOSEN} AND $timeFilter GROUP BY time($__interval), "device"'
BARS = {"custom": {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}}, "decimals": 0}


def steps(*levels: tuple[str, float | None]) -> dict[str, Any]:
    """Colours from these values on."""
    return {"thresholds": {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in levels]}}


@dataclass(frozen=True)
class Panel:
    """A panel, its place (x, y, width, height), and its query in each language.

    In Prometheus's, DOOR is the choice of doors. A table may have several, which stand beside each other.
    """

    title: str
    type: Literal["stat", "table", "timeseries"]
    place: tuple[int, int, int, int]
    influxdb: str
    prometheus: str | tuple[str, ...]
    description: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    alias: str = "$tag_device"


PANELS = (
    Panel(
        "Alerts in this time",
        "stat",
        (0, 0, 4, 4),
        f'SELECT count("score") FROM "maskwatch_alert" WHERE {CHOSEN} AND $timeFilter',
        "round(sum(increase(maskwatch_today_alerts_total{DOOR}[$__range])))",
        alias="alerts",
    ),
    Panel(
        "People now",
        "stat",
        (4, 0, 4, 4),
        'SELECT sum("people") FROM (SELECT last("people") AS "people" FROM "maskwatch_state" '
        f'WHERE {CHOSEN} AND $timeFilter GROUP BY "device")',
        "sum(maskwatch_people{DOOR})",
        "As the doors said last.",
        alias="people",
    ),
    Panel(
        "Alerts that wait on a device",
        "stat",
        (8, 0, 4, 4),
        'SELECT sum("outbox") FROM (SELECT last("outbox") AS "outbox" FROM "maskwatch_stats" '
        f'WHERE {CHOSEN} AND $timeFilter GROUP BY "device")',
        "sum(maskwatch_alerts_waiting{DOOR})",
        defaults=steps(("green", None), ("red", 1)),
        alias="waiting",
    ),
    Panel(
        "Doors that send statistics",
        "stat",
        (12, 0, 4, 4),
        'SELECT count("fps") FROM (SELECT last("fps") AS "fps" FROM "maskwatch_stats" '
        f'WHERE {CHOSEN} AND time > now() - 2m GROUP BY "device")',
        "count(maskwatch_frames_per_second{DOOR})",
        "In the last two minutes.",
        alias="doors",
    ),
    Panel(
        "Online",
        "table",
        (16, 0, 8, 8),
        f'SELECT last("value") AS "status" FROM "maskwatch_status" WHERE {CHOSEN} GROUP BY "device"',
        "max by (door) (maskwatch_online{DOOR})",
        "Each door's last word, or its last will.",
    ),
    Panel(
        "Alerts",
        "timeseries",
        (0, 4, 16, 8),
        f'SELECT count("score") FROM "maskwatch_alert" {OVER_TIME} fill(0)',
        "round(increase(maskwatch_today_alerts_total{DOOR}[$__rate_interval]))",
        defaults=BARS,
    ),
    Panel(
        "Problems",
        "table",
        (16, 8, 8, 8),
        f'SELECT last("camera") AS "camera", "problem" FROM "maskwatch_health" WHERE {CHOSEN} GROUP BY "device"',
        'max by (door, condition) (maskwatch_camera{DOOR, condition!="ok"} == 1) '
        "or on (door) max by (door) (maskwatch_healthy{DOOR} == 0)",
    ),
    Panel(
        "People",
        "timeseries",
        (0, 12, 16, 8),
        f'SELECT non_negative_difference(max("today_people")) FROM "maskwatch_state" {OVER_TIME} fill(null)',
        "round(increase(maskwatch_today_people_total{DOOR}[$__rate_interval]))",
        "People who were judged; the counts start anew at the door's midnight.",
        BARS,
    ),
    Panel(
        "Share with a mask, today",
        "table",
        (16, 16, 8, 8),
        'SELECT last("today_mask_share_value") AS "share", last("today_mask_share_low") AS "low", '
        f'last("today_mask_share_high") AS "high" FROM "maskwatch_state" WHERE {CHOSEN} AND $timeFilter '
        'GROUP BY "device"',
        (
            "max by (door) (maskwatch_today_mask_ratio{DOOR})",
            "max by (door) (maskwatch_today_mask_ratio_low{DOOR})",
            "max by (door) (maskwatch_today_mask_ratio_high{DOOR})",
            "max by (door) (maskwatch_today_mask_ratio_biased{DOOR})",
        ),
        f"From 30 people on, with the interval of 95 %. A door's people may be {BIAS}.",
        {"unit": "percentunit", "decimals": 0},
    ),
    Panel(
        "Frames per second",
        "timeseries",
        (0, 20, 8, 7),
        f'SELECT mean("fps") FROM "maskwatch_stats" {OVER_TIME} fill(null)',
        "maskwatch_frames_per_second{DOOR}",
    ),
    Panel(
        "Detection and classification",
        "timeseries",
        (8, 20, 8, 7),
        f'SELECT mean("latency_ms") FROM "maskwatch_stats" {OVER_TIME} fill(null)',
        "maskwatch_latency_milliseconds{DOOR}",
        defaults={"unit": "ms"},
    ),
    Panel(
        "Temperature",
        "timeseries",
        (16, 24, 8, 7),
        f'SELECT max("cpu_temp_c") FROM "maskwatch_stats" {OVER_TIME} fill(null)',
        "maskwatch_cpu_celsius{DOOR}",
        "A Pi slows itself down from 80 degrees on.",
        {**steps(("green", None), ("orange", 70), ("red", 80)), "unit": "celsius"},
    ),
    Panel(
        "Memory",
        "timeseries",
        (0, 27, 8, 7),
        f'SELECT max("rss_mb") FROM "maskwatch_stats" {OVER_TIME} fill(null)',
        "maskwatch_resident_bytes{DOOR} / 1e6",
        defaults={"unit": "decmbytes"},
    ),
    Panel(
        "Frames dropped",
        "timeseries",
        (8, 27, 8, 7),
        f'SELECT non_negative_derivative(max("dropped"), 1s) FROM "maskwatch_stats" {OVER_TIME} fill(null)',
        "rate(maskwatch_frames_dropped_total{DOOR}[$__rate_interval])",
        "A second; more than a few mean that the device cannot follow its camera.",
        {"unit": "short"},
    ),
)
