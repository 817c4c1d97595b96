"""Opens answers that stay open: server-sent events, and the live image as Motion JPEG."""

from aiohttp import web

STREAM_HEADERS = {
    # nginx holds back what it proxies unless the answer forbids it, and other proxies compress, which holds it back too
    "X-Accel-Buffering": "no",
    "Cache-Control": "no-store, no-transform",
}


async def open_stream(request: web.Request, content_type: str) -> web.StreamResponse:
    """Sends the headers of an answer that stays open. Raises ``ConnectionError`` if the client has gone."""
    response = web.StreamResponse(headers={"Content-Type": content_type, **STREAM_HEADERS})
    await response.prepare(request)
    return response


def is_open(request: web.Request) -> bool:
    """Returns whether a stream goes on: HEAD asks for its headers alone, and a client that has gone reads nothing."""
    return request.method != "HEAD" and request.transport is not None and not request.transport.is_closing()
