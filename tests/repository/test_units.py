"""The files in systemd/: the units are valid and the installer refuses invalid options; tests/systemd runs both."""

import difflib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import ROOT

from edge.monitor.systemd import LIMIT

SYSTEMD = ROOT / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def value(unit: Path, key: str) -> str:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)[-1]


def test_the_template_differs_from_the_plain_unit_by_the_camera_only() -> None:
    plain, template = (
        (SYSTEMD / name).read_text().splitlines() for name in ("maskwatch.service", "maskwatch@.service")
    )
    changed = [line[2:] for line in difflib.ndiff(plain, template) if line[:2] == "+ " and not line.startswith("+ #")]
    assert changed == [
        "Description=maskwatch, tells over MQTT who comes in without a face mask (%i)",
        "Wants=maskwatch-phone@%i.service maskwatch-store@%i.service",
        "ExecStart=/opt/maskwatch/current/bin/maskwatch run --config /etc/maskwatch/%i.toml --device %i",
        "StateDirectory=maskwatch/%i",
        "LoadCredential=mqtt-password:/etc/maskwatch/%i.password",
        "LoadCredential=camera-password:/etc/maskwatch/%i.camera-password",
    ]


@pytest.mark.parametrize("kind", ["phone", "store"])
def test_phone_and_store_subscribe_before_their_camera_sends_what_waited(kind: str) -> None:
    unit = SYSTEMD / f"maskwatch-{kind}@.service"
    assert value(unit, "Type") == "notify" and value(unit, "Before") == "maskwatch.service maskwatch@%i.service"
    assert "maskwatch" not in value(unit, "After")
    assert value(unit, "StateDirectory") == value(SYSTEMD / "maskwatch@.service", "StateDirectory")
    assert f"maskwatch-{kind}@maskwatch.service" in value(SYSTEMD / "maskwatch.service", "Wants").split()


@pytest.mark.parametrize("kind", ["store", "metrics"])
def test_the_sandbox_is_the_phone_s_and_no_alert_is_printed_into_the_journal(kind: str) -> None:
    phone, unit = (SYSTEMD / f"maskwatch-{name}@.service" for name in ("phone", kind))
    sandboxes = [each.read_text().partition("\nNoNewPrivileges")[2] for each in (phone, unit)]
    assert sandboxes[0] == sandboxes[1] != ""
    assert (value(unit, "StandardOutput"), value(unit, "StandardError")) == ("null", "journal")


def test_prometheus_asks_at_the_port_of_the_unit() -> None:
    (port,) = re.findall(r"--metrics (\d+)$", value(SYSTEMD / "maskwatch-metrics@.service", "ExecStart"))
    assert f'"127.0.0.1:{port}"' in (SYSTEMD / "prometheus" / "prometheus.yml").read_text()


def test_systemd_s_watchdog_waits_longer_than_the_monitor_s() -> None:
    assert float(value(SYSTEMD / "maskwatch.service", "WatchdogSec")) >= LIMIT + 5


@analyze
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_valid_and_restrictive(unit: Path, tmp_path: Path) -> None:
    """``verify`` exits with 0 even for lines that it ignores, so it may print nothing. /bin/true replaces maskwatch."""
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", copy],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout.splitlines()[-1]


@analyze
@pytest.mark.parametrize("right", ["gpio", "sound"])
@pytest.mark.parametrize("unit", ["maskwatch.service", "maskwatch@.service"])
def test_the_rights_for_outputs_are_one_kind_of_device_each(unit: str, right: str, tmp_path: Path) -> None:
    drop_in = SYSTEMD / f"maskwatch-{right}.conf"
    lines = [line for line in drop_in.read_text().splitlines() if not line.startswith("#") and "modprobe@" not in line]
    device = {"gpio": "char-gpiochip", "sound": "char-alsa"}[right]
    assert [line for line in lines if line not in ("", "[Unit]")] == ["[Service]", f"DeviceAllow={device} rw"]
    both = tmp_path / unit
    both.write_text((SYSTEMD / unit).read_text() + drop_in.read_text())
    test_units_are_valid_and_restrictive(both, tmp_path)


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SYSTEMD / "install.sh", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--colour",), "unknown option --colour"),
        (("--broker",), "--broker needs a value"),
        (("--broker", ""), "--broker needs a value"),
        (("--camera", "Front Door"), "a-z 0-9 _ -"),
        (("--camera", "../x"), "a-z 0-9 _ -"),
        (("--camera", "a" * 65), "at most 64"),
        (("--camera", "maskwatch"), "choose another"),
        (("--phone", "ntfy.sh/x"), "https://ntfy.sh/"),
        (("--purge",), "goes with --uninstall"),
    ],
)
def test_the_installer_refuses_invalid_options(arguments: tuple[str, ...], message: str) -> None:
    done = install(*arguments, "--dry-run") if arguments != ("--broker",) else install(*arguments)
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
    assert done.stdout == "", "the installation was not started"


def test_the_installers_help_names_every_option() -> None:
    done = install("--help")
    accepted = set(re.findall(r"^ +(?:.*\| )?(--[a-z-]+)\)", (SYSTEMD / "install.sh").read_text(), re.MULTILINE))
    assert done.returncode == 0 and accepted and "set -eu" not in done.stdout
    assert accepted - {"--help"} <= set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--source", "rtsp://admin:Kan/ari@10.0.0.7/x?pwd=Kanari", "--broker", "mqtt://u:Kan@ari@broker"),
        ("--source", "RTSP:/admin:Kanari@10.0.0.7", "--broker", "u:Kanari@broker"),
        ("--source", "http://10.0.0.7/user=admin_password=Kanari", "--phone", "https://ntfy.sh/Kanari"),
        ("--source", "rtsp://admin:Kanari@10.0.0.7/x", "--colour"),
        ("--source", "--broker", "rtsp://admin:Kanari@10.0.0.7/x"),
        ("--web-password=Kanari",),
        ("--web-password-file", "Kanari"),
        ("--phone", "https://ntfy.sh/Kanari", "--phone-token-file", "Kanari"),
        ("--camera", "rtsp://admin:Kanari@10.0.0.7/x"),
        ("--phone", "ntfy.sh/Kanari"),
        ("--store", "postgresql://maskwatch:Kanari@10.0.0.7/doors"),
        ("--store", "postgresql://maskwatch:Kanari@10.0.0.7/doors", "--colour"),
    ],
)
def test_the_installer_shows_no_password_of_an_address(arguments: tuple[str, ...]) -> None:
    done = install("--dry-run", *arguments)
    assert done.stdout + done.stderr and "Kan" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("set", "--source", "rtsp://admin:Kanari@10.0.0.7/x"), ("doctor", "--device", "rtsp://admin:Kanari@10.0.0.7/x")],
)
def test_the_command_of_the_service_shows_no_password(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([SYSTEMD / "maskwatch", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "maskwatch: " in done.stderr and "Kanari" not in done.stdout + done.stderr
