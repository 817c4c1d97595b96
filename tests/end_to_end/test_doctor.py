"""``maskwatch doctor`` beside a running process, a stopped service and faulty settings."""

import signal
from pathlib import Path
from typing import Any

import pytest


def test_doctor_reports_the_running_process(maskwatch: Any, mosquitto: Any, subscriber: Any) -> None:
    broker = mosquitto().start()
    run = maskwatch("run", "--source", "demo", "--realtime", "--broker", broker.address)
    received = subscriber(broker.port)
    received.wait_for("maskwatch/entrance/health")
    doctor = maskwatch("doctor", "--source", "usb:99", "--broker", broker.address)
    assert doctor.end() == 0, doctor.out
    assert f"running (process {run.popen.pid}) without a problem" in doctor.out
    assert "the running maskwatch reports: ok" in doctor.out
    assert run.end(signal.SIGTERM) == 0


def test_doctor_names_faults_and_their_remedies(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    without_fault = maskwatch("doctor", "--source", "demo", "--broker", broker.address)
    assert without_fault.end() == 0
    assert "accepts the login" in without_fault.out and "FAIL" not in without_fault.out
    broker.kill()
    model = tmp_path / "none.tflite"
    with_faults = maskwatch("doctor", "--source", "demo", "--broker", broker.address, "--model", model)
    assert with_faults.end() == 1 and with_faults.out.count("FAIL") == 2
    assert "check host, port, network" in with_faults.out and "none.tflite does not exist" in with_faults.out


def test_doctor_uses_the_settings_of_the_page(maskwatch: Any, tmp_path: Path) -> None:
    page = tmp_path / "state" / "maskwatch" / "entrance" / "page.toml"
    page.parent.mkdir(parents=True)
    page.write_text('[detect]\ncascade = "/nowhere.xml"\n')
    doctor = maskwatch("doctor", "--source", "demo")
    assert doctor.end() == 1 and "/nowhere.xml" in doctor.out


@pytest.mark.parametrize(
    ("state", "code", "message"),
    [("inactive", 0, "is not started: sudo systemctl start maskwatch"), ("failed", 1, "does not run (failed)")],
)
def test_doctor_reports_a_service_that_does_not_run(maskwatch: Any, state: str, code: int, message: str) -> None:
    unit = {"MASKWATCH_UNIT": "maskwatch", "MASKWATCH_UNIT_IS": state}
    doctor = maskwatch("doctor", "--source", "demo", env=unit)
    assert doctor.end() == code and message in doctor.out
