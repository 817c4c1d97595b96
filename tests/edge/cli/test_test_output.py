"""``maskwatch test-output`` fires an output once: here, or in the maskwatch that is running. Real processes."""

import re
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.pins import FilePins
from support.processes import Process

SENTINEL = "SENTINEL-a1b2c3"
OUTPUTS = """
[outputs.lamp]
driver = "led"
pin = 17
[outputs.door]
driver = "relay"
pin = 27
open_when = "mask"
[outputs.tell]
driver = "command"
program = ["/bin/sh", "-c", "cat >>'{folder}/told'; exit $(cat '{folder}/code')"]
[outputs.post]
driver = "webhook"
url = "http://127.0.0.1:9/{sentinel}"
"""


class Machine:
    """Runs commands on a machine with pins, and with the configuration ``OUTPUTS``."""

    def __init__(self, maskwatch: Any, folder: Path) -> None:
        pytest.importorskip("gpiozero")
        self._maskwatch = maskwatch
        self.pins = FilePins(folder / "pins")
        self.folder = folder
        self.file = folder / "door.toml"
        self.file.write_text(OUTPUTS.format(folder=folder, sentinel=SENTINEL))
        self.code(0)

    def code(self, code: int) -> None:
        """Sets the exit code of the program."""
        (self.folder / "code").write_text(str(code))

    def start(self, *words: str) -> Process:
        process: Process = self._maskwatch(*words, "--config", str(self.file), env=dict(self.pins.environment))
        return process

    def tested(self, name: str) -> tuple[int, str]:
        """Tests an output; returns the exit code and what was printed."""
        process = self.start("test-output", name)
        code = process.end()
        return code, process.out + process.err

    def was(self, pin: int) -> str:
        """All levels that a pin had, without repetitions."""
        return re.sub(r"(.)\1+", r"\1", "".join(level for _, level in self.pins.history(pin)))


@pytest.fixture
def machine(maskwatch: Any, tmp_path: Path) -> Machine:
    return Machine(maskwatch, tmp_path)


def test_an_output_is_opened_fired_and_closed_if_maskwatch_does_not_run(machine: Machine) -> None:
    lamp, door = machine.start("test-output", "lamp"), machine.start("test-output", "door")  # 2 s each
    assert lamp.end() == door.end() == 0, lamp.err + door.err
    assert lamp.out == "output lamp was fired\n"
    assert machine.was(17).strip("-") == "010" and machine.was(27).strip("-") == "010"
    assert machine.tested("tell") == (0, "output tell was fired\n")
    assert b'"event_type":"no_mask"' in (machine.folder / "told").read_bytes()
    machine.code(3)
    code, printed = machine.tested("tell")
    assert code == 1 and re.fullmatch(r"maskwatch: output tell: .* exit code 3\n", printed), printed
    code, printed = machine.tested("post")
    assert code == 1 and "output post" in printed and SENTINEL not in printed
    machine.pins.broken = True
    code, printed = machine.tested("lamp")
    assert code == 1 and printed.count("\n") == 1 and "pin 17 cannot be used" in printed


def test_a_door_is_closed_again_when_the_test_is_ended(machine: Machine) -> None:
    process = machine.start("test-output", "door")
    until(lambda: machine.pins.level(27) == 1)
    assert process.end(signal.SIGTERM) == 1
    assert machine.pins.level(27) == 0


def test_a_name_that_is_not_configured_is_refused_with_those_that_are(machine: Machine) -> None:
    text = "maskwatch: there is no output 'lamb\\x1b'; there are: lamp, door, tell, post\n"
    assert machine.tested("lamb\x1b") == (2, text)
    machine.file.write_text("")
    code, printed = machine.tested("lamp")
    assert code == 2 and "no output is configured; add a table [outputs.NAME]" in printed


def test_the_maskwatch_that_runs_fires_it(machine: Machine, broker: Any, subscriber: Any) -> None:
    received = subscriber(broker.port)
    run = machine.start("run", "--source", "demo", "--realtime", "--broker", broker.address)
    received.wait_for("maskwatch/entrance/status")
    control = machine.folder / "state" / "maskwatch" / "entrance" / "control"
    until(control.is_socket, "the socket")
    assert stat.S_IMODE(control.stat().st_mode) == 0o600
    code, printed = machine.tested("door")
    assert (code, printed) == (0, "output door was fired by the maskwatch that is running\n")
    until(lambda: machine.was(27).strip("-").endswith("10"), "the door was open for a moment")
    machine.code(3)
    code, printed = machine.tested("tell")
    assert code == 1 and "exit code 3" in printed
    code, printed = machine.tested("lamb")
    assert code == 2 and "there is no output 'lamb'; there are: lamp, door, tell, post" in printed
    control.rename(control.with_name("elsewhere"))
    code, printed = machine.tested("lamp")
    assert code == 1 and "maskwatch is running, and does not take a test at" in printed
    assert "restart it if outputs were configured since it was started" in printed
    run.end(signal.SIGTERM)
    assert machine.pins.level(17) == machine.pins.level(27) == 0
    assert SENTINEL not in run.out + run.err
