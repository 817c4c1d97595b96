"""Starts, limits and ends the process that checks images (``checking``)."""

import asyncio
import json
import logging
import os
import pickle
import signal
import socket
import struct
import subprocess
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .. import children
from ..config.schema import Config
from ..faces.opening import STILL_MIN_FACE
from ..faces.proving import PROVED
from ..serving.refusal import Refusal

log = logging.getLogger(__name__)

START_S = 60.0
"""Seconds in which the process must be ready: 0.7 s on x86, some on a Pi that is busy."""
CHECK_S = 20.0
"""Seconds for one image: 4000 x 3000 pixels take 0.6 s on x86."""
IDLE_S = 60.0
"""Seconds without an image after which the process is ended. It takes 40 MB and more while it waits."""
END_S = 2.0
MAX_ANSWER = (2**20, 8 * 2**20)
"""Bytes of an answer's JSON and JPEG, at most: a decoder that was taken over could send anything."""
LENGTHS = struct.Struct(">II")


class Checker:
    """Checks images in a process of its own, which is started for the first one. Runs in the page's thread.

    The caller checks one image at a time. The process ends with the thread that started it.
    """

    def __init__(self, config: Config) -> None:
        still = replace(config.detect, min_face=STILL_MIN_FACE, zones=())
        self._config = Config(detect=still, classify=config.classify)  # no password goes there
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._printed = -1
        self._idle: asyncio.TimerHandle | None = None
        self._told = ""
        self._closed = False

    async def check(self, image: int) -> tuple[dict[str, Any], bytes]:
        """Checks the image in a file; returns the answer and the image with the faces drawn in. Raises ``Refusal``."""
        if self._idle:
            self._idle.cancel()
        try:
            connection = await self._connection()
            async with asyncio.timeout(CHECK_S):
                socket.send_fds(connection, [b"i"], [image])
                told, jpeg = await self._answer(connection)
        except TimeoutError:
            await self._end()
            raise _slow() from None
        except Refusal:
            raise
        except (OSError, EOFError, ValueError):
            raise await self._failure() from None
        except asyncio.CancelledError:
            self._kill()
            raise
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._kill)
        if "refused" in told:
            raise Refusal(422, f"the image cannot be used: {told['refused']}", told["code"], **told["details"])
        return told, jpeg

    def close(self) -> None:
        """Ends the process for good, at once and without waiting for it."""
        self._closed = True
        self._kill()

    def _kill(self) -> None:
        if self._idle:
            self._idle.cancel()
        if self._process:
            self._process.kill()
            self._process.poll()
        if self._socket:
            self._socket.close()
            self._socket = None

    async def _connection(self) -> socket.socket:
        """Returns the socket of the running process; starts one where there is none. Raises ``Refusal``."""
        if self._closed:
            raise _stopping()
        if self._socket and self._process and self._process.poll() is None:
            return self._socket
        await self._end()
        try:
            connection = self._start()
        except OSError as error:  # no memory or no descriptor is left for it
            raise _problem(error.strerror or str(error)) from None
        try:
            async with asyncio.timeout(START_S):
                loop = asyncio.get_running_loop()
                handed = pickle.dumps((self._config, PROVED))
                await loop.sock_sendall(connection, struct.pack(">I", len(handed)) + handed)
                told, _ = await self._answer(connection)
        except TimeoutError:
            await self._end()
            raise Refusal(503, "the device is too busy to check images; try again later", "busy") from None
        except (OSError, EOFError, ValueError):
            if self._closed:
                raise _stopping() from None
            raise _problem(f"their process has ended while it started ({(await self._ended())[1]})") from None
        if "problem" in told:
            await self._end()
            raise _problem(told["problem"])
        return connection

    def _start(self) -> socket.socket:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        if self._printed < 0:
            self._printed = os.memfd_create("checking")
        os.ftruncate(self._printed, 0)
        os.lseek(self._printed, 0, os.SEEK_SET)  # the last process has left it behind what it wrote
        with theirs:
            self._process = children.start(
                "edge.web.checking",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._printed,
            )
        return self._socket

    async def _answer(self, connection: socket.socket) -> tuple[dict[str, Any], bytes]:
        """Receives an answer. Raises ``EOFError`` if the process has ended, ``ValueError`` for anything else."""
        lengths = LENGTHS.unpack(await _receive(connection, LENGTHS.size))
        if any(length > most for length, most in zip(lengths, MAX_ANSWER, strict=True)):
            raise ValueError
        text, jpeg = [await _receive(connection, length) for length in lengths]
        told = json.loads(text)
        if not isinstance(told, dict):
            raise ValueError
        return told, jpeg

    async def _end(self) -> int | None:
        """Ends the process and returns how it ended; None without a process."""
        process, self._process = self._process, None
        if process is None:
            return None
        deadline = asyncio.get_running_loop().time() + END_S
        while process.poll() is None and asyncio.get_running_loop().time() < deadline:
            process.kill()
            await asyncio.sleep(0.02)
        if self._socket:
            self._socket.close()
            self._socket = None
        return process.poll()

    async def _failure(self) -> Refusal:
        """Collects a process that has ended while it checked an image, and tells why."""
        if self._closed:
            return _stopping()
        code, _ = await self._ended()
        if code == -signal.SIGXCPU:
            return Refusal(
                422, "the image takes too much processor time; make it smaller", "slow", seconds=int(CHECK_S)
            )
        text = "the image made its decoder fail; save it again as JPEG, or make it smaller"
        return Refusal(422, text, "failed")

    async def _ended(self) -> tuple[int | None, str]:
        """Collects a process that has ended by itself; returns its exit code, and how it has ended in words."""
        await asyncio.sleep(0.1)  # its socket closes before it has ended
        code = await self._end()
        printed = b""
        with suppress(OSError):
            printed = os.pread(self._printed, 2000, max(0, os.fstat(self._printed).st_size - 2000))
        last = printed.decode(errors="replace").strip().rpartition("\n")[2]
        told = f"signal {-code}" if code and code < 0 else f"exit status {code}: {last}"
        if told != self._told and code != -signal.SIGXCPU:
            self._told = told
            log.warning("the process that checks images has ended: %s", told)
        return code, told


def _slow() -> Refusal:
    text = f"the image took longer than {CHECK_S:.0f} s to check; make it smaller, or save it again as JPEG"
    return Refusal(422, text, "slow", seconds=int(CHECK_S))


def _problem(reason: str) -> Refusal:
    return Refusal(503, f"images cannot be checked: {reason}", "problem", reason=reason)


def _stopping() -> Refusal:
    return Refusal(503, "the device is being stopped; send the image again later", "stopping")


async def _receive(connection: socket.socket, length: int) -> bytes:
    """Receives so many bytes. Raises ``EOFError`` if the connection ends before."""
    data = bytearray()
    loop = asyncio.get_running_loop()
    while len(data) < length:
        part = await loop.sock_recv(connection, min(65536, length - len(data)))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
