"""Tells what the page shows when it is opened, and changes the options that the page may change."""

import asyncio
from dataclasses import asdict
from typing import Any

from aiohttp import web

from .. import __version__
from ..config.schema import Config
from ..errors import ConfigError
from .answers import RUN, error_response
from .backend import Backend
from .bodies import read_json
from .bus import Bus

CHANGEABLE = {"detect": ("zones", "min_face"), "web": ("setup",)}
"""The only options that the page may change, by section."""


class Settings:
    """Answers ``/api/now`` and ``/api/settings``, and keeps the configuration in use. Runs in the page's thread."""

    def __init__(self, config: Config, bus: Bus, backend: Backend) -> None:
        self.config = config
        self._bus = bus
        self._backend = backend
        self._changing = asyncio.Lock()  # one change at a time, because each reads the file and writes it again

    def state(self) -> dict[str, Any]:
        """Returns everything that the page shows when it is opened."""
        config, shown = self.config, self._bus.shown
        return {
            "run": RUN,
            "device": config.device.name,
            "version": __version__,
            "model": self._backend.model,
            "detector": config.detect.detector,
            "frame_size": [shown.image.shape[1], shown.image.shape[0]] if shown else None,
            "zones": config.detect.zones,
            "min_face": config.detect.min_face,
            "setup": config.web.setup,
            "fps": config.web.fps,
            "locked": bool(config.web.password_hash),
            "snapshots": config.snapshots.mode != "off",
            **{kind: asdict(message) for kind, message in self._bus.last_messages.items()},
        }

    async def now(self, request: web.Request) -> web.Response:
        """Answers with the state."""
        return web.json_response(self.state())

    async def change(self, request: web.Request) -> web.Response:
        """Changes options in the executor, because that writes files and opens a detector."""
        try:
            sections = checked_changes(await read_json(request))
            loop = asyncio.get_running_loop()
            async with self._changing:
                self.config = await loop.run_in_executor(None, self._backend.change, sections)
        except (ConfigError, ValueError) as error:
            return error_response(400, str(error))
        return web.json_response(self.state())


def checked_changes(data: Any) -> dict[str, dict[str, Any]]:
    """Returns the sections of a request if the page may change each option in them. Raises ``ValueError``."""
    if not isinstance(data, dict) or not data:
        raise ValueError("send sections with options, for example {'detect': {'min_face': 60}}")
    for section, options in data.items():
        for key in options if isinstance(options, dict) else [options]:
            if key not in CHANGEABLE.get(section, ()):
                raise ValueError(f"{section}.{key} cannot be changed on the page; use `maskwatch set`")
    return data
