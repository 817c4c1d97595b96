"""A Debian container with its own systemd, started by systemd-nspawn from a root that debootstrap makes.

The root is made once per release, and changes to it are discarded when the container ends. Debian packages come from
the network, as on a Pi. Python packages come from a folder of wheels, so that pip in the container needs no settings
of this machine.
"""

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

from support import ROOT, STANDINS, until

CACHE = ROOT / ".venv-systemd"
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
MIRROR = "http://deb.debian.org/debian"
INCLUDED = "systemd,systemd-sysv,dbus,python3,python3-numpy,mosquitto,procps"


def sh(*command: str | Path, **more: str) -> str:
    """Runs a command on this machine and returns its standard output. The failure shows the end of its output."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=900, env={**os.environ, **more}
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def base(release: str) -> Path:
    """Makes the root of a small Debian that has what maskwatch uses of Raspberry Pi OS Lite: NumPy and picamera2."""
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
    """Makes a package python3-picamera2, which Debian does not have, from the project's stand-in (without a camera)."""
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
    """Loads the wheels of that release's lock."""
    folder, made = CACHE / f"wheels-{PYTHONS[release]}", CACHE / f"wheels-{PYTHONS[release]}" / "made"
    lock = ROOT / "systemd" / "lock" / f"{PYTHONS[release]}.txt"
    if not made.exists() or made.read_text() != lock.read_text():
        platforms = [
            f"--platform=manylinux{version}_x86_64" for version in ("_2_34", "_2_28", "_2_27", "_2_17", "2014")
        ]
        folder.mkdir(parents=True, exist_ok=True)
        sh("python3", "-m", "pip", "download", "-q", "-d", folder, f"--python-version={PYTHONS[release]}",
           "--implementation=cp", *platforms, "--no-deps", "--only-binary=:all:", "-r", lock)  # fmt: skip
        made.write_text(lock.read_text())
    return folder


def checkout(to: Path) -> Path:
    """Copies the files of this checkout that git does not ignore, committed or not."""
    names = sh("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    return to


class Container:
    """A booted container. ``/src`` in it is ``source``, read-only; it shares this machine's network."""

    def __init__(self, release: str, source: Path, folder: Path) -> None:
        Path("/run/systemd").mkdir(exist_ok=True)  # a build machine may have no systemd of its own
        self._log = (folder / "console.log").open("wb")
        self._nspawn = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--boot", "--ephemeral", "--register=no", "--keep-unit"),
                *(f"--directory={base(release)}", f"--machine=maskwatch-{release}-{os.getpid()}"),
                *(f"--bind-ro={source}:/src", f"--bind-ro={wheels(release)}:/wheels"),
                "--system-call-filter=adjtimex clock_adjtime",  # as on a Pi: the unit limits the service's rights
                "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",  # for build machines that still have the old hierarchy
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._leader = ""
        console = folder / "console.log"
        until(self._is_booted, lambda: f"the boot\n{console.read_text(errors='replace')[-3000:]}", 120, 0.5)

    def _is_booted(self) -> bool:
        """Whether systemd in the container has started all units. Notes the container's first process."""
        assert self._nspawn.poll() is None, f"systemd-nspawn has ended with exit code {self._nspawn.returncode}"
        children = subprocess.run(["pgrep", "-P", str(self._nspawn.pid)], capture_output=True, text=True).stdout.split()
        self._leader = children[0] if children else ""
        state = self.run("systemctl is-system-running", check=False).strip() if self._leader else ""
        return state in ("running", "degraded")

    def run(self, command: str, check: bool = True, timeout: float = 300, **env: str) -> str:
        """Runs a shell command in the container; returns its standard output and error together."""
        done = self.try_run(command, timeout, **env)
        assert done.returncode == 0 or not check, f"$ {command}\n{done.stdout}"
        return done.stdout

    def try_run(self, command: str, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a shell command that may fail."""
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
        """The unit's properties, by ``systemctl show``."""
        lines = self.run(f"systemctl show {unit} -p {','.join(properties)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self, unit: str) -> str:
        return self.run(f"journalctl --no-pager -o cat -u {unit}")

    def close(self) -> None:
        """Shuts the container down: only after an orderly shutdown systemd-nspawn deletes its disk."""
        try:
            self.try_run("systemctl poweroff --force", 30)
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(10)
        self._log.close()
