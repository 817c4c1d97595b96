"""A door with real parts: a network camera, a mosquitto, a subscriber, and a maskwatch process between them."""

import json
import time
from typing import Any

import psutil
from support import DOOR, until
from support.cameras import NetworkCamera, clip_pictures

TOPIC = "maskwatch/entrance"


def unmasked_person() -> list[bytes]:
    """Frames of a person without a mask who stands in front of the door and moves a little."""
    return clip_pictures(DOOR, 36, 72)


class Door:
    """``process`` is the maskwatch process, ``subscriber`` has what its broker received."""

    def __init__(self, maskwatch: Any, subscriber: Any, camera: NetworkCamera, *args: str, **more: Any) -> None:
        self.camera, self.subscriber = camera, subscriber
        self.process = maskwatch("run", "--source", camera.url, *args, **more)

    def published(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.subscriber.on(f"{TOPIC}/{topic}")]

    @property
    def health(self) -> dict[str, Any]:
        """The newest health message."""
        return (self.published("health") or [{"camera": None, "problem": None}])[-1]

    @property
    def people(self) -> int:
        """The number of people in the newest state."""
        return int((self.published("state") or [{"people": -1}])[-1]["people"])

    def wait_for_camera(self, condition: str, timeout: float) -> float:
        """Waits until health reports the camera's condition; returns the seconds that it took."""

        def missing() -> str:
            return f"camera {condition}; health: {self.health}\n{self.process.err}"

        return until(lambda: self.health["camera"] == condition, missing, timeout)

    def wait_for_person(self, timeout: float = 60) -> float:
        """Waits until a state counts a person; returns the seconds that it took."""
        return until(lambda: self.people > 0, lambda: f"a person; health: {self.health}\n{self.process.err}", timeout)

    def wait_until_empty(self, timeout: float) -> float:
        """Waits until a state counts nobody; returns the seconds that it took."""
        return until(lambda: self.people == 0, lambda: f"nobody; states: {self.published('state')[-3:]}", timeout)

    def cpu(self, seconds: float) -> float:
        """Measures for some seconds the share of one core that the process takes."""
        process = psutil.Process(self.process.popen.pid)
        before = process.cpu_times()
        time.sleep(seconds)
        after = process.cpu_times()
        return (after.user + after.system - before.user - before.system) / seconds


def listening(port: int) -> psutil.Process:
    """The process that listens on the port."""
    connections = psutil.net_connections("tcp")
    listeners = [one for one in connections if one.laddr.port == port and one.status == "LISTEN"]
    return psutil.Process(listeners[0].pid)
