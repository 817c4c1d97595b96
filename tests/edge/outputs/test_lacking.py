"""Webhooks and programs tell what they lack before an alert comes, and that it is there."""

import time
from pathlib import Path

from support import until

from edge.config.outputs import CommandConfig
from edge.config.schema import Config
from edge.config.zone import Zone
from edge.outputs.opening import open_sink


def test_what_is_lacking_is_told_before_an_alert_comes_and_when_it_is_there(tmp_path: Path) -> None:
    program = tmp_path / "tell"
    problems: list[str | None] = []
    config = CommandConfig(name="tell", program=(str(program),), zone="step")
    sink = open_sink(config, Config(outputs=(config,)), lambda part, text: problems.append(text))
    try:
        until(lambda: problems)
        assert problems[0] and problems[0].startswith(
            "output tell: outputs.tell.zone = 'step': no zone of [detect] has"
        )
        assert f"'{program}' cannot be run: there is no such file" in problems[0]
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        sink.watch((Zone([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], "step"),))
        until(lambda: problems[-1] is None)
    finally:
        sink.close(time.monotonic() + 3)
