"""The newest numbers for Prometheus, and one word for whoever only asks whether all is well."""

from collections import Counter
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from .. import __version__
from ..mqtt.messages import AlertMessage
from .bus import Bus

CONDITIONS = ("ok", "lost", "frozen", "dark")
NUMBERS = {
    "fps": ("maskwatch_frames_per_second", "pictures a second, over the last 100"),
    "latency_ms": ("maskwatch_latency_milliseconds", "mean time of all stages"),
    "cpu_temp_c": ("maskwatch_cpu_celsius", "temperature of the processor"),
    "throttled": ("maskwatch_throttled", "1 while the firmware holds the processor back"),
    "outbox": ("maskwatch_alerts_waiting", "alerts that no broker has acknowledged yet"),
    "uptime_s": ("maskwatch_uptime_seconds", "seconds since the start"),
}


class Metrics:
    """A collector over the bus."""

    def __init__(self, bus: Bus, device: str, model: str) -> None:
        self._bus, self._device, self._model = bus, device, model
        self._raised: Counter[str] = Counter()
        bus.listen(self._count)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def _count(self, kind: str, message: object) -> None:
        if isinstance(message, AlertMessage):
            self._raised[message.event_type] += 1

    def collect(self) -> Iterator[Metric]:
        info = {"version": __version__, "device": self._device, "model": self._model}
        yield InfoMetricFamily("maskwatch", "what runs here", value=info)
        raised = CounterMetricFamily("maskwatch_alerts", "alerts raised since the start", labels=["event_type"])
        for kind in ("no_mask", "incorrect_mask"):
            raised.add_metric([kind], self._raised[kind])
        yield raised
        yield from self._stats()
        if (state := self._bus.last.get("state")) is not None:
            people = GaugeMetricFamily("maskwatch_people", "people judged, in view now", labels=["mask"])
            people.add_metric(["yes"], state.mask)
            people.add_metric(["no"], state.no_mask_count)
            yield people
        if (health := self._bus.last.get("health")) is not None:
            yield GaugeMetricFamily("maskwatch_healthy", "1 without a problem", value=float(health.problem is None))
            camera = GaugeMetricFamily("maskwatch_camera", "1 for what the camera is", labels=["condition"])
            for condition in CONDITIONS:
                camera.add_metric([condition], float(condition == health.camera))
            yield camera

    def _stats(self) -> Iterator[Metric]:
        if (stats := self._bus.last.get("stats")) is None:
            return
        yield CounterMetricFamily("maskwatch_frames", "pictures looked at", value=stats.frames)
        yield CounterMetricFamily("maskwatch_frames_dropped", "pictures passed over", value=stats.dropped)
        stages = GaugeMetricFamily("maskwatch_stage_milliseconds", "mean over 100 pictures", labels=["stage"])
        stages.add_metric(["detect"], stats.detect_ms)
        stages.add_metric(["classify"], stats.classify_ms)
        yield stages
        yield GaugeMetricFamily("maskwatch_resident_bytes", "memory of the process", value=stats.rss_mb * 1e6)
        for field, (name, text) in NUMBERS.items():
            if (value := getattr(stats, field)) is not None:
                yield GaugeMetricFamily(name, text, value=float(value))

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def healthz(self, request: web.Request) -> web.Response:
        """200 while there is no problem, else 503; which one is not everybody's business."""
        health = self._bus.last.get("health")
        well = health is not None and health.problem is None
        return web.json_response({"status": "ok" if well else "problem"}, status=200 if well else 503)
