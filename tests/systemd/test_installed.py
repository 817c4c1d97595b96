"""The service as it is installed and run on a Pi: a real systemd, install.sh from a checkout, a real mosquitto.

One machine a release; the tests build on each other in the order in which they stand, as days of a door do.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.brokers import Subscriber, free_port
from support.browsing import Client
from support.phone import Server
from systemd.container import PYTHONS, Container, checkout

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine in systemd-nspawn needs root"),
    *(
        pytest.mark.skipif(
            shutil.which(tool) is None, reason=f"{tool} is not here: apt install systemd-container debootstrap"
        )
        for tool in ("systemd-nspawn", "debootstrap", "nsenter")
    ),
]
SECRET = "canary-8f1d"
LIKE_A_CAMERA = "source.realtime=true source.repeat=true"
"""The clip at its own pace without end: played as fast as it can be, it is over before anything is tried on it."""
UNIT = "maskwatch.service"


class Machine(Container):
    """A container with a broker that asks for a password, and what the tests do again and again."""

    def __init__(self, release: str, folder: Path) -> None:
        self.release, self.source, self.port = release, folder / "src", free_port()
        checkout(self.source)
        super().__init__(release, self.source, folder)
        self.write("/etc/broker.conf", f"listener {self.port} 127.0.0.1\npassword_file /etc/broker.users\n")
        self.run(f"touch /etc/broker.users; mosquitto_passwd -b /etc/broker.users door {SECRET}")
        self.run("mosquitto_passwd -b /etc/broker.users watcher w")
        self.run("chown mosquitto /etc/broker.users; chmod 600 /etc/broker.users")
        self.run("systemd-run --quiet --unit=broker mosquitto -c /etc/broker.conf")

    def install(self, *arguments: str, wheels: str = "/wheels") -> subprocess.CompletedProcess[str]:
        return self.tried(f"/src/systemd/install.sh {' '.join(arguments)}", PIP_NO_INDEX="1", PIP_FIND_LINKS=wheels)

    def pid(self, unit: str = UNIT) -> int:
        return int(self.show(unit, "MainPID")["MainPID"])

    def until(self, holds: Callable[[], Any], seconds: float, what: str) -> float:
        """Waits; returns how long it took."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < seconds, f"{what}: not within {seconds} s\n{self.journal(UNIT)[-3000:]}"
            time.sleep(0.25)
        return time.monotonic() - start

    def files(self) -> str:
        return self.run("find /etc /opt /usr /var/lib /home /root -xdev ! -path '*/__pycache__*' | sort")


@pytest.fixture(scope="module", params=PYTHONS)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    wanted = os.environ.get("MASKWATCH_RELEASES", " ".join(PYTHONS))
    if request.param not in wanted.split():
        pytest.skip(f"MASKWATCH_RELEASES asks for {wanted}")
    started = Machine(request.param, tmp_path_factory.mktemp(request.param))
    yield started
    started.close()


@pytest.fixture
def heard(machine: Machine) -> Iterator[Subscriber]:
    subscriber = Subscriber(machine.port, user="watcher", password="w")
    yield subscriber
    subscriber.close()


def test_a_dry_run_changes_nothing(machine: Machine) -> None:
    before = machine.files()
    done = machine.tried("su nobody -s /bin/sh -c '/src/systemd/install.sh --dry-run --broker 127.0.0.1'")
    assert done.returncode == 0, done.stdout
    assert "would run: systemctl daemon-reload" in done.stdout and "mqtt" not in machine.run("ls /etc")
    assert machine.files() == before


def test_without_root_it_says_what_to_do(machine: Machine) -> None:
    done = machine.tried("su nobody -s /bin/sh -c /src/systemd/install.sh")
    assert done.returncode == 2 and "sudo" in done.stdout
    done = machine.tried("su nobody -s /bin/sh -c '/src/systemd/install.sh --camera Porch --dry-run'")
    assert done.returncode == 2 and "a-z 0-9 _ -" in done.stdout


def test_it_installs_and_the_doctor_is_content(machine: Machine) -> None:
    done = machine.install("--source", "demo", "--broker", f"mqtt://door@127.0.0.1:{machine.port}", "--no-start")
    assert done.returncode == 0, done.stdout
    machine.run(f"maskwatch set {LIKE_A_CAMERA}; printf {SECRET} > /etc/maskwatch/maskwatch.password")
    assert machine.run("stat -c '%a %U' /etc/maskwatch/maskwatch.password").strip() == "600 root"
    assert machine.run("stat -c '%a %U %G' /etc/maskwatch/maskwatch.toml").strip() == "640 root maskwatch"
    assert machine.run("systemctl is-active maskwatch", check=False).strip() == "inactive"
    assert "maskwatch is not started" in machine.run("maskwatch doctor", check=False)
    machine.run("systemctl start maskwatch")
    told = machine.run("maskwatch doctor", check=False)
    assert "FAIL" not in told and f"127.0.0.1:{machine.port} accepts the login" in told, told
    assert "running (process" in told, told
    numpy = machine.run("/opt/maskwatch/current/bin/python -c 'import numpy; print(numpy.__file__, numpy.__version__)'")
    assert numpy.startswith("/usr/lib/python3/dist-packages/"), "picamera2 is built against apt's NumPy"
    assert SECRET not in done.stdout + told


