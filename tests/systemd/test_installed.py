"""The installed service, with a real systemd, install.sh from a checkout, and a real mosquitto.

One machine per release. The tests depend on each other in the order in which they stand; test_upgrades.py continues.
"""

import json
import time

from support import ROOT
from support.brokers import Subscriber, free_port
from support.browsing import Client
from systemd.machine import LIKE_A_CAMERA, MARKS, SECRET, UNIT, Machine

pytestmark = MARKS
PEOPLE = (ROOT / "edge" / "camera" / "door.jpg").read_bytes()


def test_a_dry_run_changes_nothing(machine: Machine) -> None:
    before = machine.files()
    done = machine.try_run("su nobody -s /bin/sh -c '/src/systemd/install.sh --dry-run --broker 127.0.0.1'")
    assert done.returncode == 0, done.stdout
    assert "would run: systemctl daemon-reload" in done.stdout and "mqtt" not in machine.run("ls /etc")
    assert machine.files() == before


def test_without_root_the_installer_asks_for_sudo(machine: Machine) -> None:
    done = machine.try_run("su nobody -s /bin/sh -c /src/systemd/install.sh")
    assert done.returncode == 2 and "sudo" in done.stdout
    done = machine.try_run("su nobody -s /bin/sh -c '/src/systemd/install.sh --camera Porch --dry-run'")
    assert done.returncode == 2 and "a-z 0-9 _ -" in done.stdout


def test_after_the_installation_the_doctor_reports_no_fault(machine: Machine) -> None:
    done = machine.install("--source", "demo", "--broker", f"mqtt://door@127.0.0.1:{machine.port}", "--no-start")
    assert done.returncode == 0, done.stdout
    machine.run(f"maskwatch set {LIKE_A_CAMERA}; printf {SECRET} > /etc/maskwatch/maskwatch.password")
    for secret in ("password", "camera-password"):
        assert machine.run(f"stat -c '%a %U' /etc/maskwatch/maskwatch.{secret}").strip() == "600 root"
    assert machine.run("stat -c '%a %U %G' /etc/maskwatch/maskwatch.toml").strip() == "640 root maskwatch"
    assert machine.run("systemctl is-active maskwatch", check=False).strip() == "inactive"
    assert "maskwatch is not started" in machine.run("maskwatch doctor", check=False)
    machine.run("systemctl start maskwatch")
    output = machine.run("maskwatch doctor", check=False)
    assert "FAIL" not in output and f"127.0.0.1:{machine.port} accepts the login" in output, output
    assert "running (process" in output, output
    numpy = machine.run("/opt/maskwatch/current/bin/python -c 'import numpy; print(numpy.__file__, numpy.__version__)'")
    assert numpy.startswith("/usr/lib/python3/dist-packages/"), "picamera2 is built against apt's NumPy"
    assert SECRET not in done.stdout + output


def test_alerts_arrive_with_the_password_of_systemd_s_credential(machine: Machine, received: Subscriber) -> None:
    alerts = received.wait_for("maskwatch/entrance/alert", count=4, timeout=90)
    assert {json.loads(payload)["event_type"] for payload in alerts} == {"no_mask"}
    assert received.wait_for("maskwatch/entrance/status")[-1] == b"online"
    assert "watching" in machine.show(UNIT, "StatusText")["StatusText"]
    assert SECRET not in machine.run("journalctl --no-pager") + machine.run("systemctl show maskwatch")
    pid = machine.pid()
    assert SECRET not in machine.run(f"tr '\\0' '\\n' < /proc/{pid}/environ; tr '\\0' ' ' < /proc/{pid}/cmdline")


def test_prometheus_is_served_by_a_unit_of_its_own(machine: Machine) -> None:
    machine.run("systemctl enable --quiet maskwatch-metrics@maskwatch; systemctl start maskwatch-metrics@maskwatch")
    metrics = Client(9765)
    told = 'maskwatch_online{door="entrance"} 1.0'
    machine.until(lambda: told in metrics.ask("/metrics").text, "the metrics tell of the door", timeout=60)
    assert SECRET not in machine.journal("maskwatch-metrics@maskwatch")
    machine.run("systemctl disable --quiet --now maskwatch-metrics@maskwatch")


