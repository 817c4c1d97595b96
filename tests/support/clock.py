"""The wall clock of a process."""

import os
import time
from pathlib import Path

import pytest

FAKETIME = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "faketime" / "libfaketimeMT.so.1"


class Clock:
    """The wall clock of a process, moved by libfaketime while it runs. The monotonic clock is not moved."""

    def __init__(self, path: Path) -> None:
        if not FAKETIME.exists():
            pytest.skip("libfaketime is not installed (sudo apt install libfaketime)")
        self._path = path
        self.jump("+0")
        self.env = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }

    def jump(self, offset: str) -> None:
        """Moves the clock by an offset from the true time, like ``+10y``."""
        new = self._path.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self._path)

    def set(self, moment: float) -> None:
        """Sets the clock to a Unix time."""
        self.jump(f"{moment - time.time():+.3f}")
