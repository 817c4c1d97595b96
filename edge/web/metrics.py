"""Serves the newest statistics to Prometheus, and a health check without details."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, InfoMetricFamily, Metric

from .. import __version__
from ..mqtt.messages import AlertMessage, EventType
from .bus import Bus
from .metric_families import SERIES, Saying, families, metrics_response, values_of


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
        stats, state, health = map(self._last, ("stats", "state", "health"))
        pause = self._bus.last_messages.get("pause")
        values = values_of(stats, state, health, None if pause is None else pause.paused)
        yield from families((), SERIES, [Saying((), values)])

    def _last(self, kind: str) -> Mapping[str, Any]:
        message = self._bus.last_messages.get(kind)
        return {} if message is None else asdict(message)

    async def handle(self, request: web.Request) -> web.Response:
        """Answers with all metrics in Prometheus's text format."""
        return metrics_response(self._registry)

    async def healthz(self, request: web.Request) -> web.Response:
        """Answers 200 without a problem, else 503; without details, because it needs no password.

        Somebody paused on purpose, so a pause is no problem: the status is ``paused``, with 200.
        """
        messages = self._bus.last_messages
        health, pause = messages.get("health"), messages.get("pause")
        if health is None or health.problem is not None:
            return web.json_response({"status": "problem"}, status=503)
        return web.json_response({"status": "paused" if pause is not None and pause.paused else "ok"})
