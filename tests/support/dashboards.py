"""Grafana's dashboard of all doors, written once for InfluxDB and once for Prometheus from one description.

Run: PYTHONPATH=.:tests .venv/bin/python -m support.dashboards
"""

import json
from pathlib import Path
from typing import Any, Literal

from support import ROOT
from support.panels import PANELS, Panel

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
EVERY: dict[Kind, str] = {"influxdb": ".*", "prometheus": ".+"}
"""The choice of all doors. Metrics of a door's own page have no door, and would count twice."""
LAST = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}


def dashboard(kind: Kind) -> dict[str, Any]:
    """Returns the dashboard as Grafana exports one for others to import."""
    name = NAMES[kind]
    variable = f"DS_{kind.upper()}"
    source = {"type": kind, "uid": f"${{{variable}}}"}
    given = {"name": variable, "label": name, "description": FILLED_BY[kind], "type": "datasource"}
    door = {
        "name": "device", "label": "Door", "type": "query", "datasource": source, "query": DOORS[kind],
        "includeAll": True, "allValue": EVERY[kind], "multi": True, "refresh": 2, "sort": 1, "current": {},
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
