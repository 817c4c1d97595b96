"""The outputs of the installed service: the rights that the installer gives, and what runs inside the sandbox.

The first test installs what is not installed yet; test_upgrades.py continues on the same machine, without outputs.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest
from support.phone import Server
from systemd.gpio_sim import Chip
from systemd.machine import LIKE_A_CAMERA, MARKS, SECRET, UNIT, Machine

pytestmark = MARKS
STATE = "/var/lib/maskwatch/maskwatch"
DROP_IN = "/etc/systemd/system/maskwatch.service.d"
OUTPUTS = f"""
[outputs.lamp]
driver = "led"
pin = 17

[outputs.door]
driver = "relay"
pin = 27
active = "low"
open_when = "mask"

[outputs.voice]
driver = "sound"
device = "file:FILE={STATE}/heard.raw,FORMAT=raw"
every = 0

[outputs.post]
driver = "webhook"
url_file = "/etc/maskwatch/maskwatch.webhook"
secret_file = "/etc/maskwatch/maskwatch.webhook-key"

[outputs.told]
driver = "command"
program = ["/usr/local/bin/told", "{STATE}/told.jsonl"]
"""
FILE_PINS = f"""
[Service]
Environment=PYTHONPATH=/src/tests/support/gpio GPIOZERO_PIN_FACTORY=files FILE_PINS={STATE}/pins
"""
"""Pins in files, as this machine has none (tests/support/pins.py)."""
A_PI = """
[Service]
BindReadOnlyPaths=/opt/cpuinfo:/proc/cpuinfo
"""
"""gpiozero asks the board which one it is."""
LGPIO = "Package: python3-lgpio\nVersion: 0.2.2\nArchitecture: all\nMaintainer: maskwatch\nDescription: stand-in\n"
"""Raspberry Pi OS has it, Debian has not. The pins in files do without."""


@pytest.fixture(scope="module")
def page(machine: Machine) -> Iterator[Server]:
    """A web address that takes alerts."""
    server = Server().start()
    yield server
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def without_outputs_afterwards(machine: Machine) -> Iterator[None]:
    yield
    machine.run(f"cp /root/before-outputs /etc/maskwatch/maskwatch.toml; rm -f {DROP_IN}/test.conf")
    machine.run("systemctl daemon-reload; systemctl restart maskwatch")


def told(machine: Machine) -> list[dict[str, object]]:
    lines = machine.run(f"cat {STATE}/told.jsonl 2>/dev/null || true").splitlines()
    return [json.loads(line) for line in lines]


def test_pins_that_belong_to_no_group_are_refused(machine: Machine) -> None:
    machine.run("groupdel gpio 2>/dev/null || true")
    done = machine.install("--gpio")
    assert done.returncode == 2 and "--gpio: this system has no group gpio" in done.stdout, done.stdout
    assert "== " not in done.stdout and machine.run(f"ls {DROP_IN} 2>/dev/null || true") == ""
    machine.run("groupadd --system gpio")


def test_a_system_without_a_driver_for_pins_is_told(machine: Machine) -> None:
    """Debian has no lgpio; its wheel is in the lock for Bookworm's Python only."""
    if machine.release == "bookworm":
        pytest.skip("Bookworm's is in the lock")
    done = machine.install("--gpio", "--no-start")
    assert done.returncode == 2 and "packages have no python3-lgpio" in done.stdout, done.stdout
    assert machine.run(f"ls {DROP_IN} 2>/dev/null || true") == ""
    machine.run("mkdir -p /root/lgpio/DEBIAN")
    machine.write("/root/lgpio/DEBIAN/control", LGPIO)
    machine.run("dpkg-deb --build /root/lgpio; dpkg -i /root/lgpio.deb")


def test_the_installer_gives_the_rights_that_are_asked_for(machine: Machine) -> None:
    broker = f"mqtt://door@127.0.0.1:{machine.port}"
    done = machine.install("--source", "demo", "--broker", broker, "--no-start", "--gpio", "--sound")
    assert done.returncode == 0, done.stdout
    machine.run(f"maskwatch set {LIKE_A_CAMERA}; printf {SECRET} > /etc/maskwatch/maskwatch.password")
    machine.run("cp -p /etc/maskwatch/maskwatch.toml /root/before-outputs")
    assert {"video", "audio", "gpio"} <= set(machine.run("id -nG maskwatch").split())
    allowed = machine.run(f"systemctl show {UNIT} -p DeviceAllow")
    assert "char-alsa rw" in allowed and "char-gpiochip rw" in allowed
    assert "char-alsa" not in machine.run("systemctl show maskwatch@porch.service -p DeviceAllow")
    assert machine.run("command -v aplay").strip() == "/usr/bin/aplay"
    assert machine.run(f"systemd-analyze verify {DROP_IN}/../{UNIT}") == ""
    before = machine.run(f"ls {DROP_IN}")
    assert machine.install("--no-start").returncode == 0, "the same again keeps them"
    assert machine.run(f"ls {DROP_IN}") == before


