"""The container in which the service is installed, with a broker that requires a password."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import until
from support.brokers import free_port
from systemd.container import Container, checkout

TOOLS = ("systemd-nspawn", "debootstrap", "nsenter")
MARKS = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine in systemd-nspawn needs root"),
    pytest.mark.skipif(
        not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}: apt install systemd-container debootstrap"
    ),
]
SECRET = "canary-8f1d"
LIKE_A_CAMERA = "source.realtime=true source.repeat=true"
"""Repeats the clip at its own pace: as fast as possible, it would end before a test has begun."""
UNIT = "maskwatch.service"


class Machine(Container):
    """A container with a broker that requires a password, and with the checkout that ``install`` installs."""

    def __init__(self, release: str, folder: Path) -> None:
        self.release = release
        self.source = folder / "src"
        self.port = free_port()
        checkout(self.source)
        super().__init__(release, self.source, folder)
        self.write("/etc/broker.conf", f"listener {self.port} 127.0.0.1\npassword_file /etc/broker.users\n")
        self.run(f"touch /etc/broker.users; mosquitto_passwd -b /etc/broker.users door {SECRET}")
        self.run("mosquitto_passwd -b /etc/broker.users watcher w")
        self.run("chown mosquitto /etc/broker.users; chmod 600 /etc/broker.users")
        self.run("systemd-run --quiet --unit=broker mosquitto -c /etc/broker.conf")

    def install(self, *arguments: str, wheels: str = "/wheels") -> subprocess.CompletedProcess[str]:
        return self.try_run(f"/src/systemd/install.sh {' '.join(arguments)}", PIP_NO_INDEX="1", PIP_FIND_LINKS=wheels)

    def pid(self, unit: str = UNIT) -> int:
        return int(self.show(unit, "MainPID")["MainPID"])

    def until(self, holds: Callable[[], object], what: str, timeout: float) -> float:
        """Waits as ``support.until`` does; the failure shows the end of the service's journal."""
        return until(holds, lambda: f"{what}\n{self.journal(UNIT)[-3000:]}", timeout, 0.25)

    def files(self) -> str:
        return self.run("find /etc /opt /usr /var/lib /home /root -xdev ! -path '*/__pycache__*' | sort")
