"""Makes the answers that several handlers of the page give."""

import secrets

from aiohttp import web

RUN = secrets.token_hex(4)
"""Tells this run of the process from others: a page that has seen another one reads everything again."""


def error_response(status: int, text: str, **details: int | str) -> web.Response:
    """Makes a JSON response ``{"error": text}``, with details for a page that has words of its own."""
    return web.json_response({"error": text, **details}, status=status)
