"""Handles the first run: the page's password, the door's name, a restart, and hints while the camera is aimed."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from ..errors import ConfigError
from ..faces.face import Face
from ..serving.answers import error_response
from ..serving.bodies import read_json
from ..serving.guard import Guard
from ..serving.passwords import hash_password
from .backend import Backend
from .bus import Bus, Shown
from .settings import Settings, visitor

STEP = 8
"""Every so many pixels are looked at for the light of the frame."""


class Setup:
    """Answers ``/api/password``, ``/api/name``, ``/api/restart`` and ``/api/aim``. Runs in the page's thread."""

    def __init__(self, settings: Settings, guard: Guard, backend: Backend, bus: Bus) -> None:
        self._settings = settings
        self._guard = guard
        self._backend = backend
        self._bus = bus
        self._one_at_a_time = asyncio.Lock()  # the current password is checked against the one that is replaced

    def routes(self) -> Iterable[web.RouteDef]:
        """Returns the routes."""
        return [
            web.post("/api/password", self.change_password),
            web.post("/api/name", self.change_name),
            web.post("/api/restart", self.restart),
            web.get("/api/aim", self.aim),
        ]

    async def change_password(self, request: web.Request) -> web.Response:
        """Sets or changes the page's password. It counts at once, and all other sessions end."""
        try:
            texts = _texts(await read_json(request), "current", "new")
            async with self._one_at_a_time:
                if refusal := await self._guard.check_current(request, texts["current"]):
                    return refusal
                loop = asyncio.get_running_loop()
                password_hash = await loop.run_in_executor(None, hash_password, texts["new"])
                await self._settings.store({"web": {"password_hash": password_hash}}, visitor(request))
                response = web.json_response(self._settings.state())
                await self._guard.replace_password(request, response, password_hash)
        except (ConfigError, ValueError) as error:
            return error_response(400, str(error))
        return response

    async def change_name(self, request: web.Request) -> web.Response:
        """Stores the door's name. It is used from the next start on: topics and state never change in the middle."""
        try:
            name = _texts(await read_json(request), "name")["name"]
            await self._settings.store({"device": {"name": name}}, visitor(request))
        except (ConfigError, ValueError) as error:
            return error_response(400, str(error))
        self._settings.next_name = name if name != self._settings.config.device.name else None
        return web.json_response(self._settings.state())

    async def restart(self, request: web.Request) -> web.Response:
        """Ends maskwatch in order where systemd starts it again."""
        if not self._backend.restarts:
            text = "nothing starts maskwatch again by itself here; restart it on the device"
            return error_response(409, text, code="no_restart")
        asyncio.get_running_loop().call_later(0.2, self._backend.restart)  # after the answer
        return web.json_response({"restarting": True})

    async def aim(self, request: web.Request) -> web.Response:
        """Answers with the widths of the faces in the newest frame, and with the light (0 to 255)."""
        shown = self._bus.shown
        if shown is None:
            return error_response(503, "no frame yet; the camera is being opened")
        return web.json_response({**_light(shown, self._bus.faces), "smallest": self._settings.config.detect.min_face})


def _texts(data: Any, *names: str) -> dict[str, str]:
    """Returns the texts of a request. Raises ``ValueError`` for anything else."""
    if (
        not isinstance(data, dict)
        or set(data) != set(names)
        or not all(isinstance(text, str) for text in data.values())
    ):
        raise ValueError(f"send {' and '.join(names)}, each as text")
    try:
        "".join(data.values()).encode()
    except UnicodeEncodeError:
        raise ValueError("a text has half of a character (a lone surrogate)") from None
    return data


def _light(shown: Shown, faces: Sequence[Face]) -> dict[str, Any]:
    widest = max((face.box for face in faces), key=lambda box: box.x1 - box.x0, default=None)
    face = shown.image[widest.y0 : widest.y1, widest.x0 : widest.x1] if widest else None
    return {
        "widths": [face.box.x1 - face.box.x0 for face in faces],
        "light": round(float(shown.image[::STEP, ::STEP].mean())),
        "face_light": round(float(face.mean())) if face is not None and face.size else None,
    }
