"""``maskwatch doctor`` beside a running process, a stopped service and faulty settings."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cameras import NetworkCamera


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
    page.write_text("[detect]\nmin_face = 3000\n")
    doctor = maskwatch("doctor", "--source", "demo")
    assert doctor.end() == 2 and "page.toml: detect.min_face = 3000: out of range" in doctor.err


@pytest.mark.parametrize(
    ("state", "code", "message"),
    [("inactive", 0, "is not started: sudo systemctl start maskwatch"), ("failed", 1, "does not run (failed)")],
)
def test_doctor_reports_a_service_that_does_not_run(maskwatch: Any, state: str, code: int, message: str) -> None:
    unit = {"MASKWATCH_UNIT": "maskwatch", "MASKWATCH_UNIT_IS": state}
    doctor = maskwatch("doctor", "--source", "demo", env=unit)
    assert doctor.end() == code and message in doctor.out


def finding(output: str, subject: str) -> str:
    """Returns the line of one check."""
    return next(line for line in output.splitlines() if line[6:].startswith(subject))


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def unanswered() -> Iterator[int]:
    """A port that does not even accept connections, like a machine that is switched off."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for connection in waiting:
            connection.close()


@pytest.mark.parametrize(
    ("behaviour", "scheme"),
    [
        ("unanswered", "rtsp"),
        ("silent", "rtsp"),
        # with a broker too, which is waited for for up to 32 s
        pytest.param("unanswered", "http", marks=pytest.mark.chaos),
        pytest.param("silent", "http", marks=pytest.mark.chaos),
    ],
)
def test_whatever_does_not_answer_is_a_finding_and_the_others_are_reported(
    maskwatch: Any, scheme: str, behaviour: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    port = request.getfixturevalue(behaviour)
    model = tmp_path / "model.tflite"
    os.mkfifo(model)
    broker = ["--broker", f"127.0.0.1:{port}"] if scheme == "http" else []
    doctor = maskwatch("doctor", "--source", f"{scheme}://127.0.0.1:{port}/door", "--model", model, *broker)
    assert doctor.end() == 1, doctor.out
    for subject in ("model", "camera", *(["broker"] if broker else [])):
        assert finding(doctor.out, subject).startswith("FAIL"), doctor.out
    for subject in ("versions", "detector", "service", "alerts", "disk", "temperature", "clock"):
        assert not finding(doctor.out, subject).startswith("FAIL"), doctor.out
    assert "Traceback" not in doctor.err and "unexpected" not in doctor.out


def test_doctor_says_that_a_camera_is_too_slow_to_judge_anybody(maskwatch: Any) -> None:
    camera = NetworkCamera(interval=1.6)
    try:
        slow = maskwatch("doctor", "--source", camera.url)
        assert slow.end() == 1
        assert "too few to judge anybody: at least 1 is needed" in finding(slow.out, "camera")
    finally:
        camera.close()


def test_doctor_measures_the_frame_rate_of_a_camera(maskwatch: Any) -> None:
    camera = NetworkCamera(interval=0.4)
    try:
        doctor = maskwatch("doctor", "--source", camera.url)
        assert doctor.end() == 0
        rate = re.search(r"160 x 120, ([0-9.]+) frames per second", finding(doctor.out, "camera"))
        assert rate and 1 <= float(rate[1]) <= 2.6, doctor.out
    finally:
        camera.close()


def test_files_that_never_answer_are_findings(maskwatch: Any, tmp_path: Path) -> None:
    """Named pipes that nobody writes to, where the model and the cascade should be."""
    model, cascade, config = tmp_path / "model.tflite", tmp_path / "cascade.xml", tmp_path / "maskwatch.toml"
    os.mkfifo(model)
    os.mkfifo(cascade)
    config.write_text(f'[detect]\ncascade = "{cascade}"\n[classify]\nmodel = "{model}"\n')
    doctor = maskwatch("doctor", "--config", config, "--source", "demo")
    assert doctor.end() == 1, doctor.out
    assert finding(doctor.out, "model").startswith("FAIL") and finding(doctor.out, "detector").startswith("FAIL")
    assert finding(doctor.out, "clock"), "the last check"