def test_alerts_arrive_with_the_password_that_systemd_hands_over(machine: Machine, heard: Subscriber) -> None:
    alerts = heard.wait_for("maskwatch/entrance/alert", count=4, timeout=90)
    assert {json.loads(each)["event_type"] for each in alerts} == {"no_mask"}
    assert heard.wait_for("maskwatch/entrance/status")[-1] == b"online"
    assert "watching" in machine.show(UNIT, "StatusText")["StatusText"]
    assert SECRET not in machine.run("journalctl --no-pager") + machine.run("systemctl show maskwatch")
    pid = machine.pid()
    assert SECRET not in machine.run(f"tr '\\0' '\\n' < /proc/{pid}/environ; tr '\\0' ' ' < /proc/{pid}/cmdline")


def test_the_units_are_sound(machine: Machine) -> None:
    units = "/etc/systemd/system/maskwatch.service /etc/systemd/system/maskwatch@.service"
    assert machine.run(f"systemd-analyze verify {units}") == ""
    for unit in units.split():
        assert "OK" in machine.run(f"systemd-analyze security --offline=true --threshold=15 {unit} | tail -n 1")


def test_the_sandbox_lets_it_do_its_work_and_nothing_else(machine: Machine) -> None:
    machine.run("mkdir -p /home/pi /etc/systemd/system/maskwatch.service.d; mknod /dev/video7 c 81 7")
    machine.run("chown root:video /dev/video7; chmod 660 /dev/video7; cp /src/tests/systemd/probe.py /opt/probe.py")
    drop_in = "/etc/systemd/system/maskwatch.service.d/probe.conf"
    machine.write(drop_in, "[Service]\nExecStartPre=/usr/bin/python3 /opt/probe.py\n")
    machine.run("systemctl daemon-reload; systemctl restart maskwatch")
    line = next(line for line in machine.journal(UNIT).splitlines() if line.startswith("probe "))
    found = json.loads(line.removeprefix("probe "))
    machine.run(f"rm {drop_in}; systemctl daemon-reload; systemctl restart maskwatch")
    assert found["user"] == int(machine.run("id -u maskwatch"))
    assert (found["state"], found["credential"]) == ("ok", "ok")
    assert (found["usr"], found["etc"]) == ("EROFS", "EROFS")
    assert found["home"] in ("EACCES", "ENOENT") and found["password file"] == "EACCES"
    assert found["camera"] in ("ENXIO", "ENODEV", "ENOENT"), "allowed, but there is no such camera"
    assert found["raw socket"] in ("EAFNOSUPPORT", "EPERM") and found["clock set"] == "EPERM"
    assert found["core"] == [0, 0] and int(found["core filter"], 16) == 0, "faces never in core dumps"
    assert int(found["capabilities"], 16) == 0


def test_killed_it_is_started_again(machine: Machine, heard: Subscriber) -> None:
    """And once systemd-timesyncd has set the clock, the alerts say that their time can be trusted."""
    pid = machine.pid()
    machine.run(f"mkdir -p /run/systemd/timesync; touch /run/systemd/timesync/synchronized; kill -KILL {pid}")
    machine.until(lambda: machine.pid() not in (0, pid), 30, "a new process")
    assert json.loads(heard.wait_for("maskwatch/entrance/alert", timeout=60)[-1])["clock_synced"] is True


def test_frozen_it_is_killed_by_the_watchdog_and_started_again(machine: Machine) -> None:
    machine.until(lambda: machine.show(UNIT, "SubState")["SubState"] == "running", 30, "running")
    pid = machine.pid()
    machine.run(f"kill -STOP {pid}")
    took = machine.until(lambda: machine.pid() not in (0, pid), 60, "a new process")
    assert "Watchdog timeout" in machine.run("journalctl --no-pager -u maskwatch")
    assert took <= 40, f"WatchdogSec + 10 s are promised, it took {took:.0f} s"
    cores = machine.run("find / -xdev ! -path '/usr/*' ! -path '/opt/*' -type f -name core -o -name 'core.[0-9]*'")
    assert cores == "", "the watchdog's SIGABRT leaves no faces on the disk"


