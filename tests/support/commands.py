"""One command of maskwatch, as a process that is waited for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import ROOT

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale without any encoding but ASCII, with Python's own cures for it turned off."""


def maskwatch(*words: str | bytes | Path, env: dict[str, str] | None = None, **more: Any) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "edge", *words], cwd=ROOT, capture_output=True, timeout=60,
        env=os.environ | {"STATE_DIRECTORY": "/nonexistent"} | (env or {}), **more,
    )  # fmt: skip
