"""Shows the snapshots of alerts, whole and as thumbnails."""

import asyncio
from collections import OrderedDict
from concurrent.futures import Executor
from pathlib import Path

import cv2
import numpy as np
from aiohttp import web

from ..camera.pictures import encode_jpeg
from ..serving.answers import error_response
from .bus import Bus

WIDTH = 240
"""Pixels of a thumbnail, at most: a card is 160 wide, and a phone shows two to three pixels for each."""
QUALITY = 70
KEPT = 200
"""Thumbnails kept in memory: 200 of 8 kB each are 1.6 MB."""
ARRIVAL_S, ARRIVAL_STEP_S = 2.0, 0.1
"""Seconds for which the snapshot of a new alert is waited for: it is written after the alert was told."""


class SnapshotFiles:
    """Answers ``/api/snapshots/ID`` and ``/api/thumbnails/ID``.

    Runs in the page's thread; thumbnails are made in ``worker``. They are decoded at half the size where the picture
    is large enough, which takes a quarter of the memory.
    """

    def __init__(self, bus: Bus, folder: Path, worker: Executor) -> None:
        self._bus = bus
        self._folder = folder
        self._worker = worker
        self._thumbnails: OrderedDict[str, bytes] = OrderedDict()

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of the snapshots."""
        return (
            web.get("/api/snapshots/{id:[0-9a-f-]{36}}", self.whole),
            web.get("/api/thumbnails/{id:[0-9a-f-]{36}}", self.thumbnail),
        )

    async def whole(self, request: web.Request) -> web.StreamResponse:
        """Answers with a snapshot."""
        path = await self._arrived(request.match_info["id"])
        return web.FileResponse(path) if path else _gone()

    async def thumbnail(self, request: web.Request) -> web.Response:
        """Answers with a snapshot of ``WIDTH`` pixels, as long as the snapshot itself is kept."""
        id = request.match_info["id"]
        path = await self._arrived(id)
        jpeg = self._thumbnails.get(id)
        if path is not None and jpeg is None:
            jpeg = await asyncio.get_running_loop().run_in_executor(self._worker, thumbnail, path)
        if path is None or jpeg is None:
            self._thumbnails.pop(id, None)
            return _gone()
        self._thumbnails[id] = jpeg
        self._thumbnails.move_to_end(id)
        while len(self._thumbnails) > KEPT:
            self._thumbnails.popitem(last=False)
        return web.Response(body=jpeg, content_type="image/jpeg")

    async def _arrived(self, id: str) -> Path | None:
        """Returns the file of a snapshot; waits for it a moment if the alert is the newest.

        A link is none: it could lead to any file that this process may read.
        """
        path = self._folder / f"{id}.jpg"
        deadline = asyncio.get_running_loop().time() + ARRIVAL_S
        while path.is_symlink() or not path.is_file():
            newest = self._bus.alerts[-1:]
            if not (newest and newest[0].id == id) or asyncio.get_running_loop().time() > deadline:
                return None
            await asyncio.sleep(ARRIVAL_STEP_S)
        return path


def thumbnail(path: Path) -> bytes | None:
    """Makes a thumbnail of a JPEG; None if the file is gone or damaged."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_2) if data.size else None
        if image is not None and image.shape[1] < WIDTH // 2:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    height, width = image.shape[:2]
    if width > WIDTH:
        size = (WIDTH, max(1, round(height * WIDTH / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return encode_jpeg(np.asarray(image, np.uint8), QUALITY)


def _gone() -> web.Response:
    return error_response(404, "this alert has no snapshot, or the snapshot was deleted")
