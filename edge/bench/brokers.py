"""A broker on loopback for the length of a measurement: mosquitto where it is installed, else the embedded one."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.enums import MQTTProtocolVersion

from ..errors import BrokerError
from ..mqtt.client import V5
from ..mqtt.embedded_broker import HOST, PROTOCOL, EmbeddedBroker, any_port

LIMITS = "max_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_type error\n"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it listens, what it speaks, and its process (0: this one)."""

    name: str
    port: int
    protocol: MQTTProtocolVersion
    pid: int = 0


@contextmanager
def opened() -> Iterator[Broker]:
    """Raises ``BrokerError`` when neither broker is installed."""
    if _program() is None:
        embedded = EmbeddedBroker().start()
        try:
            yield Broker("the embedded broker", embedded.port, PROTOCOL)
        finally:
            embedded.close()
        return
    with mosquitto() as broker:
        yield broker


@contextmanager
def mosquitto() -> Iterator[Broker]:
    """Raises ``BrokerError`` when it is not installed or does not start."""
    if (program := _program()) is None:
        raise BrokerError("mosquitto is not installed: sudo apt install mosquitto")
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder:
        os.chmod(folder, 0o755)  # as root, mosquitto becomes another user before it reads on
        port = any_port()
        file = Path(folder) / "mosquitto.conf"
        file.write_text(f"listener {port} {HOST}\nallow_anonymous true\n{LIMITS}")
        process = subprocess.Popen([program, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(port, process)
            yield Broker("mosquitto", port, V5, process.pid)
        finally:
            process.terminate()
            process.wait(10)


def _program() -> str | None:
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise BrokerError(f"mosquitto does not start (exit code {process.poll()})")
