"""Runs a broker on loopback for one measurement: mosquitto if it is installed, else the embedded broker."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.enums import MQTTProtocolVersion

from ..config.schema import MqttConfig
from ..errors import BrokerError
from ..mqtt.client import V5
from ..mqtt.embedded_broker import HOST, PROTOCOL, EmbeddedBroker, any_port
from ..timing import wait_until

OPTIONS = "allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_type error\n"
"""Options of mosquitto: no limits, and no login."""
START_TIMEOUT = 20.0
STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker. ``pid`` is its process, 0 if it runs in this process. ``login`` is needed to publish there."""

    name: str
    port: int
    protocol: MQTTProtocolVersion
    pid: int = 0
    login: MqttConfig | None = None


@contextmanager
def open_broker() -> Iterator[Broker]:
    """Starts mosquitto if it is installed, else the embedded broker. Raises ``BrokerError`` if it does not start."""
    if _find_mosquitto() is None:
        embedded = EmbeddedBroker(any_port()).start()
        try:
            yield Broker("the embedded broker", embedded.port, PROTOCOL, login=embedded.settings())
        finally:
            embedded.close()
        return
    with mosquitto() as broker:
        yield broker


@contextmanager
def mosquitto() -> Iterator[Broker]:
    """Starts mosquitto. Raises ``BrokerError`` if it is not installed or does not start."""
    if (program := _find_mosquitto()) is None:
        raise BrokerError("mosquitto is not installed: sudo apt install mosquitto")
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder:
        os.chmod(folder, 0o755)  # if started as root, mosquitto reads its files as another user
        port = any_port()
        file = Path(folder) / "mosquitto.conf"
        file.write_text(f"listener {port} {HOST}\n{OPTIONS}", "utf-8")
        process = subprocess.Popen([program, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for_listener(port, process)
            yield Broker("mosquitto", port, V5, process.pid)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT)


def _find_mosquitto() -> str | None:
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


def _wait_for_listener(port: int, process: "subprocess.Popen[bytes]") -> None:
    def is_over() -> bool:
        return process.poll() is not None or _accepts_connections(port)

    if not wait_until(is_over, START_TIMEOUT) or process.poll() is not None:
        raise BrokerError(f"mosquitto does not start (exit code {process.poll()})")


def _accepts_connections(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True
