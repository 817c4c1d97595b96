"""Renews what pins the device's Python packages: ``make lock``. Needs the package index.

Per release of the operating system, ``systemd/lock/PYTHON.txt`` has each package's version and the hashes of its files;
``install.sh`` installs nothing else. PYTHON.cdx.json beside it is the bill of materials (CycloneDX) with the licences.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support import ROOT
from support.bill import write_bill
from support.needs import requirements

FOLDER = ROOT / "systemd" / "lock"
EXTRAS = ("broker", "yunet", "web", "gpio", "store")
MACHINES = ("aarch64", "x86_64")
BUILD = "setuptools>=68,<85"
"""Builds maskwatch itself on the device, as pyproject.toml says, without a package that the lock does not have."""
NOT_ON_THEM = "backports-strenum<1.3"
"""1.3 says that it is for Python below 3.11: pip refuses it, while uv knows lower bounds of Python only."""
HEADER = """\
# Python {python}: the packages of the device, with the hashes of their files. install.sh installs wheels with these
# hashes and nothing else. Made by `make lock` from setup.cfg: do not edit.
"""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Debian and Raspberry Pi OS; ``glibc`` is the minor version of 2.x."""

    name: str
    python: str
    glibc: int
    bounds: tuple[str, ...]
    """So that OpenCV and the rest accept the NumPy of apt, which picamera2 is built against."""


RELEASES = (
    Release("bookworm", "3.11", 36, ("numpy<2", "opencv-python-headless==4.11.0.86")),
    Release("trixie", "3.13", 40, ("numpy>=2.2,<3", "opencv-python-headless>=4.12,<5")),
)


def wanted(release: Release, machine: str) -> list[str]:
    """The requirements of setup.cfg there, and the tool that builds maskwatch."""
    return [*requirements(release.python, machine, *EXTRAS), *release.bounds, BUILD, NOT_ON_THEM]


def resolve(release: Release, machine: str) -> str:
    """Finds the newest versions that fit, with uv: unlike pip, it takes the markers of the other machine."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-config", "--no-header"]
    command += ["--generate-hashes", "--only-binary=:all:", "--no-annotate", f"--python-version={release.python}"]
    command += [f"--python-platform={machine}-manylinux_2_{release.glibc}"]
    text = "\n".join(wanted(release, machine))
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=300).stdout


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for release in RELEASES:
        locks = {resolve(release, machine) for machine in MACHINES}
        if len(locks) != 1:
            sys.exit(f"{release.name}: the packages differ between {' and '.join(MACHINES)}; bound them in setup.cfg")
        lock = FOLDER / f"{release.python}.txt"
        lock.write_text(HEADER.format(python=release.python) + locks.pop(), encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            write_bill(lock, release.python, release.glibc, Path(folder))


if __name__ == "__main__":
    main()
