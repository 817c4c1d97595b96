"""Sends a file that is made while it is sent."""

from collections.abc import Iterable, Iterator
from itertools import islice

from aiohttp import web

LINES = 200
"""Lines that are sent together; other requests are answered between them."""
TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}


async def download(request: web.Request, name: str, lines: Iterable[str]) -> web.StreamResponse:
    """Answers with lines as a file of this name, whose ending tells its type."""
    headers = {
        "Content-Type": TYPES[name.rpartition(".")[2]],
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method != "HEAD":
        for part in _parts(iter(lines)):
            await response.write(part)
    await response.write_eof()
    return response


def _parts(lines: Iterator[str]) -> Iterator[bytes]:
    while part := "".join(islice(lines, LINES)):
        yield part.encode("utf-8", "replace")
