"""``maskwatch test-output``: fires an output at the door once, so that somebody can see or hear that it works."""

import argparse
import signal
import sys
import time
from dataclasses import replace

from ..addresses import UNPRINTABLE
from ..config.outputs import OutputConfig, SituationOutputConfig
from ..config.schema import Config
from ..errors import ConfigError, OutputError
from ..monitor.state import running_health
from .arguments import EXIT_FAILURE, EXIT_OK, add_device_option, load_config, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="the output: NAME of its table [outputs.NAME]")
    add_device_option(command)


def run(args: argparse.Namespace) -> int:
    """Has the running maskwatch fire it, or opens it here. Raises ``OutputError`` if it does not work."""
    config = load_config(args)
    files = own_state(config)
    if running_health(files.folder) is None:
        fire(config, output_of(config, args.name))
        print(f"output {args.name} was fired")
    else:
        from ..outputs.control import ask

        ask(files.control, args.name)
        print(f"output {args.name.translate(UNPRINTABLE)} was fired by the maskwatch that is running")
    return EXIT_OK


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
