"""Accepts the page's connections, within limits of number and time.

Anyone in the network can open connections, and every connection costs a descriptor, which the camera, the outbox and
MQTT need too. So their number is bounded in all and per address, and each must keep sending, or reading. A connection
that does nothing gives way to a new one.
"""

import asyncio
import logging
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from .answers import error_response
from .connection import HEAD_S, READ_BYTES, Connection
from .proxies import neighbourhood

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 160
"""At most, or a quarter of the descriptors that this process may open."""
SHARE_PER_ADDRESS = 0.4
"""Share of them that one address may have; a trusted proxy may have all."""
HANDSHAKE_S, SHUTDOWN_S = 10.0, 5.0
"""Seconds for the beginning and the end of a TLS connection."""
SEND_BUFFER = 131_072
"""Bytes that the kernel buffers per connection: its own 2.5 MB hide for 40 s that nobody reads a live image."""
MAX_DROPPED_BYTES, DROP_STALL_S = 64 * 2**20, 2.0
SWEEP_S = 1.0
TLS_HANDSHAKE = 0x16
"""First byte of a TLS connection."""


class Listener:
    """Accepts connections at sockets and hands them to an aiohttp server, from ``start`` to ``close``.

    ``make_protocol`` makes the server's protocol, and ``context`` gives the TLS context, for each new connection; None
    for plain HTTP. ``is_trusted`` tells whether an address is that of a trusted proxy.
    """

    def __init__(
        self,
        server: web.Server,
        make_protocol: Callable[[], Any],
        context: Callable[[], ssl.SSLContext | None],
        is_trusted: Callable[[str], bool],
    ) -> None:
        self._make_protocol = make_protocol
        self._context = context
        self._is_trusted = is_trusted
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[socket.socket] = []
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._limit = min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._limit_per_address = max(1, int(self._limit * SHARE_PER_ADDRESS))
        self._failing = False
        handle = server.request_handler

        async def watched(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(request, handle)

        server.request_handler = watched

    def start(self, sockets: list[socket.socket]) -> None:
        """Begins to accept."""
        self._sockets = sockets
        for listening in sockets:
            listening.setblocking(False)
            self._tasks.append(self._loop.create_task(self._accept(listening)))
        self._tasks.append(self._loop.create_task(self._sweep()))

    async def close(self) -> None:
        """Accepts no more; ends what has not sent a request yet. The server ends the others."""
        opening = [connection.task for connection in self._connections if connection.task]
        for task in (*self._tasks, *opening):
            task.cancel()
        await asyncio.gather(*self._tasks, *opening, return_exceptions=True)
        for listening in self._sockets:
            listening.close()

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                accepted, address = await self._loop.sock_accept(listening)
            except OSError as error:
                if not self._failing:
                    log.error("the page takes no connections for now: %s", error.strerror)
                self._failing = True
                await asyncio.sleep(SWEEP_S)
                continue
            self._failing = False
            self._admit(accepted, str(address[0]))
            await asyncio.sleep(0)  # what gave way is closed before the next one is accepted

    def _admit(self, accepted: socket.socket, address: str) -> None:
        group = f"{id(accepted)}" if self._is_trusted(address) else neighbourhood(address)
        if not self._make_room(group):
            return accepted.close()
        with suppress(OSError):
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        connection = Connection(self._make_protocol, group, self._connections.discard, self._buffer)
        self._connections.add(connection)
        connection.task = self._loop.create_task(self._open(connection, accepted))

    def _make_room(self, group: str) -> bool:
        """Returns whether one more connection may be open; ends one that does nothing if that is needed."""
        sizes = Counter(connection.group for connection in self._connections)
        if sizes[group] >= self._limit_per_address:
            candidates = [one for one in self._connections if one.group == group and one.is_waiting]
        elif len(self._connections) >= self._limit:
            candidates = [one for one in self._connections if one.is_waiting]
        else:
            return True
        if not candidates:
            return False
        oldest = max(candidates, key=lambda one: (sizes[one.group], -one.active_at))
        self._connections.discard(oldest)
        oldest.abort()
        return True

    async def _open(self, connection: Connection, accepted: socket.socket) -> None:
        """Opens the transport of a connection, after the TLS handshake if there is one."""
        try:
            context = self._context()
            if context and not await _begins_with_tls(accepted):
                context = None  # the guard answers with the address that begins with https
            limits = {"ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": SHUTDOWN_S} if context else {}
            await self._loop.connect_accepted_socket(lambda: connection, accepted, ssl=context, **limits)
        except (OSError, TimeoutError):  # the visitor does not speak TLS, or not our version of it
            self._connections.discard(connection)
            accepted.close()
        except asyncio.CancelledError:
            self._connections.discard(connection)
            accepted.close()
            raise
        finally:
            connection.task = None

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._loop.time()
            for connection in [one for one in self._connections if one.is_overdue(now, SWEEP_S)]:
                connection.abort()

    async def _handle(
        self, request: web.BaseRequest, handle: Callable[[Any], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        connection = request.transport.get_protocol() if request.transport else None
        if not isinstance(connection, Connection):
            return await handle(request)
        connection.begin(request)
        try:
            response = await handle(request)
            await _read_on(request)
            return response
        except web.HTTPException:
            await _read_on(request)
            raise
        except Exception as error:
            has_left = isinstance(error, ConnectionError) and not _is_connected(request)
            if request.content.exception() is None and not has_left:
                raise
            return _incomplete()
        finally:
            connection.end()


def _is_connected(request: web.BaseRequest) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _incomplete() -> web.Response:
    """Answers a request whose body is damaged, or whose visitor has left in the middle of it."""
    response = error_response(400, "the body of the request is damaged or incomplete; send it again")
    response.force_close()
    return response


async def _read_on(request: web.BaseRequest) -> None:
    """Reads the rest of a body that was refused before its end, and drops it.

    Browsers, and proxies such as Caddy, send the whole body first. If the connection ended before, they would report
    that instead of the answer.
    """
    left = MAX_DROPPED_BYTES
    if (request.content_length or 0) > left:
        return
    with suppress(Exception):  # nothing more comes, or it is damaged: it is dropped anyway
        while left > 0 and not request.content.at_eof():
            left -= len(await asyncio.wait_for(request.content.readany(), DROP_STALL_S))


async def _begins_with_tls(accepted: socket.socket) -> bool:
    """Waits for the first byte of a connection, which stays unread. Raises ``TimeoutError``."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(accepted, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), HEAD_S)
    finally:
        loop.remove_reader(accepted)
    return accepted.recv(1, socket.MSG_PEEK)[:1] == bytes([TLS_HANDSHAKE])
