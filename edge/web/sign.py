"""Serves the sign at the door: what it says, by events of its own that tell nothing else."""

import asyncio
import logging

from aiohttp import web

from .. import __version__
from ..config.sign import SignConfig
from ..config.signs import describe, message_for, read_logo
from ..errors import ConfigError
from ..serving.answers import error_response
from ..serving.streams import is_open, open_stream
from .assets import html_handler
from .bus import Bus
from .feed import encode_event
from .sign_link import opens_sign

log = logging.getLogger(__name__)

MAX_SCREENS = 20
BEAT_S = 2.0
"""Seconds after which the message is sent again: a screen that hears nothing for three beats says nothing either."""
WRITE_TIMEOUT = 10.0


class Sign:
    """Answers ``/sign``, its events and its logo. Runs in the page's thread."""

    def __init__(self, options: SignConfig, bus: Bus) -> None:
        self._bus = bus
        self._link_hash = options.link_hash
        self._screens = 0
        try:
            self._described, self._logo = describe(options), read_logo(options)
        except ConfigError as error:
            # a file was changed since the options were checked; a plain sign is better than none
            log.warning("the sign at the door shows its own texts: %s", error)
            self._described, self._logo = describe(SignConfig()), None

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of the sign."""
        return (
            web.get("/sign", html_handler("sign.html")),
            web.get("/sign/events", self.events),
            web.get("/sign/logo", self.logo),
        )

    def is_public(self, request: web.Request) -> bool:
        """Returns whether a request needs no password, because it has the key of the sign's link."""
        return opens_sign(request, self._link_hash)

    @property
    def message(self) -> str:
        """What the sign says now: a name of ``MESSAGES``, or ``unknown`` while nobody can be judged."""
        last = self._bus.last_messages
        state, pause, camera = last.get("state"), last.get("pause"), last.get("camera")
        if state is None or (pause and pause.paused) or (camera and camera.condition != "ok"):
            return "unknown"
        return message_for(state.people, state.mask, state.no_mask_count)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Streams ``sign`` once (texts and logo), then ``message`` at each change and at each beat."""
        if self._screens >= MAX_SCREENS:
            return error_response(503, f"{MAX_SCREENS} screens show the sign; close it on another one first")
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        response: web.StreamResponse | None = None
        self._screens += 1
        remove = self._bus.add_listener(lambda kind, message: _wake(loop, changed, kind))
        try:
            response = await open_stream(request, "text/event-stream")
            event = encode_event("sign", {"version": __version__, **self._described})
            said: str | None = None
            while is_open(request):
                if event:
                    async with asyncio.timeout(WRITE_TIMEOUT):
                        await response.write(event)
                is_beat = said is not None and not await _is_set_within(changed, BEAT_S)
                changed.clear()
                before, said = said, self.message
                event = encode_event("message", said) if is_beat or said != before else b""
        except (ConnectionError, TimeoutError):
            pass  # the screen has gone
        finally:
            remove()
            self._screens -= 1
        return response or web.Response()  # nobody reads it: the screen left before the headers

    async def logo(self, request: web.Request) -> web.Response:
        """Answers with the logo."""
        if self._logo is None:
            return error_response(404, "no logo is set; name a picture in sign.logo")
        kind, content = self._logo
        return web.Response(body=content, content_type=kind)


def _wake(loop: asyncio.AbstractEventLoop, changed: asyncio.Event, kind: str) -> None:
    """Wakes a stream for what can change the message. Called in the sender's thread."""
    if kind in ("state", "pause", "camera"):
        loop.call_soon_threadsafe(changed.set)


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
