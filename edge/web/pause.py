"""Pauses and resumes watching on the page."""

from aiohttp import web

from ..serving.answers import error_response
from ..serving.bodies import read_json
from ..serving.guard import Handler
from .backend import Backend
from .settings import visitor


def pause_handler(backend: Backend) -> Handler:
    """Returns the handler of ``/api/pause``. Every page hears of the change by the event ``pause``."""

    async def handle(request: web.Request) -> web.Response:
        try:
            data = await read_json(request)
        except ValueError as error:
            return error_response(400, str(error))
        if not isinstance(data, dict) or set(data) != {"paused"} or not isinstance(data["paused"], bool):
            return error_response(400, 'send {"paused": true} to pause watching, or {"paused": false} to resume it')
        backend.pause(data["paused"], visitor(request))
        return web.json_response(data)

    return handle
