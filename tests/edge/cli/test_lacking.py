"""What this machine lacks of what outputs need stops nothing but a first try by hand, and a change of that output."""

import argparse
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.commands import maskwatch
from support.pins import mock_pins

from edge.cli.run import open_answering
from edge.config.load import load
from edge.errors import ConfigError
from edge.monitor.state import folder_of

OUTPUTS = """
[outputs.lamp]
driver = "led"
pin = 17
zone = "step"
[outputs.tell]
driver = "command"
program = ["/none"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "maskwatch.toml"
    file.write_text(f"{OUTPUTS}[state]\nfolder = '{tmp_path / 'state'}'\n")
    return file


@pytest.fixture
def arguments(file: Path) -> Iterator[Any]:
    before = signal.getsignal(signal.SIGTERM)
    yield argparse.Namespace(config=file, outputs_demo=False, print=False)
    signal.signal(signal.SIGTERM, before)


def test_somebody_who_tries_it_by_hand_is_told_all_of_it(arguments: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    with ExitStack() as stack, pytest.raises(ConfigError) as caught:
        open_answering(load(arguments.config), arguments, stack)
    zone, program = str(caught.value).splitlines()
    assert zone.startswith(f"{arguments.config}: outputs.lamp.zone = 'step': no zone of [detect] has this name")
    assert program == f"{arguments.config}: outputs.tell.program: '/none' cannot be run: there is no such file"


def test_a_service_starts_and_reports_it(arguments: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "systemd"))
    problems: dict[str, str | None] = {}
    with mock_pins() as factory, ExitStack() as stack:
        answering = open_answering(load(arguments.config), arguments, stack)
        assert [state.state for state in factory.pin(17).states][-1] == 0, "it is driven: off"
        answering.connected(problems.__setitem__)
        until(lambda: len(problems) == 2)
    assert problems["output lamp"] == "output lamp: there is no zone 'step'; choose one of [detect] zones"
    assert "'/none' cannot be run" in str(problems["output tell"])


def test_other_commands_and_changes_go_on(file: Path) -> None:
    assert maskwatch("outbox", "--config", file).returncode == 0
    env = {"GPIOZERO_PIN_FACTORY": "mock"}
    done = maskwatch("set", "--config", file, "detect.min_face=70", "outputs.lamp.zone=", env=env)
    assert done.returncode == 0, done.stderr
    done = maskwatch("set", "--config", file, "outputs.tell.timeout=3", env=env)
    assert done.returncode == 2 and f"{file}: outputs.tell.program: '/none' cannot be run" in done.stderr.decode()
    changes = ["outputs.tell.program=/bin/true", "outputs.webhook.url=http://a.lan"]
    done = maskwatch("set", "--config", file, *changes, env=env)
    assert done.returncode == 0 and b"can read the address of output webhook; if it has a password" in done.stdout


def test_a_zone_of_the_page_counts_for_a_test(file: Path) -> None:
    file.write_text(file.read_text().replace("/none", "/bin/true").replace('"command"', '"command"\nzone = "step"'))
    done = maskwatch("test-output", "tell", "--config", file)
    assert done.returncode == 1 and b"outputs.tell.zone = 'step': no zone of [detect] has this name" in done.stderr
    page = folder_of(load(file)) / "page.toml"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("[detect]\nzones = [{name = 'step', corners = [[0, 0], [1, 0], [1, 1]]}]\n")
    done = maskwatch("test-output", "tell", "--config", file)
    assert done.returncode == 0, done.stderr
