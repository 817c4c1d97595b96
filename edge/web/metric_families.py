"""Makes Prometheus metrics of what doors say; one door's page and the metrics of all doors have the same names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from .door import CONDITIONS

LARGEST = 2.0**53
"""No number of a door is larger; larger ones are left out, like all that is no number."""
SINCE_MIDNIGHT = "since the door's midnight; a counter that starts anew each day"


@dataclass(frozen=True, slots=True)
class Series:
    """One time series of a door: where its value is (names with dots between them), name and help of its metric.

    A name that ends with ``_total`` is a counter's. ``label`` is a further label, with its value.
    """

    path: str
    name: str
    text: str
    label: tuple[str, str] | None = None
    factor: float = 1.0


SERIES = (
    Series("stats.frames", "maskwatch_frames_total", "frames processed"),
    Series("stats.dropped", "maskwatch_frames_dropped_total", "frames dropped"),
    Series("stats.detect_ms", "maskwatch_stage_milliseconds", "mean over 100 frames", ("stage", "detect")),
    Series("stats.classify_ms", "maskwatch_stage_milliseconds", "mean over 100 frames", ("stage", "classify")),
    Series("stats.rss_mb", "maskwatch_resident_bytes", "memory of the process", factor=1e6),
    Series("stats.fps", "maskwatch_frames_per_second", "frames per second, over the last 100 frames"),
    Series("stats.latency_ms", "maskwatch_latency_milliseconds", "mean time of all stages per frame"),
    Series("stats.cpu_temp_c", "maskwatch_cpu_celsius", "temperature of the processor"),
    Series("stats.throttled", "maskwatch_throttled", "1 while the firmware throttles the processor"),
    Series("stats.outbox", "maskwatch_alerts_waiting", "alerts that no broker has acknowledged yet"),
    Series("stats.uptime_s", "maskwatch_uptime_seconds", "seconds since the start"),
    Series("stats.clock_synced", "maskwatch_clock_synced", "1 while the door's clock is synchronized"),
    Series("state.mask", "maskwatch_people", "people in view now, by judgement", ("mask", "yes")),
    Series("state.no_mask_count", "maskwatch_people", "people in view now, by judgement", ("mask", "no")),
    Series("state.today.people", "maskwatch_today_people_total", f"people judged {SINCE_MIDNIGHT}"),
    Series("state.today.alerts", "maskwatch_today_alerts_total", f"alerts {SINCE_MIDNIGHT}"),
    *(
        Series(f"state.today.{kind}", "maskwatch_today_masks_total", f"people by mask {SINCE_MIDNIGHT}", ("mask", mask))
        for kind, mask in {"mask": "yes", "no_mask": "no", "incorrect_mask": "incorrect", "unsure": "unsure"}.items()
    ),
    Series("state.today.mask_share.value", "maskwatch_today_mask_ratio", "share of today's people with a mask"),
    Series("state.today.mask_share.low", "maskwatch_today_mask_ratio_low", "lower end of that share's interval"),
    Series("state.today.mask_share.high", "maskwatch_today_mask_ratio_high", "upper end of that share's interval"),
    Series("is_biased", "maskwatch_today_mask_ratio_biased", "1 if that share is too low: the detector haar counted"),
    Series("paused", "maskwatch_paused", "1 while watching is paused"),
    Series("healthy", "maskwatch_healthy", "1 without a problem"),
    *(
        Series(f"camera.{condition}", "maskwatch_camera", "1 for the camera's condition", ("condition", condition))
        for condition in CONDITIONS
    ),
)
"""What one door's page and the metrics of all doors have in common."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a door has said last. ``labels`` are the values of its labels; ``values`` has what ``Series.path`` names."""

    labels: Sequence[str]
    values: Mapping[str, Any]


def values_of(
    stats: Mapping[str, Any], state: Mapping[str, Any], health: Mapping[str, Any], paused: bool | None
) -> dict[str, Any]:
    """Returns the values of ``SERIES``. A message that a door has not sent is empty: what is unknown has no metric."""
    today = state.get("today")
    note = today.get("note", ...) if isinstance(today, dict) and today.get("mask_share") else ...
    camera = health.get("camera")
    return {
        "stats": stats,
        "state": state,
        "is_biased": None if note is ... else note is not None,
        "paused": paused,
        "healthy": health["problem"] is None if "problem" in health else None,
        "camera": {name: camera == name for name in CONDITIONS} if camera in CONDITIONS else None,
    }


def families(label_names: Sequence[str], series: Iterable[Series], doors: Iterable[Saying]) -> Iterator[Metric]:
    """Yields the metrics of the doors; a metric that no door has is left out."""
    made: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    doors = list(doors)
    for one in series:
        for door in doors:
            if (value := number(door.values, one.path)) is not None:
                if one.name not in made:
                    kind = CounterMetricFamily if one.name.endswith("_total") else GaugeMetricFamily
                    further = one.label[:1] if one.label else ()
                    made[one.name] = kind(one.name, one.text, labels=[*label_names, *further])
                made[one.name].add_metric([*door.labels, *(one.label[1:] if one.label else ())], value * one.factor)
    yield from made.values()


def number(values: Mapping[str, Any], path: str) -> float | None:
    """Returns the number at a path; None if there is none, because anybody may publish."""
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) and -LARGEST <= found <= LARGEST else None


def metrics_response(registry: CollectorRegistry) -> web.Response:
    """Returns all metrics of a registry in Prometheus's text format."""
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    return web.Response(body=generate_latest(registry), headers=headers)
