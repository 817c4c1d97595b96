"""Serves the live image: drawn and encoded only while somebody looks, and once for all viewers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

from aiohttp import web

from ..camera.pictures import encode_jpeg
from ..faces.detector import Detector
from ..faces.drawing import annotate, blur
from .bus import Bus, Shown

BOUNDARY = "maskwatch-frame"
JPEG_QUALITY = 75
MAX_VIEWERS = 4
"""Viewers at once: each needs bandwidth, and all share one encoder."""
WRITE_TIMEOUT = 20.0


class EncodedFrame(NamedTuple):
    """A frame of the live image as JPEG, and what it was made of."""

    number: int
    faces_visible: bool
    jpeg: bytes


class View:
    """Answers ``/live.mjpeg`` and ``/live.jpg``.

    Runs in the page's thread; frames are drawn and encoded in ``worker``, and ``open_eager`` opens there the detector
    that finds faces to blur. ``set_up_mode`` tells whether faces are shown.
    """

    def __init__(
        self,
        bus: Bus,
        fps: float,
        set_up_mode: Callable[[], bool],
        open_eager: Callable[[], Detector],
        worker: Executor,
    ) -> None:
        self._bus = bus
        self._interval = 1 / fps
        self._set_up_mode = set_up_mode
        self._open_eager = open_eager
        self._worker = worker
        self._eager: Detector | None = None
        self._encoded: EncodedFrame | None = None
        self._lock = asyncio.Lock()
        self._viewers = 0

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Streams MJPEG until the viewer leaves."""
        if self._viewers >= MAX_VIEWERS:
            return web.Response(status=503, text=f"{MAX_VIEWERS} pages show the live image; close another one first")
        response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"})
        self._count_viewers(1)
        try:
            await response.prepare(request)
            last = None
            while True:
                jpeg = await self.newest_jpeg()
                if jpeg is not None and jpeg is not last:
                    last = jpeg
                    header = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    async with asyncio.timeout(WRITE_TIMEOUT):  # a viewer that reads nothing has gone
                        await response.write(header.encode() + jpeg + b"\r\n")
                await asyncio.sleep(self._interval)
        except (ConnectionError, TimeoutError):
            return response
        finally:
            self._count_viewers(-1)

    def _count_viewers(self, change: int) -> None:
        self._viewers += change
        self._bus.has_viewers = self._viewers > 0

    async def still(self, request: web.Request) -> web.Response:
        """Answers with the newest frame as JPEG."""
        jpeg = await self.newest_jpeg()
        if jpeg is None:
            return web.Response(status=503, text="no frame yet; the camera is being opened")
        return web.Response(body=jpeg, content_type="image/jpeg")

    async def newest_jpeg(self) -> bytes | None:
        """Returns the newest frame as JPEG; the same object as before while there is no newer one."""
        async with self._lock:
            shown = self._bus.shown
            faces_visible = self._set_up_mode()
            if shown is None:
                return None
            if self._encoded is None or self._encoded[:2] != (shown.number, faces_visible):
                loop = asyncio.get_running_loop()
                jpeg = await loop.run_in_executor(self._worker, self._encode, shown, faces_visible)
                self._encoded = EncodedFrame(shown.number, faces_visible, jpeg)
            return self._encoded.jpeg

    def _encode(self, shown: Shown, faces_visible: bool) -> bytes:
        image = shown.image
        if not faces_visible:
            if self._eager is None:
                self._eager = self._open_eager()
            image = blur(image, [*shown.recent_boxes, *self._eager.detect(image)])
        return encode_jpeg(annotate(image, shown.faces), JPEG_QUALITY)
