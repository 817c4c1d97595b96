"""Grafana's dashboard of all doors, written once for InfluxDB and once for Prometheus from one description.

Run: PYTHONPATH=.:tests .venv/bin/python -m support.dashboards
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from support import ROOT

from edge.record.report import BIAS

Kind = Literal["influxdb", "prometheus"]
FILES: dict[Kind, Path] = {
    "influxdb": ROOT / "systemd" / "grafana.json",
    "prometheus": ROOT / "systemd" / "prometheus" / "grafana.json",
}
NAMES: dict[Kind, str] = {"influxdb": "InfluxDB", "prometheus": "Prometheus"}
FILLED_BY: dict[Kind, str] = {
    "influxdb": "The database that telegraf.conf fills",
    "prometheus": "The server that asks maskwatch watch --metrics",
}
DOORS: dict[Kind, str] = {
    "influxdb": 'SHOW TAG VALUES FROM "maskwatch_stats" WITH KEY = "device"',
    "prometheus": "label_values(maskwatch_online, door)",
}
"""What gives the names of the doors, for the choice at the top."""
CHOSEN = '"device" =~ /^$device$/'
OVER_TIME = f'WHERE {CHOSEN} AND $timeFilter GROUP BY time($__interval), "device"'
LAST = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
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


def dashboard(kind: Kind) -> dict[str, Any]:
    """Returns the dashboard as Grafana exports one for others to import."""
    name = NAMES[kind]
    variable = f"DS_{kind.upper()}"
    source = {"type": kind, "uid": f"${{{variable}}}"}
    given = {"name": variable, "label": name, "description": FILLED_BY[kind], "type": "datasource"}
    door = {
        "name": "device", "label": "Door", "type": "query", "datasource": source, "query": DOORS[kind],
        "includeAll": True, "allValue": ".*", "multi": True, "refresh": 2, "sort": 1, "current": {},
    }  # fmt: skip
    return {
        "__inputs": [{**given, "pluginId": kind, "pluginName": name}],
        "__requires": [
            {"type": "datasource", "id": kind, "name": name, "version": "1.0.0"},
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "9.0.0"},
        ],
        "title": "maskwatch: all doors" + (" (Prometheus)" if kind == "prometheus" else ""),
        "uid": "maskwatch-doors" + ("-prometheus" if kind == "prometheus" else ""),
        "tags": ["maskwatch"],
        "schemaVersion": 36,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [door]},
        "annotations": {"list": []},
        "panels": [panel(number, one, kind, source) for number, one in enumerate(PANELS, 1)],
    }


def panel(number: int, one: Panel, kind: Kind, source: dict[str, str]) -> dict[str, Any]:
    """Returns a panel."""
    x, y, width, height = one.place
    targets = [
        {"datasource": source, **target, "refId": "ABCD"[index]} for index, target in enumerate(targets_of(one, kind))
    ]
    return {
        "id": number,
        "type": one.type,
        "title": one.title,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "datasource": source,
        "targets": targets,
        "fieldConfig": {"defaults": one.defaults, "overrides": []},
        "options": LAST if one.type == "stat" else {},
        **({"description": one.description} if one.description else {}),
        **({"transformations": [{"id": "merge", "options": {}}]} if len(targets) > 1 else {}),
    }


def targets_of(one: Panel, kind: Kind) -> list[dict[str, Any]]:
    """Returns a panel's queries."""
    is_table = one.type == "table"
    if kind == "influxdb":
        how = {"resultFormat": "table"} if is_table else {"resultFormat": "time_series", "alias": one.alias}
        return [{"rawQuery": True, "query": one.influxdb, **how}]
    queries = (one.prometheus,) if isinstance(one.prometheus, str) else one.prometheus
    shown = {"format": "table", "instant": True} if is_table else {"legendFormat": "{{door}}", "range": True}
    shown = {"instant": True} if one.type == "stat" else shown
    return [{"expr": query.replace("{DOOR", '{door=~"$device"'), **shown} for query in queries]


def text_of(kind: Kind) -> str:
    """Returns the file."""
    return json.dumps(dashboard(kind), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for kind, file in FILES.items():
        file.write_text(text_of(kind))
