"""The machines that the tests compare: this one, and Pis with both releases of Raspberry Pi OS."""

import os
import subprocess
from pathlib import Path

from arm64.pi import Pi, Reference
from support import ROOT

OLD = ("numpy<2", "opencv-python-headless==4.11.0.86")  # the Makefile's pins on Bookworm, which has NumPy from apt
BOOKWORM = Pi("bookworm", "bookworm", "3.11", 36, OLD)
TRIXIE = Pi("trixie", "trixie", "3.13", 41, ("numpy>=2,<3", "opencv-python-headless>=4.12,<5"))
TFLITE = Pi("tflite-runtime", "bookworm", "3.11", 36, (*OLD, "tflite-runtime==2.14.0"), without="ai-edge-litert")
RELEASES = [BOOKWORM, TRIXIE]
PIS = [*RELEASES, TFLITE]
REFERENCE = Reference()
DETECTORS = ["haar", "yunet"]

Machine = Reference | Pi


def run(machine: Machine, *args: str | Path, state: Path = ROOT / "out", emulator: tuple[str, ...] = ()) -> str:
    """Runs Python on the machine and returns its standard output; a failure shows its standard error."""
    environment = {**os.environ, **machine.environment(), "XDG_STATE_HOME": str(state)}
    done = subprocess.run(
        [*machine.command(*emulator), *map(str, args)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, f"{machine.name} {args}: exit code {done.returncode}\n{done.stderr[-2000:]}"
    return done.stdout
