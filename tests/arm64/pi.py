"""A Raspberry Pi emulated by qemu: Debian's arm64 files, and the wheels that pip installs on a Pi.

All files are kept in .venv-arm64, and made again only when their recipe changes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ROOT
from support.needs import requirements

CACHE = ROOT / ".venv-arm64"
MIRROR = "http://deb.debian.org/debian"
QEMU = "qemu-aarch64"
TOOLS = ("mmdebstrap", "qemu-user", "debian-archive-keyring", "gcc", "libc6-dev")
"""qemu-user rather than qemu-user-static, which takes no plugins."""
FILES = ("base-files", "python3", "libstdc++6")
"""Debian packages that the wheels need; Raspberry Pi OS Lite has more."""
CPU = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
"""One core of a Pi 4. LiteRT 2.3 reads this file, and crashes with a null pointer when it is that of the PC."""
PYTHONPATH = (ROOT, ROOT / "tests")
"""The programs import ``edge``, and may import ``support`` and ``arm64``."""


class NotBuilt(Exception):
    """Says in one sentence what is missing."""


@dataclass(frozen=True, slots=True)
class Reference:
    """This machine and its Python, whose results the Pis must give too."""

    name: str = "reference"

    def build(self) -> None:
        """Does nothing: this program already runs in that Python."""

    def command(self, *options: str) -> list[str]:
        return ["nice", "-n", "5", sys.executable]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": os.pathsep.join(map(str, PYTHONPATH))}


@dataclass(frozen=True, slots=True)
class Pi:
    """A 64-bit release of Raspberry Pi OS with the Python packages of ``pins``; ``glibc`` is the minor version of 2.x.

    ``without`` is the beginning of the names of packages that are left out.
    """

    name: str
    release: str
    python: str
    glibc: int
    pins: tuple[str, ...]
    without: str = ""

    @property
    def root(self) -> Path:
        return CACHE / self.release

    @property
    def wheels(self) -> Path:
        return CACHE / f"{self.name}-wheels"

    def build(self) -> None:
        """Makes the root and the wheels. Raises ``NotBuilt``."""
        packages = self.requirements()
        make(self.root, f"{MIRROR} {FILES} {CPU}", self.extract)
        make(self.wheels, f"{self.python} {self.glibc} {packages}", lambda folder: self.install(folder, packages))

    def command(self, *options: str) -> list[str]:
        return ["nice", "-n", "5", QEMU, *options, "-L", str(self.root), str(self.root / "usr" / "bin" / "python3")]

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(map(str, (self.wheels, *PYTHONPATH)))
        return {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "QEMU_CPU": "cortex-a72"}

    def requirements(self) -> list[str]:
        """The requirements of setup.cfg on this machine as ``make run`` installs them, gpio, store, and the pins."""
        names = requirements(self.python, "aarch64", "broker", "web", "gpio", "store")
        return [name for name in names if not self.without or not name.startswith(self.without)] + list(self.pins)

    def extract(self, folder: Path) -> None:
        include = f"--include={','.join(FILES)}"
        archive = folder / "root.tar"
        command = ["mmdebstrap", "--quiet", "--variant=extract", "--arch=arm64", include, self.release, "-", MIRROR]
        with archive.open("wb") as out:
            call([*as_root(), *command], f"Debian's arm64 files of {self.release} cannot be had from {MIRROR}", out)
        call(["tar", "xf", str(archive), "-C", str(folder), "--exclude=./dev"], f"the files of {self.release}")
        archive.unlink()
        cores = folder / "sys" / "devices" / "system" / "cpu"
        cores.mkdir(parents=True)
        for name in ("possible", "present"):
            (cores / name).write_text("0\n")
        (folder / "proc" / "cpuinfo").write_text(CPU)

    def install(self, folder: Path, packages: list[str]) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-conflicts", "--target", str(folder)]
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", self.python]
        for minor in range(
            17, self.glibc + 1
        ):  # pip does not know that a newer C library also runs wheels for older ones
            command += ["--platform", f"manylinux_2_{minor}_aarch64"]
        call([*command, *packages], f"aarch64 wheels for Python {self.python} cannot be installed")


def install_tools() -> None:
    """Installs the Debian packages that make and run a root of another architecture. Raises ``NotBuilt``."""
    if all(shutil.which(program) for program in ("mmdebstrap", QEMU, "gcc")):
        return
    print(f"installing {', '.join(TOOLS)}")
    failed = f"{' and '.join(TOOLS)} are needed and cannot be installed"
    call([*as_root(), "apt-get", "update", "-qq"], failed)
    call([*as_root(), "apt-get", "install", "-y", "-qq", "--no-install-recommends", *TOOLS], failed)


def counter() -> Path:
    """Compiles the emulator's plugin that counts instructions; returns its path. Raises ``NotBuilt``."""
    source, library = Path(__file__).with_name("count.c"), CACHE / "count.so"
    CACHE.mkdir(exist_ok=True)
    command = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)]
    call(command, f"{source.name} cannot be compiled")
    return library


def as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]


def make(folder: Path, recipe: str, fill: Callable[[Path], None]) -> None:
    """Makes ``folder`` if its recipe has changed. An incomplete folder never has its final name."""
    stamp = folder / ".stamp"
    if stamp.is_file() and stamp.read_text() == recipe:
        return
    part = folder.with_name(folder.name + ".part")
    for old in (folder, part):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    fill(part)
    (part / ".stamp").write_text(recipe)
    part.rename(folder)


def call(command: list[str], failed: str, out: Any = subprocess.DEVNULL) -> None:
    """Runs a command to its end. Raises ``NotBuilt`` with ``failed`` and the command's error message."""
    try:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"{failed}: {error}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        errors = [line for line in lines if line.startswith(("E:", "ERROR:"))] or lines
        raise NotBuilt(f"{failed}: {errors[0].strip()}")
