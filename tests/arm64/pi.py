"""A Raspberry Pi on this machine: Debian's arm64 files, the wheels that pip gives a Pi, and qemu to run them.

Everything is kept in .venv-arm64 and made again only when its recipe changes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.needs import requirements

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".venv-arm64"
MIRROR = "http://deb.debian.org/debian"
QEMU = "qemu-aarch64"
TOOLS = ("mmdebstrap", "qemu-user", "debian-archive-keyring", "gcc", "libc6-dev")
"""Not qemu-user-static: only the other one takes plugins."""
FILES = ("base-files", "python3", "libstdc++6")
"""What the wheels need beside themselves; Raspberry Pi OS Lite has more."""
CPU = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
"""One core of a Pi 4. LiteRT 2.3 reads this file, and died of a null pointer when it was the PC's own."""


class NotBuilt(Exception):
    """What is missing, in one sentence."""


@dataclass(frozen=True, slots=True)
class Here:
    """This machine's own Python: what the Pis are held to."""

    name: str = "here"

    def build(self) -> None:
        """It is there: this program runs in it."""

    def command(self, *options: str) -> list[str]:
        return ["nice", "-n", "5", sys.executable]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Pi:
    """A Raspberry Pi OS release (64-bit), with the Python packages of ``pins``; ``glibc`` is its C library 2.x."""

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
        """Raises ``NotBuilt``."""
        needs = self.requirements()
        made(self.root, f"{MIRROR} {FILES} {CPU}", self.extract)
        made(self.wheels, f"{self.python} {self.glibc} {needs}", lambda folder: self.install(folder, needs))

    def command(self, *options: str) -> list[str]:
        return ["nice", "-n", "5", QEMU, *options, "-L", str(self.root), str(self.root / "usr" / "bin" / "python3")]

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(map(str, (self.wheels, ROOT)))
        return {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "QEMU_CPU": "cortex-a72"}

    def requirements(self) -> list[str]:
        """What setup.cfg asks for on this machine: as ``make run`` installs it, and yunet."""
        wanted = requirements(self.python, "aarch64", "broker", "yunet")
        return [each for each in wanted if not self.without or not each.startswith(self.without)] + list(self.pins)

    def extract(self, folder: Path) -> None:
        include = f"--include={','.join(FILES)}"
        archive = folder / "root.tar"
        command = ["mmdebstrap", "--quiet", "--variant=extract", "--arch=arm64", include, self.release, "-", MIRROR]
        with archive.open("wb") as out:
            called([*as_root(), *command], f"Debian's arm64 files of {self.release} cannot be had from {MIRROR}", out)
        called(["tar", "xf", str(archive), "-C", str(folder), "--exclude=./dev"], f"the files of {self.release}")
        archive.unlink()
        cores = folder / "sys" / "devices" / "system" / "cpu"
        cores.mkdir(parents=True)
        for name in ("possible", "present"):
            (cores / name).write_text("0\n")
        (folder / "proc" / "cpuinfo").write_text(CPU)

    def install(self, folder: Path, needs: list[str]) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-conflicts", "--target", str(folder)]
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", self.python]
        for minor in range(17, self.glibc + 1):  # pip does not know that a newer C library runs the older ones' wheels
            command += ["--platform", f"manylinux_2_{minor}_aarch64"]
        called([*command, *needs], f"aarch64 wheels for Python {self.python} cannot be installed")


def install_tools() -> None:
    """Debian's packages that make and run a foreign root. Raises ``NotBuilt``."""
    if all(shutil.which(program) for program in ("mmdebstrap", QEMU, "gcc")):
        return
    print(f"installing {', '.join(TOOLS)}")
    failed = f"{' and '.join(TOOLS)} are needed and cannot be installed"
    called([*as_root(), "apt-get", "update", "-qq"], failed)
    called([*as_root(), "apt-get", "install", "-y", "-qq", "--no-install-recommends", *TOOLS], failed)


def counter() -> Path:
    """The emulator's plugin that counts instructions, compiled. Raises ``NotBuilt``."""
    source, library = Path(__file__).with_name("count.c"), CACHE / "count.so"
    CACHE.mkdir(exist_ok=True)
    command = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)]
    called(command, f"{source.name} cannot be compiled")
    return library


def as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]


def made(folder: Path, recipe: str, make: Callable[[Path], None]) -> None:
    """``folder`` as the recipe says; half-made ones are never left under its name."""
    stamp = folder / ".stamp"
    if stamp.is_file() and stamp.read_text() == recipe:
        return
    part = folder.with_name(folder.name + ".part")
    for old in (folder, part):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    make(part)
    (part / ".stamp").write_text(recipe)
    part.rename(folder)


def called(command: list[str], failed: str, out: Any = subprocess.DEVNULL) -> None:
    """Runs it to its end. Raises ``NotBuilt`` with the last thing it said."""
    try:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"{failed}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").split("\n")
        errors = [line for line in said if line.startswith(("E:", "ERROR:"))] or said
        raise NotBuilt(f"{failed}: {errors[0].strip()}")
