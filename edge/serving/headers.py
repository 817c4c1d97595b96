"""Adds headers for browsers to every response: what a page may load, and who may keep or embed it."""

from aiohttp import web

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "maskwatch",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the headers to every response, streams and errors included (aiohttp's ``on_response_prepare``)."""
    kept = {"Cache-Control": response.headers["Cache-Control"]} if "Cache-Control" in response.headers else {}
    response.headers.update({**SECURITY_HEADERS, **kept})
