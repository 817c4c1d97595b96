"""Makes the answers that several handlers of the page give."""

from aiohttp import web


def error_response(status: int, text: str) -> web.Response:
    """Makes a JSON response ``{"error": text}``."""
    return web.json_response({"error": text}, status=status)
