"""A real broker, and a subscriber of all topics."""

import glob
import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from support import until


def free_port() -> int:
    """Returns a port below those that the kernel gives to outgoing connections, so that none of them takes it."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)  # not by random, which tests seed
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Mosquitto:
    """A real mosquitto on a free port of the loopback interface, which can be killed and started again."""

    def __init__(self, folder: Path, extra: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self.configure(f"listener {self.port} 127.0.0.1\n{extra}\n")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, text: str) -> None:
        """Replaces the broker's configuration file; this takes effect at the next start."""
        self._config.write_text(text)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Mosquitto":
        if self._process is not None:
            return self
        log = (self._folder / "mosquitto.log").open("ab")
        self._process = subprocess.Popen([mosquitto_program(), "-c", str(self._config)], stdout=log, stderr=log)
        until(self._listens, "mosquitto starts", 20, 0.05)
        return self

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "mosquitto has ended"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    def stop(self) -> None:
        """Ends the broker by SIGTERM, so that it saves acknowledged messages if persistence is configured."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


def mosquitto_program() -> str:
    """The path of mosquitto. Skips the test where it is not installed."""
    path = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        pytest.skip("mosquitto is not installed (sudo apt install mosquitto)")
    return path


class Subscriber:
    """A subscriber of all topics: ``messages`` are (topic, payload, retained), in the order of their arrival."""

    def __init__(self, port: int, **login: Any) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if login:
            self._client.username_pw_set(login["user"], login["password"])
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda c, u, m: self.messages.append((m.topic, m.payload, m.retain))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(20), "the test's subscriber cannot subscribe"

    def on(self, topic: str) -> list[bytes]:
        """The payloads that have arrived on a topic."""
        return [payload for name, payload, _ in list(self.messages) if name == topic]

    def wait_for(self, topic: str, count: int = 1, timeout: float = 90) -> list[bytes]:
        """Waits until ``count`` messages have arrived on a topic; returns the payloads of all on this topic."""

        def missing() -> str:
            return f"{count} messages on {topic}; {len(self.on(topic))} arrived; all messages: {self.messages}"

        until(lambda: len(self.on(topic)) >= count, missing, timeout)
        return self.on(topic)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


DYNAMIC_SECURITY = "/usr/lib/*/mosquitto_dynamic_security.so"


def with_rights(folder: Path, *, publish: list[str] = [], subscribe: list[str] = []) -> str:  # noqa: B006
    """The configuration of a broker that allows everything except to publish on, or to subscribe to, these topics.

    It is mosquitto's own plug-in: an ``acl_file`` refuses no subscription. ``change_rights`` changes the rights.
    """
    plugins = glob.glob(DYNAMIC_SECURITY)
    if not plugins:
        pytest.skip("mosquitto's dynamic security plug-in is not installed")
    change_rights(folder, publish=publish, subscribe=subscribe)
    file = folder / "rights.json"
    return f"allow_anonymous true\nuser root\nplugin {plugins[0]}\nplugin_opt_config_file {file}"


def change_rights(folder: Path, *, publish: list[str] = [], subscribe: list[str] = []) -> None:  # noqa: B006
    """Changes the rights of a broker ``with_rights``; this takes effect at its next start."""
    kinds = {"publishClientSend": publish, "subscribePattern": subscribe}
    denied = [
        {"acltype": kind, "topic": topic, "allow": False, "priority": 2}
        for kind, topics in kinds.items()
        for topic in topics
    ]
    allowed = [{"acltype": kind, "topic": "#", "allow": True} for kind in kinds]
    rights = {
        "defaultACLAccess": dict.fromkeys(("publishClientReceive", "unsubscribe"), True),
        "anonymousGroup": "all",
        "clients": [],
        "groups": [{"groupname": "all", "roles": [{"rolename": "all"}]}],
        "roles": [{"rolename": "all", "acls": denied + allowed}],
    }
    (folder / "rights.json").write_text(json.dumps(rights))
