"""The picture check: what strangers upload, looked at before it is decoded."""

import asyncio
import base64
import io
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import cv2
import numpy as np
from aiohttp import web
from PIL import Image as Header

from ..camera.frames import Image
from ..camera.pictures import as_jpeg
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.drawing import annotate
from ..faces.opening import check

BYTES = 8 * 2**20
PIXELS = 12_000_000
"""A PNG of 61 kB can be a picture of 367 MB; its head tells."""
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 85
SECONDS = 30.0
"""For an upload to arrive in."""


class Check:
    """One picture a request, one at a time; ``opener`` gives a detector and a classifier of its own."""

    def __init__(self, opener: Callable[[], tuple[Detector, MaskClassifier]], worker: Executor) -> None:
        self._opener, self._worker = opener, worker
        self._parts: tuple[Detector, MaskClassifier] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        """The body is the picture itself. Answers faces, and the picture with them drawn in."""
        if (length := request.content_length or 0) > BYTES:
            return refusal(413, f"the picture has {length / 2**20:.1f} MiB; at most 8 are taken")
        try:
            async with asyncio.timeout(SECONDS):
                data = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return refusal(413, "the picture has more than 8 MiB")
        except TimeoutError:
            return refusal(408, f"the picture did not arrive within {SECONDS:.0f} s")
        try:
            measure(data)
            loop = asyncio.get_running_loop()
            return web.json_response(await loop.run_in_executor(self._worker, self._check, data))
        except Unfit as error:
            return refusal(error.status, str(error))

    def _check(self, data: bytes) -> dict[str, Any]:
        image = decode(data)
        if self._parts is None:
            self._parts = self._opener()
        faces = check(image, *self._parts)
        try:
            jpeg = as_jpeg(annotate(image, faces), QUALITY)
        except ValueError as error:
            raise Unfit(422, "the answer cannot be drawn") from error
        return {
            "width": image.shape[1],
            "height": image.shape[0],
            "faces": [face.as_json() for face in faces],
            "picture": "data:image/jpeg;base64," + base64.b64encode(jpeg).decode(),
        }


class Unfit(ValueError):
    """A picture that is not taken, with the HTTP status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def measure(data: bytes) -> None:
    """Reads the head only. Raises ``Unfit`` for what is no picture, or too large a one."""
    if not data:
        raise Unfit(400, "there is no picture in the request; send the file as its body")
    try:
        with Header.open(io.BytesIO(data), formats=FORMATS) as head:
            width, height = head.size
    except Exception as error:  # whatever a hostile file does to the reader of its head
        raise Unfit(415, "this is no JPEG, PNG or WebP picture") from error
    if width * height > PIXELS:
        raise Unfit(413, f"the picture is {width} x {height}; at most 12 million pixels are taken")


def decode(data: bytes) -> Image:
    """The picture as BGR, turned as its EXIF data say. Raises ``Unfit``."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise Unfit(422, "the picture is damaged")
    if image.shape[0] * image.shape[1] > PIXELS:
        raise Unfit(413, "the picture has more than 12 million pixels")
    return np.asarray(image, np.uint8)


def refusal(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
