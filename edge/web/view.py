"""Serves the live image: drawn and encoded only while somebody looks, and once for all viewers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from email.utils import formatdate
from typing import NamedTuple

from aiohttp import web

from ..camera.pictures import encode_jpeg
from ..faces.drawing import annotate
from ..faces.hiding import FaceHider
from ..serving.answers import RUN, error_response
from ..serving.streams import is_open, open_stream
from .bus import Bus, Shown
from .viewers import MAX_VIEWERS, Viewers

BOUNDARY = "maskwatch-frame"
JPEG_QUALITY = 75
WRITE_TIMEOUT = 20.0


class EncodedFrame(NamedTuple):
    """A frame of the live image as JPEG, and what it was made of."""

    number: int
    faces_visible: bool
    jpeg: bytes
    time: float


class View:
    """Answers ``/live.mjpeg`` and ``/live.jpg``.

    Runs in the page's thread; frames are drawn and encoded in ``worker``, and ``open_hider`` opens there what hides
    faces. ``set_up_mode`` tells whether faces are shown.
    """

    def __init__(
        self,
        bus: Bus,
        fps: float,
        set_up_mode: Callable[[], bool],
        open_hider: Callable[[], FaceHider],
        worker: Executor,
    ) -> None:
        self._bus = bus
        self._interval = 1 / fps
        self._set_up_mode = set_up_mode
        self._open_hider = open_hider
        self._worker = worker
        self._hider: FaceHider | None = None
        self._encoded: EncodedFrame | None = None
        self._lock = asyncio.Lock()
        self._viewers = Viewers(self._interval, lambda until: setattr(bus, "viewed_until", until))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Streams MJPEG until the viewer leaves, for programs such as Home Assistant."""
        viewer = str(id(request))
        if not self._viewers.admit(viewer, stays=True):
            return self._full()
        response: web.StreamResponse | None = None
        try:
            response = await open_stream(request, f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            last = None
            while is_open(request):
                frame = await self.newest_frame()
                if frame is not None and frame is not last:
                    last, jpeg = frame, frame.jpeg
                    header = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    async with asyncio.timeout(WRITE_TIMEOUT):  # a viewer that reads nothing has gone
                        await response.write(header.encode() + jpeg + b"\r\n")
                await asyncio.sleep(self._interval)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._viewers.leave(viewer)
        return response or web.Response()  # nobody reads it: the viewer left before the headers

    async def still(self, request: web.Request) -> web.Response:
        """Answers with the newest frame as JPEG, or with 304 if the client has it.

        The page asks again and again with ``?viewer=NAME``, and counts as a viewer meanwhile: between two images it
        holds no connection, of which a browser allows six.
        """
        if request.method == "HEAD":
            return web.Response(content_type="image/jpeg")
        viewer = request.query.get("viewer", "")[:36]
        if viewer and not self._viewers.admit(viewer):
            return self._full()
        frame = await self.newest_frame()
        if frame is None and viewer:
            return web.Response(status=204)  # not an error: the page asks again
        if frame is None:
            return error_response(503, "no frame yet; the camera is being opened")
        tag = f'"{RUN}-{frame.number}-{frame.faces_visible:d}"'
        headers = {"ETag": tag, "Last-Modified": formatdate(frame.time, usegmt=True)}  # when the camera gave it
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=frame.jpeg, content_type="image/jpeg", headers=headers)

    @staticmethod
    def _full() -> web.Response:
        text = f"{MAX_VIEWERS} browsers show the live image; close the page in another one first"
        return error_response(503, text, viewers=MAX_VIEWERS)

    async def newest_frame(self) -> EncodedFrame | None:
        """Returns the newest frame as JPEG; the same object as before while there is no newer one."""
        async with self._lock:
            shown = self._bus.shown
            faces_visible = self._set_up_mode()
            if shown is None:
                return None
            if self._encoded is None or self._encoded[:2] != (shown.number, faces_visible):
                loop = asyncio.get_running_loop()
                jpeg = await loop.run_in_executor(self._worker, self._encode, shown, faces_visible)
                self._encoded = EncodedFrame(shown.number, faces_visible, jpeg, shown.time)
            return self._encoded

    def _encode(self, shown: Shown, faces_visible: bool) -> bytes:
        image = shown.image
        if not faces_visible:
            if self._hider is None:
                self._hider = self._open_hider()
            image = self._hider.hide(image, shown.recent_boxes)
        return encode_jpeg(annotate(image, shown.faces), JPEG_QUALITY)
