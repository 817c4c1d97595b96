"""Runs the embedded broker in a thread, on loopback, for a machine without a broker.

It keeps nothing on disk and is reachable from this machine only.
"""

import asyncio
import socket
import threading

from paho.mqtt.enums import MQTTProtocolVersion

from ..errors import BrokerError
from ..listening import BACKLOG
from .broker import Broker, Login
from .client import LocalConfig

HOST = "127.0.0.1"
PROTOCOL = MQTTProtocolVersion.MQTTv311
"""The version that it speaks."""
KERNEL_BUFFER = 64 * 1024
"""Bytes that the kernel buffers in each direction: its own limits are 4 and 6 MB per client that does not read."""


class EmbeddedBroker:
    """A broker that runs from ``start`` to ``close``, in the thread ``broker``.

    It listens on the given port or, if that is taken, on another free one; ``port`` tells which. Anyone on this machine
    may read what is published there. ``login`` is what a client needs to publish.
    """

    def __init__(self, port: int) -> None:
        self.login = Login()
        self.port = port
        self._listening = socket.socket()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> "EmbeddedBroker":
        """Starts to serve. Raises ``BrokerError`` when the broker does not come up."""
        try:
            self.port = _listen(self._listening, self.port)
        except OSError as error:
            raise BrokerError(f"the embedded broker does not start: {error.strerror}") from error
        self._thread.start()
        if not self._ready.wait(20) or self._failure:
            raise BrokerError(f"the embedded broker does not start: {self._failure or 'no answer for 20 s'}")
        return self

    def settings(self, prefix: str = "maskwatch", keepalive: int = 15) -> LocalConfig:
        """Returns how maskwatch itself connects to this broker."""
        user, password = self.login.user, self.login.password
        return LocalConfig(host=HOST, port=self.port, prefix=prefix, keepalive=keepalive, user=user, password=password)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # the thread that called start() must learn of any failure
            self._failure = f"{type(error).__name__}: {error}"
        finally:
            self._listening.close()
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks = [
            self._loop.create_task(work) for work in (Broker(self.login).serve(self._listening), self._stop.wait())
        ]
        self._ready.set()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed

    def close(self) -> None:
        """Ends all connections and the thread."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(5)


def _listen(listening: socket.socket, port: int) -> int:
    """Listens on a port, or on a free one if that is taken; returns which."""
    listening.setblocking(False)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listening.setsockopt(socket.SOL_SOCKET, option, KERNEL_BUFFER)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.bind((HOST, 0))
    listening.listen(BACKLOG)
    return int(listening.getsockname()[1])


def any_port() -> int:
    """Finds a port of this machine that is free at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
