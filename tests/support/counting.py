"""A counting door as a process of its own, with a clock that a test moves."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from support import ROOT, until
from support.clock import Clock

BERLIN = ZoneInfo("Europe/Berlin")


class CountingDoor:
    """A door that counts what it is told, in Berlin, with a clock that the test moves."""

    def __init__(self, folder: Path, port: int, protocol: str = "5") -> None:
        self.folder = folder
        self.clock = Clock(folder / "clock")
        self._told = 0
        self._port = port
        self._protocol = protocol
        self._log = (folder / "door.log").open("a+")
        self._popen: subprocess.Popen[str] | None = None

    def start(self, moment: datetime) -> "CountingDoor":
        self.clock.set(moment.replace(tzinfo=BERLIN).timestamp())
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "TZ": "Europe/Berlin"} | self.clock.env
        command = [sys.executable, "-m", "support.counting_door", str(self._port), str(self.folder), self._protocol]
        self._popen = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, text=True
        )
        return self

    def tell(self, *lines: str) -> None:
        """Tells the door something, and waits until it is on disk."""
        assert self._popen is not None and self._popen.stdin is not None
        self._told += len(lines)
        self._popen.stdin.write("".join(f"{line}\n" for line in lines))
        self._popen.stdin.flush()
        until(lambda: self.log.count("done") == self._told, lambda: self.log)

    def at(self, moment: datetime, *lines: str) -> None:
        """Sets the clock, and tells the door something."""
        self.clock.set(moment.replace(tzinfo=BERLIN).timestamp())
        self.tell(*lines)

    @property
    def log(self) -> str:
        return (self.folder / "door.log").read_text()

    @property
    def announced(self) -> set[str]:
        entries = json.loads((self.folder / "announced.json").read_text())["announced"]
        return {topic for entry in entries for topic in entry["topics"]}

    def close(self) -> None:
        if self._popen is not None:
            assert self._popen.stdin is not None
            self._popen.stdin.close()
            assert self._popen.wait(30) == 0, self.log
            self._popen = None
