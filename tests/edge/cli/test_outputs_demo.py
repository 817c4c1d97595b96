"""``maskwatch run --outputs-demo``: where its lines go."""

from typing import Any

import pytest

from edge.cli.run import output_printer


@pytest.mark.parametrize("beside_alerts", [False, True])
def test_the_lines_leave_standard_output_to_alerts_that_are_printed_as_json(beside_alerts: bool, capsys: Any) -> None:
    output_printer(beside_alerts)("lamp  is on\x1b[2J")
    out, err = capsys.readouterr()
    assert (err if beside_alerts else out).endswith("  lamp  is on?[2J\n")
    assert (out if beside_alerts else err) == ""
