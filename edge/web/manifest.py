"""Answers with the manifest that lets a phone install the page like an app (W3C, Web Application Manifest)."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from .assets import language_of

BACK, FRONT = "#f7f8f7", "#0b5d4e"
"""Colours of ``style.css``, while the page is opened."""
SHORT = 12
"""Characters of a name that fit below an icon."""
ICONS = [
    {"src": "icon-192.png", "sizes": "192x192", "type": "image/png"},
    {"src": "icon-512.png", "sizes": "512x512", "type": "image/png"},
    {"src": "icon-maskable.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
]


def manifest_handler(device: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Makes the handler. All addresses are relative to the manifest's, so that they are right below any path."""

    async def handle(request: web.Request) -> web.Response:
        manifest = {
            "name": f"maskwatch: {device}",
            "short_name": device[:SHORT],
            "lang": language_of(request),
            "start_url": "./",
            "scope": "./",
            "display": "standalone",
            "theme_color": FRONT,
            "background_color": BACK,
            "icons": ICONS,
        }
        return web.Response(text=json.dumps(manifest), content_type="application/manifest+json")

    return handle
