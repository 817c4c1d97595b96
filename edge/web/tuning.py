"""Tells which faces are in view, with what the policy compares with its threshold, while somebody changes options."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from ..faces.face import FAULTS, Face
from .bus import Bus


def faces_handler(bus: Bus) -> Callable[[web.Request], Any]:
    """Returns the handler of ``/api/faces``; it costs nothing while nobody asks."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"faces": [_face(face) for face in bus.faces]})

    return handle


def _face(face: Face) -> dict[str, Any]:
    fault = sum(face.probabilities.get(name, 0.0) for name in FAULTS)
    mask = face.probabilities.get("mask", 0.0)
    return {**face.as_json(), "fault": round(fault, 3), "mask": round(mask, 3), "pixels": face.box.width}
