"""``maskwatch run --outputs-demo``: which outputs it shows, and where its lines go."""

from dataclasses import replace
from typing import Any

import pytest

from edge.cli.run import output_printer, with_demo_outputs
from edge.config.outputs import CommandConfig, PinConfig, ServoConfig
from edge.config.schema import Config


def names(config: Config) -> list[str]:
    return [output.name for output in with_demo_outputs(config).outputs]


def test_a_lamp_and_a_sound_are_shown_where_nothing_of_their_kind_is_configured() -> None:
    assert names(Config()) == ["lamp", "sound"]
    assert names(replace(Config(), outputs=(CommandConfig(name="tell"),))) == ["tell", "lamp", "sound"]


def test_what_is_configured_is_shown_as_it_is() -> None:
    assert names(replace(Config(), outputs=(ServoConfig(name="barrier", pin=4), PinConfig(name="red", pin=5)))) == [
        "barrier", "red"
    ]  # fmt: skip


@pytest.mark.parametrize("beside_alerts", [False, True])
def test_the_lines_leave_standard_output_to_alerts_that_are_printed_as_json(beside_alerts: bool, capsys: Any) -> None:
    output_printer(beside_alerts)("lamp  is on\x1b[2J")
    out, err = capsys.readouterr()
    assert (err if beside_alerts else out).endswith("  lamp  is on?[2J\n")
    assert (out if beside_alerts else err) == ""
