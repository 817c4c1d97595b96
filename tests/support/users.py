"""Code that runs as a user for whom permissions count: root may read everything."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import ROOT

NOBODY = 65534


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yields a temporary folder that every user may enter, unlike pytest's. It is removed at the end."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def run_without_rights(imports: str, code: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Runs Python code in a process of its own; between ``imports`` and ``code``, root becomes another user."""
    # a Python below /root cannot be read any more then: what is imported late is imported now
    early = "import os\nimport encodings.utf_8_sig\n"
    lower = f"if os.geteuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    command = [sys.executable, "-c", f"{imports}\n{early}{lower}{code}", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=60)
