"""``maskwatch test-output``: fires an output at the door once, so that somebody can see or hear that it works."""

import argparse
import signal
import sqlite3
import sys
import time
from contextlib import suppress
from dataclasses import replace

from ..addresses import UNPRINTABLE
from ..config.outputs import OutputConfig, SituationOutputConfig
from ..config.schema import Config
from ..errors import ConfigError, OutputError
from ..monitor.state import StateFiles, running_health
from ..mqtt.switches import how_to_unmute, is_muted
from .arguments import EXIT_FAILURE, EXIT_OK, add_device_option, open_settings, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="the output: NAME of its table [outputs.NAME]")
    add_device_option(command)


def run(args: argparse.Namespace) -> int:
    """Has the running maskwatch fire it, or opens it here. Raises ``OutputError`` if it does not work."""
    config = open_settings(args).load()  # with the zones of the page
    output = output_of(config, args.name)
    files = own_state(config)
    if running_health(files.folder) is None:
        fire(config, output)
        muted = _is_muted(config, files, output)
        by = ""
    else:
        from ..outputs.control import ask

        muted = ask(files.control, output.name)
        by = " by the maskwatch that is running"
    print(f"output {output.name} was fired{by}{f'; {_advice(config, output)}' if muted else ''}")
    return EXIT_OK


def _is_muted(config: Config, files: StateFiles, output: OutputConfig) -> bool:
    """Returns whether the next start leaves it off. A file that cannot be read is the matter of doctor."""
    with suppress(sqlite3.Error, OSError):
        return is_muted(config, files.outbox, output.name)
    return False


def _advice(config: Config, output: OutputConfig) -> str:
    return f"it is muted apart from tests: {how_to_unmute(config, output.name)}"


def output_of(config: Config, name: str) -> OutputConfig:
    """Returns the options of an output. Raises ``ConfigError`` if there is none of this name."""
    if not config.outputs:
        raise ConfigError("no output is configured; add a table [outputs.NAME] to the file named by --config")
    for output in config.outputs:
        if output.name == name:
            return output
    known = ", ".join(output.name for output in config.outputs)
    raise ConfigError(f"there is no output '{name.translate(UNPRINTABLE)}'; there are: {known}")


def fire(config: Config, output: OutputConfig) -> None:
    """Opens one output, fires it, and closes it. Raises ``OutputError`` if it does not work."""
    from ..outputs.driven import seconds_of_test
    from ..outputs.opening import open_outputs

    problems: dict[str, str | None] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_FAILURE))  # a relay must not stay as it is tested
    outputs = open_outputs(replace(config, outputs=(output,)), problems.__setitem__)
    try:
        outputs.fire(output.name)
        if isinstance(output, SituationOutputConfig):
            time.sleep(seconds_of_test(output))
    finally:
        outputs.close()
    if problem := problems.get(f"output {output.name}"):
        raise OutputError(problem)
