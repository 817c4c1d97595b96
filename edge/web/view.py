"""The live picture: drawn and encoded when somebody looks, at most so many times a second, once for all who look."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from aiohttp import web

from ..camera.pictures import as_jpeg
from ..faces.detector import Detector
from ..faces.drawing import annotate, blurred
from .bus import Bus, Shown

BOUNDARY = "maskwatch-picture"
QUALITY = 75
VIEWERS = 4
"""People who may look at once: each costs its share of the network, all together one encoder."""


class View:
    """``eager`` opens the detector that finds whom to blur; ``sharp`` tells whether set-up mode is on."""

    def __init__(
        self,
        bus: Bus,
        fps: float,
        sharp: Callable[[], bool],
        eager: Callable[[], Detector],
        worker: Executor,
    ) -> None:
        self._bus, self._pause, self._sharp = bus, 1 / fps, sharp
        self._open_eager, self._worker = eager, worker
        self._eager: Detector | None = None
        self._made: tuple[int, bool, bytes] | None = None
        self._lock = asyncio.Lock()
        self.viewers = 0

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """MJPEG until the viewer leaves."""
        if self.viewers >= VIEWERS:
            return web.Response(status=503, text=f"{VIEWERS} people are looking already; close another page first")
        response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"})
        self._count(1)
        try:
            await response.prepare(request)
            last = None
            while True:
                made = await self.picture()
                if made is not None and made is not last:
                    last = made
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(made)}\r\n\r\n"
                    async with asyncio.timeout(20):  # who does not read what we send has gone
                        await response.write(head.encode() + made + b"\r\n")
                await asyncio.sleep(self._pause)
        except (ConnectionError, TimeoutError):
            return response
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self.viewers += more
        self._bus.watched = self.viewers > 0

    async def still(self, request: web.Request) -> web.Response:
        """The newest picture."""
        made = await self.picture()
        if made is None:
            return web.Response(status=503, text="no picture yet; the camera is being looked for")
        return web.Response(body=made, content_type="image/jpeg")

    async def picture(self) -> bytes | None:
        """The newest picture as JPEG; the same object as before while there is no newer one."""
        async with self._lock:
            sight, sharp = self._bus.sight, self._sharp()
            if sight is None:
                return None
            if self._made is None or self._made[:2] != (sight.number, sharp):
                loop = asyncio.get_running_loop()
                jpeg = await loop.run_in_executor(self._worker, self._draw, sight, sharp)
                self._made = (sight.number, sharp, jpeg)
            return self._made[2]

    def _draw(self, sight: Shown, sharp: bool) -> bytes:
        image = sight.image
        if not sharp:
            if self._eager is None:
                self._eager = self._open_eager()
            image = blurred(image, [*sight.recent, *self._eager.detect(image)])
        return as_jpeg(annotate(image, sight.faces), QUALITY)
