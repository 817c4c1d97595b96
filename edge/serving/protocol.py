"""Speaks HTTP at one connection: aiohttp's protocol, with answers to what is no request, and without decompression."""

from typing import Any

from aiohttp import web

from .answers import error_response
from .headers import SECURITY_HEADERS

TEXTS = {400: "this is no HTTP request; open the page in a browser"}
FAILED = "the page has failed to answer; the log of maskwatch says why"


class HttpProtocol(web.RequestHandler):
    """The protocol of a connection.

    aiohttp's own error responses repeat parts of the request and lack the security headers. Nothing is decompressed:
    4 kB can become megabytes before anybody knows who asks, and no browser compresses what it sends.
    """

    __slots__ = ()

    def __init__(self, server: Any, **options: Any) -> None:
        super().__init__(server, auto_decompress=False, **options)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Makes the response to a malformed request or to a fault of a handler, and logs the fault."""
        super().handle_error(request, status, exc, message)
        response = error_response(status, TEXTS.get(status, FAILED))
        response.headers.update(SECURITY_HEADERS)
        response.force_close()
        return response
