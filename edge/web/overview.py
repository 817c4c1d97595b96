"""Serves all doors of a broker on one page, which changes nothing. Loads neither NumPy nor OpenCV."""

from pathlib import Path

from aiohttp import web

from ..config.web import WebConfig
from ..serving.guard import Guard
from ..serving.headers import add_security_headers
from .assets import file_routes, html_handler, is_public
from .doors import Doors
from .feed import Feed


def overview_application(options: WebConfig, doors: Doors, sessions: Path) -> web.Application:
    """Makes the application of the overview; ``sessions`` keeps who is logged in, if its folder exists."""
    guard = Guard(options, sessions, is_public)
    feed = Feed(doors, doors.state)
    app = web.Application(middlewares=[guard.middleware()])
    app.on_response_prepare.append(add_security_headers)
    app.on_cleanup.append(guard.close)

    async def show(request: web.Request) -> web.Response:
        return web.json_response(doors.state())

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
    return app


def health_response(doors: Doors) -> web.Response:
    """Answers 200 while there is a connection to the broker, else 503."""
    connected = doors.is_connected
    return web.json_response({"status": "ok" if connected else "problem"}, status=200 if connected else 503)
