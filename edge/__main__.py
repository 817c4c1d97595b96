"""The command ``maskwatch``: the command line, logging and exit codes; each command is a file in ``cli``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from . import __version__
from .cli.arguments import ENDED, FAILED, USAGE
from .errors import BrokerError, ConfigError, ModelError, SourceError
from .monitor.systemd import leave

COMMANDS = {
    "run": "watch a camera and publish alerts until stopped",
    "image": "check single pictures",
    "doctor": "what is wrong with this installation, and what to do",
    "set": "change options in the configuration file --config",
    "watch": "subscribe, and print alerts as they arrive",
    "outbox": "alerts that wait for the broker or were refused",
    "purge": "delete snapshots that are too old or too many",
    "forget": "remove a camera from the broker and from Home Assistant",
    "bench": "what watching costs on this machine",
}


def parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The command line. With ``chosen`` only that command's file is loaded: a subscriber has no use for OpenCV."""
    top = argparse.ArgumentParser(
        prog="maskwatch",
        description="Watches an entrance camera and tells people over MQTT when somebody comes in without a face mask.",
    )
    top.add_argument("--version", action="version", version=f"maskwatch {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file; options given here win over it"
    )
    common.add_argument("--verbose", action="store_true", help="say more in the log")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, parents=[common], help=text)
        if chosen in (name, None):
            module = import_module(f"{__package__}.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0 ended as asked, 2 configuration or usage, 1 anything else."""
    argv = sys.argv[1:] if argv is None else argv
    args = parser(next((word for word in argv if word in COMMANDS), "none")).parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr, force=True)
    try:
        return leave(args.run(args))
    except (ConfigError, ModelError) as error:
        print(f"maskwatch: {error}", file=sys.stderr)
        return USAGE
    except (SourceError, BrokerError) as error:  # may pass by itself: a service is started again
        print(f"maskwatch: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nmaskwatch: stopped before the end", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stderr.close()
        return ENDED


if __name__ == "__main__":
    sys.exit(main())