def test_the_units_pass_systemd_analyze(machine: Machine) -> None:
    units = "/etc/systemd/system/maskwatch.service /etc/systemd/system/maskwatch@.service"
    assert machine.run(f"systemd-analyze verify {units}") == ""
    for unit in units.split():
        assert "OK" in machine.run(f"systemd-analyze security --offline=true --threshold=15 {unit} | tail -n 1")


def test_the_sandbox_allows_only_what_the_service_needs(machine: Machine) -> None:
    machine.run("mkdir -p /home/pi /etc/systemd/system/maskwatch.service.d; mknod /dev/video7 c 81 7")
    machine.run("chown root:video /dev/video7; chmod 660 /dev/video7; cp /src/tests/systemd/probe.py /opt/probe.py")
    drop_in = "/etc/systemd/system/maskwatch.service.d/probe.conf"
    machine.write(drop_in, "[Service]\nExecStartPre=/usr/bin/python3 /opt/probe.py\n")
    machine.run("systemctl daemon-reload; systemctl restart maskwatch")
    line = next(line for line in machine.journal(UNIT).splitlines() if line.startswith("probe "))
    outcomes = json.loads(line.removeprefix("probe "))
    machine.run(f"rm {drop_in}; systemctl daemon-reload; systemctl restart maskwatch")
    assert outcomes["user"] == int(machine.run("id -u maskwatch"))
    assert (outcomes["state"], outcomes["credential"]) == ("ok", "ok")
    assert (outcomes["usr"], outcomes["etc"]) == ("EROFS", "EROFS")
    assert outcomes["home"] in ("EACCES", "ENOENT") and outcomes["password file"] == "EACCES"
    assert outcomes["camera"] in ("ENXIO", "ENODEV", "ENOENT"), "it is allowed, but there is no such camera"
    assert outcomes["raw socket"] in ("EAFNOSUPPORT", "EPERM") and outcomes["clock set"] == "EPERM"
    assert outcomes["core"] == [0, 0] and int(outcomes["core filter"], 16) == 0, (
        "no core dumps, which would contain faces"
    )
    assert int(outcomes["capabilities"], 16) == 0


def test_a_killed_service_is_started_again(machine: Machine, received: Subscriber) -> None:
    """Its alerts have ``clock_synced`` true once systemd-timesyncd has set the clock."""
    pid = machine.pid()
    machine.run(f"mkdir -p /run/systemd/timesync; touch /run/systemd/timesync/synchronized; kill -KILL {pid}")
    machine.until(lambda: machine.pid() not in (0, pid), "a new process", timeout=30)
    assert json.loads(received.wait_for("maskwatch/entrance/alert", timeout=60)[-1])["clock_synced"] is True


def test_a_frozen_service_is_killed_by_the_watchdog_and_started_again(machine: Machine) -> None:
    machine.until(lambda: machine.show(UNIT, "SubState")["SubState"] == "running", "running", timeout=30)
    pid = machine.pid()
    machine.run(f"kill -STOP {pid}")
    took = machine.until(lambda: machine.pid() not in (0, pid), "a new process", timeout=60)
    assert "Watchdog timeout" in machine.run("journalctl --no-pager -u maskwatch")
    assert took <= 40, f"at most WatchdogSec + 10 s are documented, it took {took:.0f} s"
    cores = machine.run("find / -xdev ! -path '/usr/*' ! -path '/opt/*' -type f -name core -o -name 'core.[0-9]*'")
    assert cores == "", "the watchdog's SIGABRT leaves no core dump, which would contain faces"


