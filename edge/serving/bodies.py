"""Reads what a request sends."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from .answers import error_response

MAX_JSON_BYTES = 262_144
"""Bytes of JSON; the largest that the page sends is some zones."""


MAX_FORM_BYTES, FORM_S = 4096, 10.0
"""Bytes of a form, and seconds in which it must be complete; anyone can send one."""


def refuse_compressed(request: web.Request) -> web.Response | None:
    """Refuses a body that is compressed; nothing here decompresses one."""
    if request.headers.get("Content-Encoding", "identity").lower() == "identity":
        return None
    return error_response(415, "the body of the request is compressed; send it as it is")


async def read_form(request: web.Request) -> dict[str, str]:
    """Reads the form of a request: the first value of each field.

    Raises ``ValueError`` for anything else, also for forms with files, and ``TimeoutError`` for one that is too slow.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise ValueError("send a form (application/x-www-form-urlencoded)")
    async with asyncio.timeout(FORM_S):
        body = await _read(request, MAX_FORM_BYTES, f"a form has at most {MAX_FORM_BYTES} bytes")
    fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


async def read_json(request: web.Request) -> Any:
    """Reads the JSON of a request. Raises ``ValueError`` with a sentence for anything that is no such JSON."""
    body = await _read(request, MAX_JSON_BYTES, f"send at most {MAX_JSON_BYTES} bytes of JSON")
    try:
        return json.loads(body, parse_constant=_refuse, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError as error:  # also bytes that are no UTF-8, and numbers beyond Python's limit
        raise ValueError(f"this is no JSON: {error}") from None


async def _read(request: web.Request, limit: int, refusal: str) -> bytes:
    """Reads a body. Raises ``ValueError`` with the refusal for one that is longer."""
    body = b""
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > limit:
            raise ValueError(refusal)
    return body


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object. Of two members with one name, another reader may take the other one."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is there twice")
    return made


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
