"""maskwatch processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import ROOT, until


class Process:
    """A maskwatch process; ``wait_for`` waits for its output. ``program`` runs another Python program instead.

    Its state folder is ``cwd/state/maskwatch/DEVICE``.
    """

    def __init__(
        self, *args: str, cwd: Path, env: dict[str, str] | None = None, program: tuple[str, ...] | None = None
    ) -> None:
        self._out, self._err = cwd / f"{id(self)}.out", cwd / f"{id(self)}.err"
        environ = {**os.environ, "XDG_STATE_HOME": str(cwd / "state")} | (env or {})
        command = [sys.executable, "-u", *(program or ("-m", "edge")), *args]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=environ
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that ``--print`` has printed."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Waits until the process has printed ``text``, on standard output or error."""

        def printed() -> bool:
            running = self.popen.poll() is None
            if text in self.out + self.err:
                return True
            assert running, f"the process has ended; it printed:\n{self.out}{self.err}"
            return False

        until(printed, lambda: f"'{text}'; it printed:\n{self.out}{self.err}", timeout, 0.05)

    def end(self, number: int | None = None, timeout: float = 90) -> int:
        """Waits for the end of the process; returns its exit code. Sends the signal ``number`` first, if given."""
        if number is not None:
            self.popen.send_signal(number)
        return self.popen.wait(timeout)


def after(code: str) -> tuple[str, str]:
    """Returns the ``program`` of a maskwatch process that runs ``code`` first; ``sys`` is imported.

    After ``sys.modules[NAME] = None``, Python treats the package NAME as not installed.
    """
    return "-c", f"import sys; {code}; from edge.__main__ import main; sys.exit(main(sys.argv[1:]))"
