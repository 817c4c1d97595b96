"""Reads what a browser says in a request: its cookies, and whether it opens a page."""

import re

from aiohttp import web


def cookies_of(request: web.Request, name: str) -> list[str]:
    """Returns every value of a cookie: a browser sends one for each path at which it was set."""
    return re.findall(rf"(?:^|;)\s*{re.escape(name)}=([\w-]+)", "; ".join(request.headers.getall("Cookie", [])))


def is_for_a_person(request: web.Request) -> bool:
    """Returns whether a browser opens the request's address as a page."""
    mode = request.headers.get("Sec-Fetch-Mode")
    return mode == "navigate" if mode else "text/html" in request.headers.get("Accept", "") or request.path == "/"