def test_each_output_works_inside_the_sandbox(machine: Machine, page: Server) -> None:
    machine.run("install -m 755 /src/tests/systemd/told.py /usr/local/bin/told")
    machine.write("/etc/maskwatch/maskwatch.webhook", page.url + "\n", "640")
    machine.write("/etc/maskwatch/maskwatch.webhook-key", SECRET + "\n", "640")
    machine.run(f"chgrp maskwatch /etc/maskwatch/maskwatch.webhook*; install -d -o maskwatch {STATE}/pins")
    machine.write(f"{DROP_IN}/test.conf", FILE_PINS)
    machine.write("/root/outputs", OUTPUTS)
    machine.run("cat /root/outputs >> /etc/maskwatch/maskwatch.toml; systemctl daemon-reload")
    machine.run("systemctl restart maskwatch || { journalctl --no-pager -o cat -u maskwatch -n 20; exit 1; }")
    machine.until(lambda: page.accepted, "an alert at the web address", timeout=60)
    machine.until(lambda: told(machine), "an alert for the program", timeout=60)
    machine.until(lambda: " 1\n" in machine.run(f"cat {STATE}/pins/17.history"), "the lamp is on", timeout=60)
    machine.until(lambda: " 0\n" in machine.run(f"cat {STATE}/pins/27.history"), "the door opens", timeout=60)
    machine.until(lambda: int(machine.run(f"stat -c %s {STATE}/heard.raw") or 0) > 20_000, "a sentence", timeout=60)
    assert "watching" in machine.show(UNIT, "StatusText")["StatusText"], "and none has a problem"
    posted = page.accepted[0]
    signature = hmac.new(SECRET.encode(), posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["X-Maskwatch-Signature-256"] == f"sha256={signature}"
    assert json.loads(posted.body)["event_type"] == "no_mask"


def test_a_program_has_no_more_rights_than_the_service(machine: Machine) -> None:
    line = told(machine)[0]
    assert not line["writes /usr"] and not line["reads the password"] and not line["executable memory"]
    assert line["no new privileges"] == "1"
    variables = set(line["variables"])  # type: ignore[call-overload]
    assert not variables & {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "INVOCATION_ID"}


def test_doctor_and_test_output_reach_each_output(machine: Machine) -> None:
    shown = machine.run("maskwatch doctor", check=False)
    for name in ("lamp", "door", "voice", "post", "told"):
        assert f"output {name}" in shown, shown
    assert "FAIL" not in shown, shown
    before = machine.run(f"grep -c ' 1$' {STATE}/pins/17.history")
    for name in ("lamp", "voice", "post", "told"):
        machine.run(f"maskwatch test-output {name}")
    machine.until(lambda: machine.run(f"grep -c ' 1$' {STATE}/pins/17.history") > before, "the lamp", timeout=20)
    done = machine.try_run("maskwatch test-output nothing")
    assert done.returncode != 0 and "there are: lamp, door" in done.stdout


def test_a_killed_service_closes_the_door_before_it_watches(machine: Machine) -> None:
    """A killed process leaves its pins as they are: low for this relay is an open door."""
    machine.until(lambda: machine.run(f"cat {STATE}/pins/27.out") == "0", "the door is open", timeout=60)
    pid = machine.pid()
    machine.run(f"kill -KILL {pid}; echo killed >> {STATE}/pins/27.history")
    began, ready = "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic"
    machine.until(
        lambda: machine.pid() not in (0, pid) and machine.show(UNIT, "SubState")["SubState"] == "running",
        "a new process", timeout=60,
    )  # fmt: skip
    after = machine.run(f"cat {STATE}/pins/27.history").partition("killed\n")[2].split()
    times = machine.show(UNIT, began, ready)
    assert after[1] == "1", "the first that the new process does is to close it"
    assert int(times[began]) / 1e6 < float(after[0]) < int(times[ready]) / 1e6, "before the models are loaded"


@pytest.fixture
def chip(machine: Machine) -> Iterator[Chip]:
    if machine.release == "trixie":
        pytest.skip("Debian has no lgpio for it")
    made = Chip()
    yield made
    made.close()


def test_a_lamp_at_a_chip_of_the_kernel(machine: Machine, chip: Chip) -> None:
    machine.run(f"mknod /dev/gpiochip0 c {chip.device}; chgrp gpio /dev/gpiochip0; chmod 660 /dev/gpiochip0")
    machine.write("/opt/cpuinfo", "Revision : a02082\n")
    machine.write(f"{DROP_IN}/test.conf", A_PI)
    machine.run("systemctl daemon-reload; systemctl restart maskwatch")
    machine.until(lambda: chip.level(17) == 1, "the lamp is on", timeout=60)
    machine.run("systemctl stop maskwatch")
    assert chip.level(17) == 0 and chip.level(27) == 1, "all off, the door closed"
