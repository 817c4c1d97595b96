"""Serves all doors of a broker on one page, which changes nothing. Loads neither NumPy nor OpenCV."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from ..config.schema import Config
from ..config.shifts import Shift
from ..record.checksums import Checksums
from ..record.period import DoorPeriod
from ..record.report import Report
from ..serving.guard import Guard
from ..serving.headers import add_security_headers
from .assets import file_routes, html_handler, is_public
from .doors import Doors
from .feed import Feed
from .one_thread import OneThread
from .report import Reports


class DoorReports(Protocol):
    """The reports of many doors, from a database. For one thread; raises ``EdgeError``."""

    def names(self) -> list[str]:
        """Returns the names of all doors."""

    def report(self, first: date, last: date, door: str = "", *, shifts: Sequence[Shift] = ()) -> Report:
        """Sums the counts of one door, or of all. Raises ``ConfigError`` for an unknown door."""

    def by_door(self, first: date, last: date, door: str = "") -> list[DoorPeriod]:
        """Returns the sums of each door. Raises ``ConfigError`` for an unknown door."""


class ManyDoors:
    """A ``ReportSource`` of many doors. Owns the thread ``store-report``, which alone reads the database."""

    device = ""

    def __init__(self, reports: DoorReports) -> None:
        self._reports = reports
        self.executor = OneThread("store-report")
        self.names = reports.names
        self.by_door = reports.by_door

    def report(self, first: date, last: date, door: str, shifts: Sequence[Shift]) -> Report:
        """Sums the counts of one door, or of all."""
        return self._reports.report(first, last, door, shifts=shifts)

    def checksums(self, first: date, last: date) -> Checksums:
        """Returns none: each door has its own trail."""
        return Checksums({}, ())

    async def close(self, app: web.Application) -> None:
        """Ends the thread, once it has answered."""
        self.executor.shutdown()


def overview_application(config: Config, doors: Doors, sessions: Path, reports: DoorReports | None) -> web.Application:
    """Makes the application of the overview; ``sessions`` keeps who is logged in, if its folder exists."""
    guard = Guard(config.web, sessions, is_public)

    def state() -> dict[str, Any]:
        return {**doors.state(), "reports": reports is not None}

    feed = Feed(doors, state)
    app = web.Application(middlewares=[guard.middleware()])
    app.on_response_prepare.append(add_security_headers)
    app.on_cleanup.append(guard.close)

    async def show(request: web.Request) -> web.Response:
        return web.json_response(state())

    async def healthz(request: web.Request) -> web.Response:
        return health_response(doors)

    app.add_routes(
        [
            web.get("/", html_handler("overview.html")),
            web.get("/login", html_handler("login.html")),
            *file_routes(),
            web.get("/events", feed.events),
            web.get("/api/doors", show),
            web.get("/healthz", healthz),
            *guard.routes(),
        ]
    )
    if reports is not None:
        source = ManyDoors(reports)
        app.on_cleanup.append(source.close)
        app.add_routes(Reports(source, config.report).routes())
    return app


def health_response(doors: Doors) -> web.Response:
    """Answers 200 while there is a connection to the broker, else 503."""
    connected = doors.is_connected
    return web.json_response({"status": "ok" if connected else "problem"}, status=200 if connected else 503)
