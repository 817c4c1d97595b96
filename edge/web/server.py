"""The page's server: routes, one thread, a start that fails loudly and an end that is bounded."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from .. import __version__
from ..config.schema import Config
from ..errors import ConfigError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from .bus import Bus
from .check import BYTES, Check, refusal
from .feed import Feed
from .guard import Guard, restrict
from .metrics import Metrics
from .view import View

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
PAGES = {"/": "index.html", "/login": "login.html"}
FILES = ("app.js", "draw.js", "login.js", "style.css", "icon.svg")
CHANGEABLE = {"detect": ("zones", "min_face"), "web": ("setup",)}
"""What the page may change, and nothing else."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page needs of the monitor: files to read, parts to open for itself, and ``change`` for its settings.

    ``change`` takes sections of options, keeps them, applies them, and returns the configuration that then counts; it
    raises ``ConfigError``.
    """

    model: str
    outbox: Path | None
    snapshots: Path
    open_check: Callable[[], tuple[Detector, MaskClassifier]]
    open_eager: Callable[[], Detector]
    change: Callable[[dict[str, dict[str, Any]]], Config]


class Page:
    """Serves until ``close``. Raises ``ConfigError`` when the address cannot be had."""

    def __init__(self, config: Config, bus: Bus, desk: Desk) -> None:
        self._config, self._bus, self._desk = config, bus, desk
        self._started, self._stopping = threading.Event(), asyncio.Event()
        self._failure: OSError | None = None
        self._loop = asyncio.new_event_loop()
        self._worker = ThreadPoolExecutor(1, "page-work")  # one core at most, and detectors know one thread only
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def address(self) -> str:
        host = self._config.web.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._config.web.port}/"

    def start(self) -> "Page":
        self._thread.start()
        self._started.wait(10)
        if self._failure is not None:
            raise ConfigError(
                f"the page cannot be served at {self.address}: {self._failure.strerror}; set [web] host and port"
            ) from self._failure
        log.info("the page is at %s", self.address)
        return self

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(5)
        self._worker.shutdown(wait=False, cancel_futures=True)

    # Everything below runs in the page's thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failure = error
        except Exception:  # the page may fall; the monitor goes on
            log.exception("the page has ended")
        self._started.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._config.web.host, self._config.web.port).start()
            self._started.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        own, desk = self._config.web, self._desk
        guard = Guard(own.host, own.password_hash)
        view = View(self._bus, own.fps, lambda: self._config.web.setup, desk.open_eager, self._worker)
        feed = Feed(self._bus, desk.outbox, self._now)
        metrics = Metrics(self._bus, self._config.device.name, desk.model)
        app = web.Application(middlewares=[guard.middleware()], client_max_size=BYTES)
        app.on_response_prepare.append(restrict)
        app.add_routes(
            [
                *(web.get(path, _file(name)) for path, name in PAGES.items()),
                *(web.get(f"/{name}", _file(name)) for name in FILES),
                web.get("/live.mjpeg", view.stream),
                web.get("/live.jpg", view.still),
                web.get("/events", feed.events),
                web.get("/api/now", self._tell_now),
                web.get("/api/alerts", feed.alerts),
                web.get("/api/snapshots/{id:[0-9a-f-]{36}}", self._snapshot),
                web.post("/api/check", Check(desk.open_check, self._worker).answer),
                web.post("/api/settings", self._settings),
                web.get("/metrics", metrics.answer),
                web.get("/healthz", metrics.healthz),
                web.post("/login", guard.login),
                web.post("/logout", guard.logout),
            ]
        )
        return app

    def _now(self) -> dict[str, Any]:
        """Everything that the page shows, as of this moment."""
        config, sight = self._config, self._bus.sight
        return {
            "device": config.device.name,
            "version": __version__,
            "model": self._desk.model,
            "detector": config.detect.detector,
            "frame_size": [sight.image.shape[1], sight.image.shape[0]] if sight else None,
            "zones": config.detect.zones,
            "min_face": config.detect.min_face,
            "setup": config.web.setup,
            "locked": bool(config.web.password_hash),
            "snapshots": config.snapshots.mode != "off",
            **{kind: asdict(message) for kind, message in self._bus.last.items()},
        }

    async def _tell_now(self, request: web.Request) -> web.Response:
        return web.json_response(self._now())

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        path = self._desk.snapshots / f"{request.match_info['id']}.jpg"
        if not path.is_file():
            return refusal(404, "there is no picture of this alert (any more)")
        return web.FileResponse(path)

    async def _settings(self, request: web.Request) -> web.Response:
        try:
            wanted = changes(await request.json())
            loop = asyncio.get_running_loop()
            self._config = await loop.run_in_executor(None, self._desk.change, wanted)
        except (ConfigError, ValueError) as error:
            return refusal(400, str(error))
        return web.json_response(self._now())


def changes(asked: Any) -> dict[str, dict[str, Any]]:
    """The sections asked for, if they are the page's to change. Raises ``ValueError``."""
    if not isinstance(asked, dict) or not asked:
        raise ValueError("send sections with options, for example {'detect': {'min_face': 60}}")
    for section, options in asked.items():
        for key in options if isinstance(options, dict) else [options]:
            if key not in CHANGEABLE.get(section, ()):
                raise ValueError(f"{section}.{key} cannot be changed here; use `maskwatch set`")
    return asked


def _file(name: str) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / name)

    return answer
