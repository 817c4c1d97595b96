"""A door with everything real: a network camera, a mosquitto, a subscriber, and a maskwatch process between them."""

import json
import time
from pathlib import Path
from typing import Any

import psutil
from support import DOOR, until
from support.cameras import NetworkCamera, clip_pictures

ROOT = Path(__file__).parents[2]
TOPIC = "maskwatch/entrance"


def bare_face() -> list[bytes]:
    """Somebody without a mask who stands before the door, breathing."""
    return clip_pictures(DOOR, 36, 72)


class Door:
    """``run`` is the process, ``heard`` what its broker received."""

    def __init__(self, maskwatch: Any, heard: Any, camera: NetworkCamera, *args: str, **more: Any) -> None:
        self.camera, self.heard = camera, heard
        self.run = maskwatch("run", "--source", camera.url, *args, **more)

    def said(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.heard.on(f"{TOPIC}/{topic}")]

    @property
    def health(self) -> dict[str, Any]:
        """The newest."""
        return (self.said("health") or [{"camera": None, "problem": None}])[-1]

    @property
    def people(self) -> int:
        return int((self.said("state") or [{"people": -1}])[-1]["people"])

    def becomes(self, condition: str, timeout: float) -> float:
        """The seconds until health says so of the camera."""
        return until(lambda: self.health["camera"] == condition, f"{condition}: {self.health}\n{self.run.err}", timeout)

    def sees_somebody(self, timeout: float = 60) -> float:
        return until(lambda: self.people > 0, f"somebody; health {self.health}\n{self.run.err}", timeout)

    def empties(self, timeout: float) -> float:
        return until(lambda: self.people == 0, f"nobody; {self.said('state')[-3:]}", timeout)

    def cpu(self, seconds: float) -> float:
        """The share of one core that the process takes."""
        process = psutil.Process(self.run.popen.pid)
        before = process.cpu_times()
        time.sleep(seconds)
        after = process.cpu_times()
        return (after.user + after.system - before.user - before.system) / seconds


def listening(port: int) -> psutil.Process:
    """The process that listens there."""
    found = [each for each in psutil.net_connections("tcp") if each.laddr.port == port and each.status == "LISTEN"]
    return psutil.Process(found[0].pid)
