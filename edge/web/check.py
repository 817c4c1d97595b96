"""Checks uploaded images; an upload is inspected before it is decoded, because anyone can send one."""

import asyncio
import base64
import io
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from aiohttp import web
from PIL import Image as PilImage

from ..camera import pictures
from ..camera.frames import Image
from ..errors import SourceError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.drawing import annotate
from ..faces.opening import detect_and_classify
from .answers import error_response

MAX_BYTES = 8 * 2**20
MAX_PIXELS = 12_000_000
"""A PNG file of 61 kB can decode to 367 MB; the size in its header tells before it is decoded."""
FORMATS = ("JPEG", "PNG", "WEBP")
JPEG_QUALITY = 85
UPLOAD_TIMEOUT = 30.0


class UploadError(ValueError):
    """An upload is refused. ``status`` is the HTTP status of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Check:
    """Answers ``POST /api/check``, one image per request.

    ``handle`` runs in the page's thread. Detection and drawing run in ``worker``, one image at a time, with a detector
    and a classifier that ``open_models`` opens there at the first upload.
    """

    def __init__(self, open_models: Callable[[], tuple[Detector, MaskClassifier]], worker: Executor) -> None:
        self._open_models = open_models
        self._worker = worker
        self._models: tuple[Detector, MaskClassifier] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Answers with the faces, and the image with the faces drawn in. The request's body is the image file."""
        if (length := request.content_length or 0) > MAX_BYTES:
            return error_response(413, f"the image has {length / 2**20:.1f} MiB; at most 8 MiB are allowed")
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT):
                data = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return error_response(413, "the image has more than 8 MiB; at most 8 MiB are allowed")
        except TimeoutError:
            return error_response(408, f"the image did not arrive within {UPLOAD_TIMEOUT:.0f} s; send it again")
        try:
            check_header(data)
            loop = asyncio.get_running_loop()
            return web.json_response(await loop.run_in_executor(self._worker, self._check, data))
        except UploadError as error:
            return error_response(error.status, str(error))

    def _check(self, data: bytes) -> dict[str, Any]:
        image = decode(data)
        if self._models is None:
            self._models = self._open_models()
        faces = detect_and_classify(image, *self._models)
        try:
            jpeg = pictures.encode_jpeg(annotate(image, faces), JPEG_QUALITY)
        except ValueError as error:
            raise UploadError(422, "the image with the faces drawn in cannot be encoded as JPEG") from error
        return {
            "width": image.shape[1],
            "height": image.shape[0],
            "faces": [face.as_json() for face in faces],
            "picture": "data:image/jpeg;base64," + base64.b64encode(jpeg).decode(),
        }


def check_header(data: bytes) -> None:
    """Reads only the header of an image file. Raises ``UploadError`` if it is not an image or has too many pixels."""
    if not data:
        raise UploadError(400, "the request has no body; send the image file as the body")
    try:
        with PilImage.open(io.BytesIO(data), formats=FORMATS) as header:
            width, height = header.size
    except Exception as error:  # a hostile file can make the header's parser raise anything
        raise UploadError(415, "the file is not a JPEG, PNG or WebP image") from error
    if width * height > MAX_PIXELS:
        raise UploadError(413, f"the image is {width} x {height}; at most 12 million pixels are allowed")


def decode(data: bytes) -> Image:
    """Decodes an image file and turns it as its EXIF data say. Raises ``UploadError``."""
    try:
        image = pictures.decode(data)
    except SourceError as error:
        raise UploadError(422, f"the image cannot be used: {str(error).partition(': ')[2]}") from error
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise UploadError(413, "the image has more than 12 million pixels; at most 12 million are allowed")
    return image