def test_a_stopped_service_ends_in_time_and_publishes_offline(machine: Machine, received: Subscriber) -> None:
    machine.until(lambda: machine.show(UNIT, "SubState")["SubState"] == "running", "running", timeout=30)
    start = time.monotonic()
    machine.run("systemctl stop maskwatch")
    assert time.monotonic() - start <= 8
    assert machine.show(UNIT, "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    machine.until(lambda: received.on("maskwatch/entrance/status")[-1:] == [b"offline"], "offline", timeout=10)


def test_an_invalid_configuration_is_reported_and_not_retried(machine: Machine) -> None:
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


def test_a_wrong_password_is_reported_without_a_restart(machine: Machine) -> None:
    machine.run("printf wrong > /etc/maskwatch/maskwatch.password; systemctl restart maskwatch")
    pid = machine.pid()
    machine.until(lambda: "Not authorized" in machine.show(UNIT, "StatusText")["StatusText"], "the reason", timeout=30)
    assert "Not authorized" in machine.run("maskwatch doctor", check=False)
    assert machine.pid() == pid
    machine.run(f"printf {SECRET} > /etc/maskwatch/maskwatch.password; systemctl restart maskwatch")
    machine.until(lambda: "watching" in machine.show(UNIT, "StatusText")["StatusText"], "well again", timeout=30)


def test_the_page_saves_its_settings_in_the_state_folder(machine: Machine) -> None:
    port = free_port()
    machine.run(f"maskwatch set web.enabled=true web.port={port}; systemctl restart maskwatch")
    page, before = Client(port), machine.run("cat /etc/maskwatch/maskwatch.toml")
    machine.until(lambda: page.ask("/healthz").status == 200, "the page is well", timeout=30)
    assert page.post("/api/settings", {"detect": {"min_face": 50}}).json["min_face"] == 50
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before
    assert "min_face = 50" in machine.run("cat /var/lib/maskwatch/maskwatch/page.toml")
    machine.run("systemctl restart maskwatch")
    machine.until(lambda: page.ask("/healthz").status == 200, "the page is well again", timeout=30)
    assert page.ask("/api/now").json["min_face"] == 50
    output = machine.run("maskwatch set web.enabled=false detect.min_face=48")
    assert "what was set on the page: detect.min_face" in output
    assert "min_face" not in machine.run("cat /var/lib/maskwatch/maskwatch/page.toml")
    machine.run("systemctl restart maskwatch")


OWN_MODEL = """
import hashlib, json, pathlib
shipped, own = pathlib.Path("/src/models/mask"), pathlib.Path("/etc/maskwatch/own")
model = shipped.with_suffix(".tflite").read_bytes() + bytes(16)
card = json.loads(shipped.with_suffix(".json").read_text()) | {"sha256": hashlib.sha256(model).hexdigest()}
own.with_suffix(".tflite").write_bytes(model)
own.with_suffix(".json").write_text(json.dumps(card))
"""


def test_the_sandbox_lets_the_processes_run_that_try_models_and_check_images(machine: Machine) -> None:
    port = free_port()
    machine.run(f"python3 -c '{OWN_MODEL}'")
    machine.run(f"maskwatch set classify.model=/etc/maskwatch/own.tflite web.enabled=true web.port={port}")
    machine.run("systemctl restart maskwatch")
    page = Client(port)
    machine.until(lambda: page.ask("/healthz").status == 200, "the page is well", timeout=30)
    assert len(page.ask("/api/check", "POST", PEOPLE).json["faces"]) == 3
    machine.run(
        "maskwatch set classify.model= web.enabled=false && rm /etc/maskwatch/own.* && systemctl restart maskwatch"
    )


def test_forget_removes_the_topics_of_an_earlier_camera_name(machine: Machine, received: Subscriber) -> None:
    done = machine.try_run("maskwatch forget --device entrance")
    assert done.returncode == 2 and "entrance is running" in done.stdout
    machine.run("maskwatch set device.name=front; systemctl restart maskwatch")
    received.wait_for("maskwatch/front/status")
    # by itself, with the new name
    machine.until(lambda: received.on("maskwatch/entrance/status")[-1:] == [b""], "nothing left of it", timeout=20)
    assert "removed device 'entrance' from 127.0.0.1" in machine.run("maskwatch forget --device entrance")
    machine.run("maskwatch set device.name=entrance; systemctl restart maskwatch")
    machine.until(lambda: received.on("maskwatch/entrance/status")[-1:] == [b"online"], "online again", timeout=30)
    machine.run("maskwatch forget --device front")