def test_stopped_it_says_goodbye(machine: Machine, heard: Subscriber) -> None:
    machine.until(lambda: machine.show(UNIT, "SubState")["SubState"] == "running", 30, "running")
    start = time.monotonic()
    machine.run("systemctl stop maskwatch")
    assert time.monotonic() - start <= 8
    assert machine.show(UNIT, "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    machine.until(lambda: heard.on("maskwatch/entrance/status")[-1:] == [b"offline"], 10, "offline")


def test_a_mistake_in_the_configuration_is_said_and_not_tried_again(machine: Machine) -> None:
    machine.run("cp /etc/maskwatch/maskwatch.toml /root/kept")
    machine.run("sed -i 's/^width = .*/widht = 3/' /etc/maskwatch/maskwatch.toml")
    machine.run("systemctl start maskwatch", check=False)
    time.sleep(5)
    assert machine.show(UNIT, "ActiveState", "ExecMainStatus", "NRestarts") == {
        "ActiveState": "failed", "ExecMainStatus": "2", "NRestarts": "0"
    }  # fmt: skip
    assert "/etc/maskwatch/maskwatch.toml: source.widht: unknown; did you mean width?" in machine.journal(UNIT)
    machine.run("cp /root/kept /etc/maskwatch/maskwatch.toml")
    assert "maskwatch does not run (failed)" in machine.run("maskwatch doctor", check=False)
    machine.run("systemctl start maskwatch")
    assert machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_a_wrong_password_is_no_crash_loop(machine: Machine) -> None:
    machine.run("printf wrong > /etc/maskwatch/maskwatch.password; systemctl restart maskwatch")
    pid = machine.pid()
    machine.until(lambda: "Not authorized" in machine.show(UNIT, "StatusText")["StatusText"], 30, "the reason")
    assert "Not authorized" in machine.run("maskwatch doctor", check=False)
    assert machine.pid() == pid
    machine.run(f"printf {SECRET} > /etc/maskwatch/maskwatch.password; systemctl restart maskwatch")
    machine.until(lambda: "watching" in machine.show(UNIT, "StatusText")["StatusText"], 30, "well again")


def test_the_page_keeps_its_settings_though_the_service_may_not_write_its_file(machine: Machine) -> None:
    port = free_port()
    machine.run(f"maskwatch set web.enabled=true web.port={port}; systemctl restart maskwatch")
    page, before = Client(port), machine.run("cat /etc/maskwatch/maskwatch.toml")
    machine.until(lambda: page.ask("/healthz").status == 200, 30, "the page is well")
    assert page.post("/api/settings", {"detect": {"min_face": 50}}).json["min_face"] == 50
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before
    assert "min_face = 50" in machine.run("cat /var/lib/maskwatch/maskwatch/page.toml")
    machine.run("systemctl restart maskwatch")
    machine.until(lambda: page.ask("/healthz").status == 200, 30, "the page is well again")
    assert page.ask("/api/now").json["min_face"] == 50
    told = machine.run("maskwatch set web.enabled=false detect.min_face=48")
    assert "what was set on the page: detect.min_face" in told
    assert "min_face" not in machine.run("cat /var/lib/maskwatch/maskwatch/page.toml")
    machine.run("systemctl restart maskwatch")


def test_a_camera_of_another_name_than_before_is_forgotten(machine: Machine, heard: Subscriber) -> None:
    done = machine.tried("maskwatch forget --device entrance")
    assert done.returncode == 2 and "entrance is running" in done.stdout
    machine.run("maskwatch set device.name=front; systemctl restart maskwatch")
    heard.wait_for("maskwatch/front/status")
    assert "entrance is forgotten at 127.0.0.1" in machine.run("maskwatch forget --device entrance")
    machine.until(lambda: heard.on("maskwatch/entrance/status")[-1:] == [b""], 10, "nothing left of it")
    machine.run("maskwatch set device.name=entrance; systemctl restart maskwatch")
    machine.until(lambda: heard.on("maskwatch/entrance/status")[-1:] == [b"online"], 30, "online again")
    machine.run("maskwatch forget --device front")


def test_installed_again_it_keeps_what_is_there(machine: Machine) -> None:
    machine.run("maskwatch set decide.cool_down=7.5")
    before, version = machine.run("cat /etc/maskwatch/maskwatch.toml"), machine.run("readlink /opt/maskwatch/current")
    done = machine.install()
    assert done.returncode == 0, done.stdout
    assert "is there already" in done.stdout and "maskwatch.toml is kept" in done.stdout
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before and "cool_down = 7.5" in before
    assert machine.run("readlink /opt/maskwatch/current") == version
    assert machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_an_upgrade_that_breaks_off_leaves_the_old_version_running(machine: Machine) -> None:
    version, pid = machine.run("readlink /opt/maskwatch/current"), machine.pid()
    init = machine.source / "edge" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "99.'))
    done = machine.install(wheels="/nowhere")
    assert done.returncode != 0
    assert machine.run("readlink /opt/maskwatch/current") == version and machine.pid() == pid
    assert len(machine.run("ls -d /opt/maskwatch/*Z").split()) == 1, "nothing half-made is left"


def test_an_upgrade_replaces_the_program_and_keeps_the_settings(machine: Machine) -> None:
    before, pid = machine.run("cat /etc/maskwatch/maskwatch.toml"), machine.pid()
    done = machine.install("--no-start")
    assert done.returncode == 0 and machine.pid() == pid, done.stdout
    assert len(machine.run("ls -d /opt/maskwatch/*Z").split()) == 2, "the old version runs, and is there"
    done = machine.install()
    assert done.returncode == 0, done.stdout
    assert machine.run("maskwatch --version").startswith("maskwatch 99.")
    assert len(machine.run("ls -d /opt/maskwatch/*Z").split()) == 1, "the old version is gone"
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before
    assert machine.pid() != pid and machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_of_a_version_that_does_not_start_the_one_before_is_kept(machine: Machine) -> None:
    version = machine.run("readlink /opt/maskwatch/current").strip()
    command = machine.source / "edge" / "cli" / "run.py"
    good = command.read_text()
    bad = good.replace("    store = settings_store(args)\n", "    raise SystemExit(2)\n")
    assert bad != good
    command.write_text(bad)
    done = machine.install()
    assert done.returncode == 1 and "maskwatch.service does not start" in done.stdout
    command.write_text(good)
    back = next(line for line in done.stdout.splitlines() if line.startswith("back to the version before: "))
    assert version in back
    machine.run(back.partition(": ")[2].replace("sudo ", ""))
    assert machine.run("readlink /opt/maskwatch/current").strip() == version
    assert machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_alerts_ring_a_phone(machine: Machine) -> None:
    phone = Server().start()
    try:
        done = machine.install("--phone", phone.url)
        assert done.returncode == 0, done.stdout
        machine.until(lambda: phone.texts, 90, "a text")
        assert phone.texts[0][0] == "/secret-door" and phone.texts[0][1].startswith("entrance: no mask, ")
        assert machine.run("stat -c %a /etc/maskwatch/maskwatch.phone").strip() == "600"
        assert "secret-door" not in machine.run("ps -eo args; journalctl --no-pager")
    finally:
        phone.stop()


def test_two_cameras_on_one_machine(machine: Machine, heard: Subscriber) -> None:
    address = f"mqtt://door@127.0.0.1:{machine.port}"
    done = machine.install(
        "--camera", "porch", "--camera", "back", "--source", "demo", "--broker", address, "--no-start"
    )
    assert done.returncode == 0, done.stdout
    for name in ("porch", "back"):
        machine.run(f"maskwatch set --device {name} {LIKE_A_CAMERA}")
        machine.run(f"printf {SECRET} > /etc/maskwatch/{name}.password; systemctl start maskwatch@{name}")
    for name in ("porch", "back", "entrance"):
        heard.wait_for(f"maskwatch/{name}/alert", timeout=90)
    assert sorted(machine.run("ls /var/lib/maskwatch").split()) == ["back", "maskwatch", "porch"]
    assert "FAIL" not in machine.run("maskwatch doctor --device porch", check=False)
    assert "0 alerts wait" in machine.run("maskwatch outbox --device back")
    done = machine.tried("maskwatch outbox --device nowhere")
    assert done.returncode == 2 and "back" in done.stdout and "porch" in done.stdout


def test_uninstalled_it_leaves_the_settings_and_purged_nothing(machine: Machine) -> None:
    done = machine.install("--uninstall")
    assert done.returncode == 0, done.stdout
    assert machine.run("systemctl list-unit-files 'maskwatch*' --no-legend", check=False).strip() == ""
    assert machine.run("ls -d /opt/maskwatch /usr/local/bin/maskwatch 2>/dev/null", check=False) == ""
    assert machine.tried("id maskwatch").returncode != 0
    assert "cool_down = 7.5" in machine.run("cat /etc/maskwatch/maskwatch.toml")
    done = machine.install("--uninstall", "--purge")
    assert done.returncode == 0, done.stdout
    assert machine.run("ls -d /etc/maskwatch /var/lib/maskwatch 2>/dev/null", check=False) == ""


def test_a_32_bit_system_is_refused(machine: Machine) -> None:
    machine.write("/usr/local/bin/dpkg", "#!/bin/sh\necho armhf\n", "755")
    done = machine.install()
    assert done.returncode == 2 and "64-bit" in done.stdout
