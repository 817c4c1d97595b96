"""Streams new messages as server-sent events (WHATWG HTML, 9.2)."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from ..serving.answers import error_response
from ..serving.streams import is_open, open_stream

MAX_STREAMS = 20
"""Browsers that may follow the door at once; the pages of one browser share a stream."""
KEEP_ALIVE_INTERVAL = 5.0
"""Seconds without an event after which a comment is sent, so that a page notices that its connection is gone."""
WRITE_TIMEOUT = 20.0
MAX_PENDING_EVENTS = 200
"""Events that may wait for a slow client; beyond that its stream is closed, and the browser connects again."""


class Events(Protocol):
    """What a feed streams: a door's ``Bus``, or all ``Doors``."""

    def add_listener(self, listener: Callable[[str, Any], None]) -> Callable[[], None]:
        """Calls ``listener(topic, message)`` for each message from now on; returns a function that removes it."""
        ...


class Feed:
    """Answers ``/events``. Runs in the page's thread; ``page_state`` returns what a page shows when it is opened."""

    def __init__(self, bus: Events, page_state: Callable[[], dict[str, Any]]) -> None:
        self._bus = bus
        self._page_state = page_state
        self._streams = 0

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Streams ``now`` at first and after each change of options, and messages by topic (``bus.Listener``)."""
        if self._streams >= MAX_STREAMS:
            return error_response(503, f"{MAX_STREAMS} browsers have this page open; close it in another one first")
        loop = asyncio.get_running_loop()
        pending = asyncio.Queue[tuple[str, Any]]()
        response: web.StreamResponse | None = None
        self._streams += 1

        def enqueue(kind: str, message: Any) -> None:
            loop.call_soon_threadsafe(pending.put_nowait, (kind, message))

        remove_listener = self._bus.add_listener(enqueue)
        try:
            response = await open_stream(request, "text/event-stream")
            event = encode_event("now", self._page_state())
            while is_open(request) and pending.qsize() < MAX_PENDING_EVENTS:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await response.write(event)
                event = await self._next_event(pending)
        except (ConnectionError, TimeoutError):
            pass  # the client has gone
        finally:
            remove_listener()
            self._streams -= 1
        return response or web.Response()  # nobody reads it: the client left before the headers

    async def _next_event(self, pending: "asyncio.Queue[tuple[str, Any]]") -> bytes:
        """Waits for the next event; returns a comment if there is none within ``KEEP_ALIVE_INTERVAL``."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_INTERVAL):
                kind, message = await pending.get()
        except TimeoutError:
            return b": keep-alive\n\n"
        return encode_event(kind, self._page_state() if kind == "now" else asdict(message))


def encode_event(kind: str, data: Any) -> bytes:
    """Encodes a server-sent event with JSON data."""
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
