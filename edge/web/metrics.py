"""Serves the newest statistics to Prometheus, and a health check without details."""

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from .. import __version__
from ..mqtt.messages import AlertMessage, CameraCondition, EventType
from .bus import Bus

GAUGES = {
    "fps": ("maskwatch_frames_per_second", "frames per second, over the last 100 frames"),
    "latency_ms": ("maskwatch_latency_milliseconds", "mean time of all stages per frame"),
    "cpu_temp_c": ("maskwatch_cpu_celsius", "temperature of the processor"),
    "throttled": ("maskwatch_throttled", "1 while the firmware throttles the processor"),
    "outbox": ("maskwatch_alerts_waiting", "alerts that no broker has acknowledged yet"),
    "uptime_s": ("maskwatch_uptime_seconds", "seconds since the start"),
}
"""Field of ``Stats`` -> name and help of the gauge."""


class Metrics:
    """Answers ``/metrics`` (as a Prometheus collector over the bus) and ``/healthz``.

    Runs in the page's thread, except ``_count``, which the bus calls in the sender's thread.
    """

    def __init__(self, bus: Bus, device: str, model: str) -> None:
        self._bus = bus
        self._device = device
        self._model = model
        self._alerts: Counter[str] = Counter()
        bus.add_listener(self._count)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def _count(self, kind: str, message: object) -> None:
        if isinstance(message, AlertMessage):
            self._alerts[message.event_type] += 1

    def collect(self) -> Iterator[Metric]:
        """Yields every metric (the interface of a Prometheus collector)."""
        info = {"version": __version__, "device": self._device, "model": self._model}
        yield InfoMetricFamily("maskwatch", "version, device and model", value=info)
        alerts = CounterMetricFamily("maskwatch_alerts", "alerts raised since the start", labels=["event_type"])
        for event_type in get_args(EventType):
            alerts.add_metric([event_type], self._alerts[event_type])
        yield alerts
        yield from self._stats()
        yield from self._state()
        yield from self._pause()
        yield from self._health()

    def _stats(self) -> Iterator[Metric]:
        if (stats := self._bus.last_messages.get("stats")) is None:
            return
        yield CounterMetricFamily("maskwatch_frames", "frames processed", value=stats.frames)
        yield CounterMetricFamily("maskwatch_frames_dropped", "frames dropped", value=stats.dropped)
        stages = GaugeMetricFamily("maskwatch_stage_milliseconds", "mean over 100 frames", labels=["stage"])
        stages.add_metric(["detect"], stats.detect_ms)
        stages.add_metric(["classify"], stats.classify_ms)
        yield stages
        yield GaugeMetricFamily("maskwatch_resident_bytes", "memory of the process", value=stats.rss_mb * 1e6)
        for field, (name, text) in GAUGES.items():
            if (value := getattr(stats, field)) is not None:
                yield GaugeMetricFamily(name, text, value=float(value))

    def _state(self) -> Iterator[Metric]:
        if (state := self._bus.last_messages.get("state")) is not None:
            people = GaugeMetricFamily("maskwatch_people", "people in view now, by judgement", labels=["mask"])
            people.add_metric(["yes"], state.mask)
            people.add_metric(["no"], state.no_mask_count)
            yield people

    def _pause(self) -> Iterator[Metric]:
        if (pause := self._bus.last_messages.get("pause")) is not None:
            yield GaugeMetricFamily("maskwatch_paused", "1 while watching is paused", value=float(pause.paused))

    def _health(self) -> Iterator[Metric]:
        if (health := self._bus.last_messages.get("health")) is not None:
            yield GaugeMetricFamily("maskwatch_healthy", "1 without a problem", value=float(health.problem is None))
            camera = GaugeMetricFamily("maskwatch_camera", "1 for the camera's condition", labels=["condition"])
            for condition in get_args(CameraCondition):
                camera.add_metric([condition], float(condition == health.camera))
            yield camera

    async def handle(self, request: web.Request) -> web.Response:
        """Answers with all metrics in Prometheus's text format."""
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def healthz(self, request: web.Request) -> web.Response:
        """Answers 200 without a problem, else 503; without details, because it needs no password.

        Somebody paused on purpose, so a pause is no problem: the status is ``paused``, with 200.
        """
        messages = self._bus.last_messages
        health, pause = messages.get("health"), messages.get("pause")
        if health is None or health.problem is not None:
            return web.json_response({"status": "problem"}, status=503)
        return web.json_response({"status": "paused" if pause is not None and pause.paused else "ok"})
