"""A camera that is configured anew between its runs, and what a broker keeps of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support import until
from support.brokers import Mosquitto
from support.processes import Process

HOME_ASSISTANT = "homeassistant/device/maskwatch_entrance/config"
TOPICS = {HOME_ASSISTANT} | {f"maskwatch/entrance/{name}" for name in ("state", "health", "enabled/state", "status")}
"""Every retained topic of a camera with the default name. A run that a quarter of an hour ends has a day too."""
KEEPING = "allow_anonymous true\nuser root\npersistence true\npersistence_location {}/"
"""The configuration of a broker that keeps its messages on disk, in a folder."""

Retained = Callable[[Mosquitto], dict[str, bytes]]
"""Lists what a broker keeps: payload by topic."""


class Camera:
    """A camera with one state folder and a configuration that may change between its runs."""

    def __init__(self, maskwatch: Any, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "door.toml"
        self._maskwatch = maskwatch
        self.process: Process | None = None

    @property
    def memory(self) -> list[dict[str, Any]]:
        file = self.folder / "kept" / "announced.json"
        return list(json.loads(file.read_text())["announced"]) if file.exists() else []

    @property
    def topics(self) -> set[str]:
        """What the camera remembers, without days."""
        return {topic for entry in self.memory for topic in entry["topics"] if "/counts/" not in topic}

    def start(self, broker: Mosquitto, text: str = "") -> "Camera":
        """Starts the camera at a broker, with these options, and waits until it has published everything."""
        sections = f'[state]\nfolder = "{self.folder / "kept"}"\n{text}'
        self.file.write_text(sections)
        self.process = self.run("run", "--source", "demo", "--realtime", "--broker", broker.address)
        return self

    def run(self, *arguments: str) -> Process:
        started: Process = self._maskwatch(*arguments, "--config", self.file)
        return started

    def stop(self) -> None:
        assert self.process is not None and self.process.end(15) == 0


def settled(retained: Retained, broker: Mosquitto, topics: set[str], process: Process | None = None) -> None:
    """Waits until the broker keeps messages on exactly these topics, whatever days it may keep unless one is named."""
    last: set[str] = set()

    def holds() -> bool:
        last.clear()
        last.update(topic for topic in retained(broker) if "/counts/" not in topic or names_days)
        return last == topics

    names_days = any("/counts/" in topic for topic in topics)

    until(holds, lambda: f"{topics}, not {last}\n{process.err if process else ''}", 60, 0.5)
