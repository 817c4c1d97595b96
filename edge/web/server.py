"""Serves the page over HTTP: the routes, the server's thread, and a bounded shutdown."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from .. import __version__
from ..config.load import Sections
from ..config.schema import Config
from ..errors import ConfigError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..listening import listen_problem, url_of
from ..timing import Backoff
from .bus import Bus
from .check import MAX_BYTES, Check, error_response
from .feed import Feed
from .guard import Guard, add_security_headers
from .metrics import Metrics
from .view import View

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
HTML = {"/": "index.html", "/login": "login.html"}
FILES = ("app.js", "draw.js", "login.js", "style.css", "icon.svg")
CHANGEABLE = {"detect": ("zones", "min_face"), "web": ("setup",)}
"""The only options that the page may change, by section."""
START_TIMEOUT = 2.0
"""Seconds for which the monitor waits for the first attempt; a name server may take longer."""
STOP_TIMEOUT = 5.0
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between attempts to use an address: 1, 2, 4 ... 30."""


class Backend(Protocol):
    """What the page needs from the monitor. The page's threads call every method, the loop's thread calls none."""

    @property
    def model(self) -> str:
        """Name of the model."""

    @property
    def outbox(self) -> Path | None:
        """The file with the alerts of earlier runs; None if alerts are only printed."""

    @property
    def snapshots(self) -> Path:
        """The folder of snapshots."""

    def open_models(self) -> tuple[Detector, MaskClassifier]:
        """Opens a detector and a classifier for still images, for the caller alone. Raises ``ModelError``."""

    def open_eager(self) -> Detector:
        """Opens a detector that finds faces to blur, for the caller alone. Raises ``ModelError``."""

    def change(self, sections: Sections) -> Config:
        """Stores and applies options; returns the configuration with them. Raises ``ConfigError``."""

    def send_test(self) -> bool:
        """Asks for a test text on the phone; returns False without a broker."""


class Page:
    """Serves the page from ``start`` to ``close``, which the main thread calls.

    Owns the thread ``page``, which runs every handler, and the thread ``page-work``, which detects, draws and encodes.
    While host and port cannot be used, it tries again and again. ``report`` receives that problem, and None once it is
    served.
    """

    def __init__(self, config: Config, bus: Bus, backend: Backend, report: Callable[[str | None], None]) -> None:
        self._report = report
        self._config = config
        self._bus = bus
        self._backend = backend
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()  # one change at a time, because each reads the file and writes it again
        self._loop = asyncio.new_event_loop()
        # one thread: it uses one core at most, and a detector must stay in one thread
        self._worker = ThreadPoolExecutor(1, "page-work")
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> "Page":
        """Starts to serve, and waits until that has succeeded or failed for the first time."""
        self._thread.start()
        self._started.wait(START_TIMEOUT)
        return self

    def close(self) -> None:
        """Stops serving, within ``STOP_TIMEOUT``."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_TIMEOUT)
        self._worker.shutdown(wait=False, cancel_futures=True)

    # Everything below runs in the thread ``page``.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # a fault of the page must not end the monitor
            log.exception("the page has failed")
            self._report(f"the page is no longer served: {type(error).__name__}; restart maskwatch")
        self._started.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await self._listen(runner)
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        """Listens as soon as the address can be used: its port may be another program's, its network may come later."""
        host, port = self._config.web.host, self._config.web.port
        backoff = Backoff(SHORTEST_PAUSE, LONGEST_PAUSE)
        while not self._stopping.is_set():
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                await site.stop()
                self._report(f"the page cannot use {listen_problem(host, port, error)}")
                self._started.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), backoff.next())
            else:
                self._report(None)
                log.info("the page is at %s", url_of(host, port))
                return self._started.set()

    def _application(self) -> web.Application:
        options, backend = self._config.web, self._backend
        guard = Guard(options.host, options.password_hash)
        view = View(self._bus, options.fps, lambda: self._config.web.setup, backend.open_eager, self._worker)
        feed = Feed(self._bus, backend.outbox, self._page_state)
        metrics = Metrics(self._bus, self._config.device.name, backend.model)
        app = web.Application(middlewares=[guard.middleware()], client_max_size=MAX_BYTES)
        app.on_response_prepare.append(add_security_headers)
        app.add_routes(
            [
                *(web.get(path, _file_handler(name)) for path, name in HTML.items()),
                *(web.get(f"/{name}", _file_handler(name)) for name in FILES),
                web.get("/live.mjpeg", view.stream),
                web.get("/live.jpg", view.still),
                web.get("/events", feed.events),
                web.get("/api/now", self._handle_now),
                web.get("/api/alerts", feed.alerts),
                web.get("/api/snapshots/{id:[0-9a-f-]{36}}", self._handle_snapshot),
                web.post("/api/check", Check(backend.open_models, self._worker).handle),
                web.post("/api/settings", self._handle_settings),
                web.post("/api/test", self._handle_test),
                web.get("/metrics", metrics.handle),
                web.get("/healthz", metrics.healthz),
                web.post("/login", guard.login),
                web.post("/logout", guard.logout),
            ]
        )
        return app

    def _page_state(self) -> dict[str, Any]:
        """Returns everything that the page shows when it is opened."""
        config, shown = self._config, self._bus.shown
        return {
            "device": config.device.name,
            "version": __version__,
            "model": self._backend.model,
            "detector": config.detect.detector,
            "frame_size": [shown.image.shape[1], shown.image.shape[0]] if shown else None,
            "zones": config.detect.zones,
            "min_face": config.detect.min_face,
            "setup": config.web.setup,
            "locked": bool(config.web.password_hash),
            "snapshots": config.snapshots.mode != "off",
            **{kind: asdict(message) for kind, message in self._bus.last_messages.items()},
        }

    async def _handle_now(self, request: web.Request) -> web.Response:
        return web.json_response(self._page_state())

    async def _handle_snapshot(self, request: web.Request) -> web.StreamResponse:
        path = self._backend.snapshots / f"{request.match_info['id']}.jpg"
        if not path.is_file():
            return error_response(404, "this alert has no snapshot, or the snapshot was deleted")
        return web.FileResponse(path)

    async def _handle_test(self, request: web.Request) -> web.Response:
        if not self._backend.send_test():
            return error_response(503, "there is no connection to a broker, so that no phone can hear it")
        return web.json_response({"sent": True})

    async def _handle_settings(self, request: web.Request) -> web.Response:
        """Changes options in the executor, because that writes files and opens a detector."""
        try:
            sections = checked_changes(await request.json())
            loop = asyncio.get_running_loop()
            async with self._changing:
                self._config = await loop.run_in_executor(None, self._backend.change, sections)
        except (ConfigError, ValueError) as error:
            return error_response(400, str(error))
        return web.json_response(self._page_state())


def checked_changes(data: Any) -> dict[str, dict[str, Any]]:
    """Returns the sections of a request if the page may change each option in them. Raises ``ValueError``."""
    if not isinstance(data, dict) or not data:
        raise ValueError("send sections with options, for example {'detect': {'min_face': 60}}")
    for section, options in data.items():
        for key in options if isinstance(options, dict) else [options]:
            if key not in CHANGEABLE.get(section, ()):
                raise ValueError(f"{section}.{key} cannot be changed on the page; use `maskwatch set`")
    return data


def _file_handler(name: str) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / name)

    return handle
