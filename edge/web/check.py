"""Checks uploaded images, one at a time, in a process of its own: anyone in the network may send one."""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from ..config.schema import Config
from ..serving.refusal import Refusal
from .checker import Checker
from .uploads import Uploads, drain

MAX_PLACES = 8
"""Images that may be received, or wait, or be checked, at the same time."""
LONGEST_NAME = 36


@dataclass(eq=False)
class Place:
    """The place of an image in the queue."""

    name: str
    is_received: bool = False


class Check:
    """Answers ``POST /api/check``, one image per request. Runs in the page's thread.

    With ``?name=NAME`` in the address, ``GET /api/check/NAME`` tells how many images are checked before it.
    """

    def __init__(self, config: Config) -> None:
        self._uploads = Uploads()
        self._checker = Checker(config)
        self._turn = asyncio.Lock()
        self._places: list[Place] = []

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of the check."""
        return web.post("/api/check", self.handle), web.get("/api/check/{name}", self.place)

    async def close(self, app: web.Application) -> None:
        """Ends the process, so that nobody waits for it (``on_shutdown``)."""
        self._checker.close()

    async def handle(self, request: web.Request) -> web.Response:
        """Answers with the faces, and the image with the faces drawn in. The request's body is the image file.

        Boxes are in pixels of the image that was sent; the image in the answer may be smaller. ``?picture=no``
        leaves it out.
        """
        try:
            with self._place(request.query.get("name", "")[:LONGEST_NAME]) as place:
                return await self._check(request, place)
        except Refusal as refusal:
            await drain(request)
            return refusal.response()

    async def _check(self, request: web.Request, place: Place) -> web.Response:
        async with self._uploads.receive(request) as image:
            place.is_received = True
            self._places.append(self._places.pop(self._places.index(place)))
            async with self._turn:
                if request.transport is None or request.transport.is_closing():  # nobody waits for the answer
                    return web.Response()
                told, jpeg = await self._checker.check(image)
        if request.query.get("picture") == "no":
            return web.json_response(told)
        picture = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
        return web.json_response(told | {"picture": picture})

    async def place(self, request: web.Request) -> web.Response:
        """Answers how many images are checked before one: null if it is unknown, or has been checked."""
        name = request.match_info["name"]
        number = next((number for number, place in enumerate(self._places) if place.name == name), None)
        before = None
        if number is not None:
            ahead = self._places[:number] if self._places[number].is_received else self._places
            before = sum(place.is_received for place in ahead)
        return web.json_response({"before": before})

    @contextmanager
    def _place(self, name: str) -> Iterator[Place]:
        """Takes a place in the queue. Raises ``Refusal`` if none is free."""
        if len(self._places) >= MAX_PLACES:
            text = f"{MAX_PLACES} images are being checked or wait; try again in a minute"
            raise Refusal(503, text, "full", waiting=MAX_PLACES)
        place = Place(name)
        self._places.append(place)
        try:
            yield place
        finally:
            self._places.remove(place)
