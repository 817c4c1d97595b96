"""Reads what a request sends."""

import json
from typing import Any

from aiohttp import web

MAX_JSON_BYTES = 262_144
"""Bytes of JSON; the largest that the page sends is some zones."""


async def read_json(request: web.Request) -> Any:
    """Reads the JSON of a request. Raises ``ValueError`` with a sentence for anything that is no such JSON."""
    body = b""
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise ValueError(f"send at most {MAX_JSON_BYTES} bytes of JSON")
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError as error:  # also bytes that are no UTF-8, and numbers beyond Python's limit
        raise ValueError(f"this is no JSON: {error}") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
