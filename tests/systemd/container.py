"""A Debian machine with a systemd of its own, in systemd-nspawn: made by debootstrap, once a release, then thrown away.

What it installs by apt comes over the network as on a Pi; what it installs by pip lies ready in a folder, so that pip
inside needs no more of this machine's settings.
"""

import os
import shutil
import subprocess
import textwrap
import time
from pathlib import Path

from support import STANDINS
from support.needs import requirements

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".venv-systemd"
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
CONSTRAINTS = {"bookworm": ["numpy<2", "opencv-python-headless==4.11.0.86"], "trixie": ["numpy>=2,<3"]}
"""Raspberry Pi OS has NumPy and picamera2 from apt; without constraints pip would load what does not fit to them."""
MIRROR = "http://deb.debian.org/debian"
INCLUDED = "systemd,systemd-sysv,dbus,python3,python3-numpy,mosquitto,procps"


def sh(*command: str | Path, **more: str) -> str:
    """Runs a command of this machine; its words when it fails are the failure's."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=900, env={**os.environ, **more}
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def base(release: str) -> Path:
    """The root of a small Debian that looks like Raspberry Pi OS Lite to us: with NumPy, and a package picamera2."""
    root = CACHE / release
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        CACHE.mkdir(exist_ok=True)
        sh("debootstrap", "--variant=minbase", f"--include={INCLUDED}", release, root, MIRROR)
        (root / "picamera.deb").write_bytes(picamera_package(release).read_bytes())
        sh("chroot", root, "dpkg", "-i", "/picamera.deb")
        sh("chroot", root, "systemctl", "disable", "mosquitto")
        (root / "made").touch()
    return root


def picamera_package(release: str) -> Path:
    """Debian has no python3-picamera2: a package of that name with this project's stand-in in it (and no camera)."""
    folder = CACHE / f"picamera-{release}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(STANDINS / "picamera2", folder / "usr" / "lib" / "python3" / "dist-packages" / "picamera2")
    (folder / "DEBIAN").mkdir()
    (folder / "DEBIAN" / "control").write_text(
        textwrap.dedent("""\
            Package: python3-picamera2
            Version: 0.3
            Architecture: all
            Maintainer: maskwatch
            Depends: python3-numpy
            Description: stand-in for the Pi camera's library
            """)
    )
    package = folder.with_suffix(".deb")
    sh("dpkg-deb", "--build", "--root-owner-group", folder, package)
    return package


def wheels(release: str) -> Path:
    """What pip may ask for on that release, loaded by this machine's pip: what setup.cfg names, and what builds it."""
    folder, made = CACHE / f"wheels-{PYTHONS[release]}", CACHE / f"wheels-{PYTHONS[release]}" / "made"
    wanted = requirements(PYTHONS[release], "x86_64", "broker", "yunet", "web")  # as install.sh has it
    needed = [*wanted, *CONSTRAINTS[release], "setuptools", "wheel"]
    if not made.exists() or made.read_text() != str(needed):
        platforms = [f"--platform=manylinux{version}_x86_64" for version in ("_2_28", "_2_27", "_2_17", "2014")]
        folder.mkdir(parents=True, exist_ok=True)
        sh("python3", "-m", "pip", "download", "-q", "-d", folder, f"--python-version={PYTHONS[release]}",
           "--implementation=cp", *platforms, "--only-binary=:all:", *needed)  # fmt: skip
        made.write_text(str(needed))
    return folder


def checkout(to: Path) -> Path:
    """The files of this checkout as git sees them, committed or not, without what was built here."""
    names = sh("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    return to


class Container:
    """A booted machine. ``/src`` in it is ``source``, read-only; it shares this machine's network."""

    def __init__(self, release: str, source: Path, folder: Path) -> None:
        Path("/run/systemd").mkdir(exist_ok=True)  # a build machine may have no systemd of its own
        self._log = (folder / "console.log").open("wb")
        self._nspawn = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--boot", "--ephemeral", "--register=no", "--keep-unit"),
                *(f"--directory={base(release)}", f"--machine=maskwatch-{release}-{os.getpid()}"),
                *(f"--bind-ro={source}:/src", f"--bind-ro={wheels(release)}:/wheels"),
                "--system-call-filter=adjtimex clock_adjtime",  # as on a Pi: what the service may is up to its unit
                "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",  # for build machines that still have the old hierarchy
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._leader = ""
        self._boot(folder / "console.log")

    def _boot(self, console: Path) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self._nspawn.poll() is None, f"systemd-nspawn ended:\n{console.read_text(errors='replace')[-3000:]}"
            found = subprocess.run(
                ["pgrep", "-P", str(self._nspawn.pid)], capture_output=True, text=True
            ).stdout.split()
            self._leader = found[0] if found else ""
            if self._leader and self.run("systemctl is-system-running", check=False).strip() in ("running", "degraded"):
                return
            time.sleep(0.5)
        raise AssertionError(f"the machine does not boot:\n{console.read_text(errors='replace')[-3000:]}")

    def run(self, command: str, check: bool = True, timeout: float = 300, **env: str) -> str:
        """What a shell command in the machine prints, on both streams; fails with it if the command does."""
        done = self.tried(command, timeout, **env)
        assert done.returncode == 0 or not check, f"$ {command}\n{done.stdout}"
        return done.stdout

    def tried(self, command: str, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **env}
        return subprocess.run(
            ["nsenter", "-t", self._leader, "-m", "-u", "-i", "-n", "-p", "--", "/bin/sh", "-c", command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, env=clean,
        )  # fmt: skip

    def write(self, path: str, text: str, mode: str = "644") -> None:
        subprocess.run(
            ["nsenter", "-t", self._leader, "-m", "-p", "--", "/bin/sh", "-c", f"cat > {path} && chmod {mode} {path}"],
            input=text, text=True, check=True, timeout=60,
        )  # fmt: skip

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """``systemctl show``."""
        lines = self.run(f"systemctl show {unit} -p {','.join(properties)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self, unit: str) -> str:
        return self.run(f"journalctl --no-pager -o cat -u {unit}")

    def close(self) -> None:
        """Powered off in good order, since only then systemd-nspawn deletes the machine's disk."""
        try:
            self.tried("systemctl poweroff --force", 30)
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(10)
        self._log.close()
