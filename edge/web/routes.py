"""Puts the page of a door together: its routes, and the server that serves them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from ..config.schema import Config
from ..serving.answers import error_response
from ..serving.guard import Guard, Handler
from ..serving.headers import add_security_headers
from ..serving.server import Server
from .alerts import Alerts
from .assets import file_routes, html_handler, is_public
from .backend import Backend
from .bus import Bus
from .check import Check
from .feed import Feed
from .manifest import manifest_handler
from .metrics import Metrics
from .notice import Notice
from .pause import pause_handler
from .report import Reports
from .report_source import OwnCounts
from .settings import Settings
from .setup import Setup
from .sign import Sign
from .snapshots import SnapshotFiles
from .tuning import faces_handler
from .view import View


class Page:
    """Serves the page of a door from ``start`` to ``close``, which the main thread calls.

    Owns the server's thread ``page``, and the thread ``page-work``, which draws and encodes the live image. ``report``
    receives the problem while the page cannot be served, else None.
    """

    def __init__(self, config: Config, bus: Bus, backend: Backend, report: Callable[[str | None], None]) -> None:
        # one thread: it uses one core at most, and a detector must stay in one thread
        self._worker = ThreadPoolExecutor(1, "page-work")
        self._server = Server(config.web, lambda: door_application(config, bus, backend, self._worker), report)

    def start(self) -> "Page":
        """Starts to serve, and waits until that has succeeded or failed for the first time."""
        self._server.start()
        return self

    def close(self) -> None:
        """Stops serving, within a bounded time."""
        self._server.close()
        self._worker.shutdown(wait=False, cancel_futures=True)


def door_application(config: Config, bus: Bus, backend: Backend, worker: ThreadPoolExecutor) -> web.Application:
    """Makes the application of a door's page."""
    options = config.web
    sign = Sign(config.sign, bus)
    guard = Guard(options, backend.sessions, lambda request: is_public(request) or sign.is_public(request))
    settings = Settings(config, bus, backend)
    view = View(bus, options.fps, lambda: settings.config.web.setup, backend.open_hider, worker)
    alerts = Alerts(bus, backend, config.device.name)
    snapshots = SnapshotFiles(bus, backend.snapshots, worker)
    metrics = Metrics(bus, config.device.name, backend.model)
    check = Check(config)
    app = web.Application(middlewares=[guard.middleware()])
    app.on_startup.append(alerts.read_ahead)
    app.on_response_prepare.append(add_security_headers)
    app.on_shutdown.append(check.close)
    app.on_cleanup.append(guard.close)
    app.add_routes(
        [
            *_files(config.device.name),
            web.get("/live.mjpeg", view.stream),
            web.get("/live.jpg", view.still),
            web.get("/events", Feed(bus, settings.state).events),
            web.get("/api/now", settings.now),
            *alerts.routes(),
            *snapshots.routes(),
            *Reports(OwnCounts(backend.record, config.device.name), config.report).routes(),
            *sign.routes(),
            *Notice(lambda: settings.config).routes(),
            *check.routes(),
            *Setup(settings, guard, backend, bus).routes(),
            web.post("/api/settings", settings.change),
            web.get("/api/faces", faces_handler(bus)),
            web.post("/api/pause", pause_handler(backend)),
            web.post("/api/test", _test_handler(backend)),
            web.get("/metrics", metrics.handle),
            web.get("/healthz", metrics.healthz),
            *guard.routes(),
        ]
    )
    return app


def _files(device: str) -> list[web.RouteDef]:
    return [
        web.get("/", html_handler("index.html")),
        web.get("/login", html_handler("login.html")),
        web.get("/manifest.webmanifest", manifest_handler(device)),
        *file_routes(),
    ]


def _test_handler(backend: Backend) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if not backend.send_test():
            text = "there is no connection to a broker, so that no phone can hear it"
            return error_response(503, text, code="no_broker")
        return web.json_response({"sent": True})

    return handle
