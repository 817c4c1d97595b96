"""Runs an embedded MQTT broker on loopback (amqtt, extra ``broker``), for a machine without a broker.

It is meant for a first try and for tests: it keeps nothing on disk and is reachable from this machine only.
"""

import asyncio
import logging
import socket
import threading
from typing import Any

from paho.mqtt.enums import MQTTProtocolVersion

from ..errors import BrokerError, ConfigError

HOST = "127.0.0.1"
PROTOCOL = MQTTProtocolVersion.MQTTv311
"""The version that amqtt speaks. It answers an MQTT 5 connection with a will after 10 s, by hanging up."""


class EmbeddedBroker:
    """A broker that runs from ``start`` to ``close``, in the thread ``broker``.

    It listens on the given port or, if that is taken, on another free one; ``port`` tells which.
    """

    def __init__(self, port: int) -> None:
        self.port = port if _free(port) else any_port()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: str | None = None
        self._done: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> "EmbeddedBroker":
        """Raises ``ConfigError`` when amqtt is missing, ``BrokerError`` when the broker does not come up."""
        try:
            import amqtt.broker  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                "no broker is configured and the embedded one is not installed; name yours with --broker or "
                "[mqtt] host, use --print, or pip install amqtt"
            ) from error
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it logs every client that leaves
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # amqtt logs an error when a client hangs up first
        logging.getLogger("transitions").setLevel(logging.ERROR)
        self._thread.start()
        if not self._ready.wait(20) or self._failure:
            raise BrokerError(f"the embedded broker does not start: {self._failure or 'no answer for 20 s'}")
        return self

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # the thread that called start() must learn of any failure
            self._failure = f"{type(error).__name__}: {error}"
        self._ready.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker

        settings: dict[str, Any] = {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{self.port}"}},
            "plugins": {"edge.mqtt.embedded_login.LocalClients": {}},
        }
        broker = Broker(settings)
        self._done = asyncio.Event()
        await broker.start()
        self._ready.set()
        await self._done.wait()
        await broker.shutdown()

    def close(self) -> None:
        if self._done is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(5)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_port() -> int:
    """Finds a port of this machine that is free at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
