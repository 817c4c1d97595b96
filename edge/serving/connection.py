"""Watches one connection of the page: whether it keeps sending, or reading, and within which time."""

import asyncio
import fcntl
import sys
import termios
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader, web

HEAD_S = 20.0
"""Seconds in which the head of a request must be complete, and for which an idle connection is kept."""
MAX_HEAD_BYTES = 81_920
SEND_S = 60.0
"""Seconds in which a response that is complete must be on its way."""
BODY_PATIENCE_S, BODY_BYTES_PER_S = 20.0, 4096
"""A body may stall for so many seconds, and may on average come as slowly as this."""
STALL_S, SHORT_STALL_S = 20.0, 4.0
"""Seconds for which a visitor may read nothing while something is sent; the second once our buffer is full."""
READ_BYTES = 16_384
"""Bytes that are read at once. asyncio alone reads 256 kB."""
MAX_EARLY_BYTES = 65_536
"""Bytes that may come behind a complete request before it is answered. Without it, 160 connections took 6 GB."""


class Connection(asyncio.BufferedProtocol):
    """Watches one connection, and passes everything on to the protocol of aiohttp that ``make_protocol`` makes.

    ``group`` is the address that it counts for. ``forget`` is called when it has ended. ``buffer`` has ``READ_BYTES``;
    all connections share it, because what is read into it is passed on at once.
    """

    def __init__(
        self,
        make_protocol: Callable[[], Any],
        group: str,
        forget: Callable[["Connection"], None],
        buffer: memoryview,
    ) -> None:
        self.group = group
        self.request: web.BaseRequest | None = None
        """The request that is being handled."""
        self._now = asyncio.get_running_loop().time
        self.waiting_since = self.active_at = self._now()
        self.task: asyncio.Task[None] | None = None
        self._make_protocol = make_protocol
        self._protocol: Any = None
        self._forget = forget
        self._transport: asyncio.Transport | None = None
        self._head: bytes | None = b""
        self._head_bytes = self._early_bytes = 0
        self._buffer = buffer
        self._body: StreamReader | None = None
        self._patience = BODY_PATIENCE_S
        self._is_full = False
        self._unsent, self._sent_at = 0, self.active_at

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._protocol = self._make_protocol()
        self._protocol.connection_made(transport)

    def get_buffer(self, size_hint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, size: int) -> None:
        self._received(bytes(self._buffer[:size]))

    def _received(self, data: bytes) -> None:
        self.active_at = self._now()
        self._patience = min(BODY_PATIENCE_S, self._patience + len(data) / BODY_BYTES_PER_S)
        if self._body and not self._body.is_eof():
            self._head = data[-3:]  # the head of the next request may begin in it
        elif self.request is None and self._head is not None:
            end = self._head + data[:MAX_HEAD_BYTES]
            self._head = None if b"\r\n\r\n" in end else end[-3:]
            self._head_bytes += len(data)
            if self._head is not None and self._head_bytes > MAX_HEAD_BYTES:
                return self.abort()
        elif self.request is None or self.request.content.is_eof():
            self._early_bytes += len(data)
            if self._early_bytes > MAX_EARLY_BYTES:
                return self.abort()
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()  # type: ignore[no-any-return]

    def pause_writing(self) -> None:
        self._is_full = True
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._is_full = False
        self._protocol.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._forget(self)
        self._protocol.connection_lost(error)

    def begin(self, request: web.BaseRequest) -> None:
        """Notes that a request is being handled."""
        self.request, self._body, self._patience = request, None, BODY_PATIENCE_S
        self._early_bytes = 0

    def end(self) -> None:
        """Notes that the connection waits for its next request.

        The rest of a body that nobody has read may still come. It is dropped, and is no head of a request.
        """
        self._body = self.request.content if self.request else None
        self.request, self.waiting_since = None, self._now()
        self.active_at = self.waiting_since
        self._head, self._head_bytes, self._early_bytes = b"", 0, 0

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._transport:
            self._transport.abort()
        elif self.task:
            self.task.cancel()

    @property
    def is_waiting(self) -> bool:
        """Returns whether nothing is done or sent until the visitor sends more."""
        if self.request is None:
            return not (self._transport and self._transport.get_write_buffer_size())
        return self._reads_body

    @property
    def _reads_body(self) -> bool:
        """Returns whether a body is not complete, and is not held back by us."""
        reading = self._transport is not None and self._transport.is_reading()
        return reading and self.request is not None and not self.request.content.is_eof()

    def is_overdue(self, now: float, seconds: float) -> bool:
        """Returns whether a time limit has passed. To be called every ``seconds``."""
        if self._reads_nothing(now):
            return True
        if self.request is None:
            return now - self.waiting_since > (HEAD_S if self.is_waiting else SEND_S)
        if self._reads_body:
            self._patience -= seconds
        return self._patience < 0

    def _reads_nothing(self, now: float) -> bool:
        """Returns whether the visitor's machine takes nothing of what is on its way. A slow one takes a little."""
        unsent = self._transport.get_write_buffer_size() + _in_kernel(self._transport) if self._transport else 0
        if unsent == 0 or unsent < self._unsent:
            self._sent_at = now
        self._unsent = unsent
        return now - self._sent_at > (SHORT_STALL_S if self._is_full else STALL_S)


def _in_kernel(transport: asyncio.Transport) -> int:
    """Returns the bytes that the kernel has still to send, or has sent and the other end has not confirmed (tcp(7))."""
    try:
        told = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # it is being closed
        return 0
    return int.from_bytes(told, sys.byteorder)
