"""Serves the page's files, and its HTML in the visitor's language.

The files lie below ``static/``. In an HTML file, ``{{key}}`` is replaced by the text, ``{{language}}`` by the language
and ``{{texts}}`` by all texts as JSON, which the page's modules read.
"""

import gzip
import hashlib
import html
import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from aiohttp import web

from .. import __version__
from .languages import DEFAULT_LANGUAGE, languages

STATIC = Path(__file__).with_name("static")
LANGUAGE_COOKIE = "maskwatch_language"
SERVED = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
"""Endings of the files that are served as they are, and their media types."""
ICONS = tuple(f"/{path.name}" for path in sorted(STATIC.glob("icon*")))
"""Addresses of the icons. A phone may fetch them without the visitor's session."""
PUBLIC_PATHS = ("/healthz", "/login", "/style.css", "/js/login.js", "/js/common.js", "/js/language.js", *ICONS)


def is_public(request: web.Request) -> bool:
    """Returns whether a request needs no password: the login, its files, and the health check without details."""
    return request.path in PUBLIC_PATHS


def language_of(request: web.Request) -> str:
    """Returns the language that the visitor has chosen, else the one that the browser prefers (RFC 9110, 12.5.4)."""
    preferred = [request.cookies.get(LANGUAGE_COOKIE, ""), *_accepted(request.headers.get("Accept-Language", ""))]
    codes = [tag.partition("-")[0].lower() for tag in preferred]
    return next((code for code in codes if code in languages()), DEFAULT_LANGUAGE)


def _accepted(header: str) -> list[str]:
    """Returns the languages of an Accept-Language header, the most preferred first."""
    weighed = []
    for part in header.split(","):
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if weight < 0]


def render(name: str, language: str) -> str:
    """Returns an HTML file below ``static/`` with the texts of a language filled in."""
    texts = languages()[language]
    values = {
        "language": language,
        "languages": "".join(_language_option(code, code == language) for code in languages()),
        "version": __version__,
        "texts": json.dumps(texts, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        **{key: html.escape(text) for key, text in texts.items()},
    }
    return re.sub(r"\{\{([\w.]+)\}\}", lambda match: values[match[1]], (STATIC / name).read_text("utf-8"))


def _language_option(code: str, selected: bool) -> str:
    """Returns an entry of the choice of languages: each language's own name for itself."""
    name = html.escape(languages()[code]["language.name"])
    return f'<option value="{code}" lang="{code}"{" selected" if selected else ""}>{name}</option>'


def html_handler(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Makes a handler that answers with an HTML file below ``static/``."""

    @cache
    def content(language: str) -> Content:
        return Content(render(name, language).encode(), "text/html")

    async def handle(request: web.Request) -> web.Response:
        return content(language_of(request)).answer(request, vary="Accept-Language, Cookie, Accept-Encoding")

    return handle


def file_routes() -> list[web.RouteDef]:
    """Returns a route for each file that is served as it is."""
    files = sorted(path for path in STATIC.rglob("*") if path.suffix in SERVED)
    return [web.get(f"/{path.relative_to(STATIC)}", _file_handler(path)) for path in files]


def _file_handler(path: Path) -> Callable[[web.Request], Awaitable[web.Response]]:
    content = cache(lambda: Content(path.read_bytes(), SERVED[path.suffix]))

    async def handle(request: web.Request) -> web.Response:
        return content().answer(request, vary="Accept-Encoding")

    return handle


class Content:
    """A file of the page as it is sent: compressed once, and with a tag by which a browser asks whether it changed.

    Only files are compressed, which are the same for everybody: the length of a compressed answer with a secret and
    something of the request in it would tell about the secret.
    """

    def __init__(self, body: bytes, content_type: str) -> None:
        self._body = body
        self._compressed = gzip.compress(body, mtime=0)
        self._type = content_type
        self._tag = hashlib.sha256(body).hexdigest()[:16]

    def answer(self, request: web.Request, vary: str) -> web.Response:
        """Answers with the content, or with 304 if the browser has it."""
        compressed = "gzip" in request.headers.get("Accept-Encoding", "") and len(self._compressed) < len(self._body)
        tag = f'"{self._tag}{"-gzip" if compressed else ""}"'
        # no-cache: a browser keeps the file, and asks each time whether it has changed; an upgrade is used at once
        headers = {"Vary": vary, "ETag": tag, "Cache-Control": "no-cache"}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        charset = "utf-8" if self._type.startswith("text/") else None
        if not compressed:
            return web.Response(body=self._body, headers=headers, content_type=self._type, charset=charset)
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self._compressed, headers=headers, content_type=self._type, charset=charset)
