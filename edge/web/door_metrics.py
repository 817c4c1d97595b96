"""Serves what all doors of a broker say to Prometheus. Loads neither NumPy nor OpenCV."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from ..config.web import WebConfig
from ..config.web_contradictions import LOOPBACK
from ..errors import ConfigError
from ..listening import Served
from ..serving.guard import Guard
from ..serving.headers import add_security_headers
from .door import Door
from .doors import Doors
from .metric_families import SERIES, Saying, Series, families, metrics_response, values_of
from .overview import health_response

SERVED = Served("metrics page", "--metrics-host", "--metrics")
OF_ALL_DOORS = (
    Series("online", "maskwatch_online", "1 while the door is online, 0 once it is offline or silent for 95 seconds"),
    Series("last_person", "maskwatch_last_person_timestamp_seconds", "when somebody was seen last, since this start"),
    Series("last_alert", "maskwatch_last_alert_timestamp_seconds", "when the last alert was raised, since this start"),
    *SERIES,
)
LONGEST_MODEL = 100
"""Characters of a model's name; one has about 20."""


class DoorMetrics:
    """Collects the metrics of all doors, with the label ``door`` (the interface of a Prometheus collector).

    What is unknown is left out: all doors while there is no connection to the broker, and what a door said before it
    went away. Runs in the page's thread.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yields every metric."""
        connected = self._doors.is_connected
        text = "1 while there is a connection to the broker"
        yield GaugeMetricFamily("maskwatch_broker_connected", text, value=float(connected))
        if not connected:
            return
        sayings, models = list[Saying](), InfoMetricFamily("maskwatch", "the door's model", labels=["door"])
        for door in self._doors.all():
            values = _values(door, time.monotonic())
            sayings.append(Saying((door.name,), values))
            if isinstance(model := values.get("model"), str) and model.isprintable():
                models.add_metric([door.name], {"model": model[:LONGEST_MODEL]})
        yield models
        yield from families(("door",), OF_ALL_DOORS, sayings)

    async def handle(self, request: web.Request) -> web.Response:
        """Answers with all metrics in Prometheus's text format."""
        return metrics_response(self._registry)


def _values(door: Door, now: float) -> Mapping[str, Any]:
    if door.standing(now) == "waiting":
        return {}
    gone = {"last_person": door.last_person_at, "last_alert": door.last_alert_at}
    if not door.is_heard(now):
        return {"online": False, **gone}
    values = values_of(door.stats, door.state, door.health, door.paused) | gone
    if door.people:
        values["last_person"] = time.time()
    return {"online": True, "model": door.health.get("model"), **values}


def metrics_options(options: WebConfig, host: str | None, port: int) -> WebConfig:
    """Returns the options of ``[web]`` at another address. Raises ``ConfigError`` if anybody could read the metrics."""
    options = replace(options, host=host or options.host, port=port, base_path="")
    if not options.password_hash and (options.host not in LOOPBACK or options.trusted_proxies):
        raise ConfigError(
            f"--metrics at {options.host}: other machines can reach this address, so the metrics need a password: "
            "maskwatch set --web-password"
        )
    return options


def metrics_application(options: WebConfig, doors: Doors) -> web.Application:
    """Makes the application with ``/metrics``, and ``/healthz`` without a password.

    Prometheus logs in by basic authentication with each request, so no session is kept.
    """
    metrics = DoorMetrics(doors)
    guard = Guard(options, None, lambda request: request.path in ("/", "/healthz"))
    app = web.Application(middlewares=[guard.middleware()])
    app.on_response_prepare.append(add_security_headers)

    async def to_metrics(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "metrics"}, text="the metrics are at /metrics")

    async def healthz(request: web.Request) -> web.Response:
        return health_response(doors)

    app.add_routes([web.get("/", to_metrics), web.get("/metrics", metrics.handle), web.get("/healthz", healthz)])
    return app
