"""Tells what the page shows when it is opened, and changes the options that the page may change."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from aiohttp import web

from .. import __version__
from ..addresses import shown_name
from ..config.changeable import CHANGEABLE, tuning, version
from ..config.load import Sections
from ..config.schema import Config
from ..errors import ConfigError
from ..serving.answers import RUN, error_response
from ..serving.bodies import read_json
from .backend import Backend
from .bus import Bus

VERSION = "settings_version"
"""The name of the version of the options, in the state and in a request."""
DEFAULTS = tuning(Config())


@dataclass(frozen=True, slots=True)
class Changed:
    """Options were changed: every page gets the state anew."""

    topic: ClassVar[str] = "now"


class Conflict(Exception):
    """The options were changed after the sender of a request had read them."""


class Settings:
    """Answers ``/api/now`` and ``/api/settings``, and keeps the configuration in use. Runs in the page's thread."""

    def __init__(self, config: Config, bus: Bus, backend: Backend) -> None:
        self.config = config
        self._bus = bus
        self._backend = backend
        self.next_name: str | None = None
        """The door's name from the next start on, if it differs."""
        self._changing = asyncio.Lock()  # one change at a time, because each reads the file and writes it again

    def state(self) -> dict[str, Any]:
        """Returns everything that the page shows when it is opened."""
        config, shown = self.config, self._bus.shown
        return {
            "run": RUN,
            "device": config.device.name,
            "next_name": self.next_name,
            "restarts": self._backend.restarts,
            "version": __version__,
            "model": self._backend.model,
            "detector": config.detect.detector,
            "frame_size": [shown.image.shape[1], shown.image.shape[0]] if shown else None,
            **tuning(config),
            VERSION: version(config),
            "defaults": DEFAULTS,
            "setup": config.web.setup,
            "blur": config.privacy.blur,
            "fps": config.web.fps,
            "locked": bool(config.web.password_hash),
            "snapshots": config.snapshots.mode != "off",
            **{kind: asdict(message) for kind, message in self._bus.last_messages.items()},
        }

    async def now(self, request: web.Request) -> web.Response:
        """Answers with the state."""
        return web.json_response(self.state())

    async def change(self, request: web.Request) -> web.Response:
        """Changes options that the page may change; answers 409 with the state if they are not those it knows."""
        try:
            sections, known = checked_changes(await read_json(request))
            await self.store(sections, visitor(request), known)
        except (ConfigError, ValueError) as error:
            return error_response(400, str(error))
        except Conflict as conflict:
            return web.json_response({"error": str(conflict), "now": self.state()}, status=409)
        return web.json_response(self.state())

    async def store(self, sections: Sections, by: str, known: str | None = None) -> None:
        """Stores and applies options in the executor, because that writes files and opens a detector.

        Every page is told. ``by`` is the ``visitor``. Raises ``ConfigError``, and then nothing is changed; raises
        ``Conflict`` if ``known`` is not the version of the options that are stored, which are then in use:
        `maskwatch set` may have changed them.
        """
        loop = asyncio.get_running_loop()
        async with self._changing:
            if known is not None:
                before = version(self.config)
                self.config = await loop.run_in_executor(None, self._backend.refresh)
                if version(self.config) != before:
                    self._bus.tell(Changed())
                if version(self.config) != known:
                    raise Conflict("these options were changed meanwhile, on another page or with maskwatch set")
            self.config = await loop.run_in_executor(None, self._backend.change, sections, by)
        self._bus.tell(Changed())


def visitor(request: web.Request) -> str:
    """Returns the address of the browser that has sent a request, for the audit trail."""
    return request.remote or "unknown"


def checked_changes(data: Any) -> tuple[dict[str, dict[str, Any]], str | None]:
    """Returns the sections of a request and the version that it names.

    Raises ``ValueError`` unless the page may change each option in them.
    """
    example = "{'detect': {'min_face': 60}}"
    sections = {name: part for name, part in data.items() if name != VERSION} if isinstance(data, dict) else {}
    if not sections or not all(isinstance(options, dict) and options for options in sections.values()):
        raise ValueError(f"send sections with options, for example {example}")
    for section, options in sections.items():
        for key in options:
            if key not in CHANGEABLE.get(section, ()):
                named = f"{shown_name(section)}.{shown_name(key)}"
                raise ValueError(f"{named} cannot be changed on the page; use `maskwatch set`")
    known = data.get(VERSION)
    if known is not None and not isinstance(known, str):
        raise ValueError(f"{VERSION} must be the text that /api/now has")
    return sections, known
