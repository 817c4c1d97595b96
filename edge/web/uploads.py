"""Receives uploaded images into memory, within limits of bytes, of time, and of what all of them may take."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from ..camera.headers import read_header
from ..serving.refusal import Refusal

MAX_BYTES = 20 * 2**20
"""A photograph of 50 million pixels has 10 to 20 MB."""
ALL_BYTES = 24 * 2**20
"""Bytes of all uploads together that are in memory. No upload goes to disk: the device keeps no image of anybody."""
STALL_S = 15.0
"""Seconds for which an upload may stand still. There is no limit for all of it: 4 MB take 40 s over a slow phone."""
DRAIN_S, DRAIN_BYTES = 60.0, 64 * 2**20
"""Seconds and bytes for which the rest of a refused upload is read and thrown away: browsers read no answer before they
have sent everything, and a connection that is closed meanwhile hides the answer."""
KIND_BYTES = 300
"""First bytes, which tell the kind of a file."""
KINDS = ("JPEG", "PNG", "WebP")
OTHERS = (
    ("PDF", lambda data: data[:5] == b"%PDF-"),
    ("SVG", lambda data: b"<svg" in data),
    ("video", lambda data: data[4:8] == b"ftyp" or data[:4] == b"\x1a\x45\xdf\xa3" or data[8:12] == b"AVI "),
)
"""Files that are no images of pixels, and what they begin with."""
HEIC_ADVICE = (
    "this is a HEIC image, which the device cannot read; on an iPhone choose Settings > Camera > Formats > Most "
    "Compatible for new photographs, or share the image as JPEG"
)


class Uploads:
    """Receives uploads. Runs in the page's thread."""

    def __init__(self) -> None:
        self._free = ALL_BYTES
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def receive(self, request: web.Request) -> AsyncIterator[int]:
        """Receives the body of a request; its file is open inside the block. Raises ``Refusal``."""
        length = request.content_length
        if length is not None and length > MAX_BYTES:
            raise _too_many(f"{length / 2**20:.1f}")
        async with self._room(MAX_BYTES if length is None else length):
            file = os.memfd_create("upload")
            try:
                await _copy(request, file)
                yield file
            finally:
                os.close(file)

    @asynccontextmanager
    async def _room(self, size: int) -> AsyncIterator[None]:
        """Waits until so many bytes may be received. The visitor's bytes wait in the network meanwhile."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            self._free += size
            async with self._freed:
                self._freed.notify_all()


async def drain(request: web.Request) -> None:
    """Reads the rest of an upload, and keeps nothing of it."""
    drained = 0
    with suppress(TimeoutError, ConnectionError, web.HTTPException):
        async with asyncio.timeout(DRAIN_S):
            while not request.content.at_eof() and drained < DRAIN_BYTES:
                drained += len(await request.content.readany())


async def _copy(request: web.Request, file: int) -> None:
    received, head = 0, b""
    while not request.content.at_eof():
        try:
            async with asyncio.timeout(STALL_S):
                chunk = await request.content.readany()
        except TimeoutError:
            text = f"nothing more of the image came for {STALL_S:.0f} s; send it again"
            raise Refusal(408, text, "stalled", seconds=int(STALL_S)) from None
        received += len(chunk)
        if received > MAX_BYTES:
            raise _too_many(f"more than {MAX_BYTES // 2**20}")
        os.write(file, chunk)
        if len(head) < KIND_BYTES:
            head += chunk
            if len(head) >= KIND_BYTES:
                check_kind(head)
    if not received:
        raise Refusal(400, "the request has no body; send the image file as the body", "empty")
    check_kind(head)


def check_kind(head: bytes) -> None:
    """Raises ``Refusal`` if the first bytes of a file are not those of an image that is checked."""
    header = read_header(head)
    kind = header.kind if header else next((kind for kind, is_kind in OTHERS if is_kind(head)), None)
    if kind in KINDS:
        return
    if kind == "HEIC":
        raise Refusal(415, HEIC_ADVICE, "heic")
    if kind:
        raise Refusal(415, f"this is a file of the kind {kind}; send a JPEG, PNG or WebP image", "kind", kind=kind)
    raise Refusal(415, "the file is not a JPEG, PNG or WebP image", "unknown")


def _too_many(size: str) -> Refusal:
    limit = MAX_BYTES // 2**20
    text = f"the image has {size} MiB; at most {limit} MiB are allowed"
    return Refusal(413, text, "too_large", size=size, limit=limit)
