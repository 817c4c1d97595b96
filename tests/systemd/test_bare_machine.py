"""The installer on a machine without maskwatch: what it needs of apt, and what it says when it cannot have it.

``--python /bin/false`` ends an installation after the Debian packages. test_installed.py continues on the same machine.
"""

from collections.abc import Iterator

import pytest
from systemd.machine import MARKS, Machine

pytestmark = MARKS

OFFLINE = "/etc/apt/apt.conf.d/99offline"
HOLDER = """
import fcntl, time
locks = [open(path, "w") for path in ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")]
for lock in locks:
    fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(20)
"""

TYPING = """
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv("/src/systemd/install.sh", ["install.sh", "--web"])
shown = b""
for question, answer in ((b"characters): ", b"long enough\\n"), (b"again: ", b"another one\\n")):
    while not shown.endswith(question):
        shown += os.read(terminal, 1000)
    os.write(terminal, answer)
try:
    while more := os.read(terminal, 1000):
        shown += more
except OSError:
    pass
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Types two passwords that differ at the installer's questions."""


@pytest.fixture
def pi_without_picamera(machine: Machine) -> Iterator[None]:
    """Makes the machine a Pi whose picamera2 is not installed."""
    machine.run("touch /etc/rpi-issue; dpkg --purge python3-picamera2")
    yield
    machine.run(f"rm -f /etc/rpi-issue {OFFLINE}; dpkg -i /picamera.deb")


def test_a_dry_run_shows_the_phone_and_the_page_and_changes_nothing(machine: Machine) -> None:
    before = machine.files()
    options = "--dry-run --web --phone https://ntfy.sh/secret-door --broker mqtt://door:canary@127.0.0.1"
    done = machine.try_run(f"su nobody -s /bin/sh -c '/src/systemd/install.sh {options}' </dev/null")
    assert done.returncode == 0, done.stdout
    for command in (
        "DPkg::Lock::Timeout=10 install -y -qq --no-install-recommends python3-venv",
        "systemctl --quiet enable maskwatch-phone@maskwatch.service",
        "systemctl restart maskwatch-phone@maskwatch.service",
        "web.enabled=true web.host=0.0.0.0 --web-password",
    ):
        assert command in done.stdout
    assert "secret-door" not in done.stdout and "canary" not in done.stdout
    assert machine.files() == before


def test_it_waits_while_another_program_uses_apt(machine: Machine) -> None:
    machine.write("/root/holder.py", HOLDER)
    machine.run("systemd-run --quiet --unit=holder python3 -u /root/holder.py")
    machine.until(lambda: "held" in machine.journal("holder"), "the locks", timeout=20)
    done = machine.install("--python", "/bin/false")
    assert "another program installs packages (process " in done.stdout and "python3)" in done.stdout, done.stdout
    assert "apt-get: E:" not in done.stdout
    assert machine.run("dpkg-query -W -f '${db:Status-Status}' python3-venv") == "installed"


def test_a_pi_without_a_network_is_not_installed_without_its_camera(
    machine: Machine, pi_without_picamera: None
) -> None:
    machine.write(OFFLINE, 'Acquire::http::Proxy "http://127.0.0.1:1";\nAcquire::Retries "0";\n')
    done = machine.install("--broker", "mqtt://door:canary@127.0.0.1")
    assert done.returncode == 2, done.stdout
    assert "python3-picamera2 is needed and could not be installed" in done.stdout
    assert "repeat: sudo /src/systemd/install.sh --broker mqtt://...@127.0.0.1\n" in done.stdout
    assert "in this system's packages" not in done.stdout, "nobody can know that"
    assert machine.run("ls /opt/maskwatch /etc/maskwatch 2>/dev/null | grep -v :", check=False).strip() == ""


def test_a_system_that_has_no_picamera2_is_told_apart(machine: Machine, pi_without_picamera: None) -> None:
    done = machine.install("--python", "/bin/false")
    assert "no python3-picamera2 in this system's packages: USB and network cameras only" in done.stdout
    assert "could not be installed" not in done.stdout
    assert "maskwatch needs Python 3.11" in done.stdout


def test_a_password_of_the_page_is_checked_before_anything_is_done(machine: Machine) -> None:
    for options, message in (
        ("--web </dev/null", "a password of at least 8 characters"),
        ("--web-password-file /nowhere", "/nowhere: there is no file that can be read"),
        ("--web --camera a --camera b", "one camera"),
        ("--phone https://a/b --phone-token-file /nowhere", "/nowhere: there is no file that can be read"),
        ("--phone https://a/b --phone-token-file /dev/null", "write the token into it"),
        ("--phone-token-file /etc/hostname", "goes with --phone"),
    ):
        done = machine.try_run(f"/src/systemd/install.sh {options}")
        assert done.returncode == 2 and message in done.stdout and "== " not in done.stdout, done.stdout


def test_a_password_of_the_page_is_asked_for_twice_and_never_shown(machine: Machine) -> None:
    machine.write("/root/typing.py", TYPING)
    done = machine.try_run("python3 /root/typing.py", timeout=60)
    assert done.returncode == 2 and "the two passwords differ; nothing was changed" in done.stdout, done.stdout
    assert "long enough" not in done.stdout and "another one" not in done.stdout
