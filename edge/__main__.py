"""Runs the command ``maskwatch``: command line, logging and exit codes. Each command is a file in ``cli``."""

from .console import INTERRUPTED, checked_output, ending_at_interrupt

with ending_at_interrupt(INTERRUPTED, 1):
    import logging
    import resource
    import sys
    from collections.abc import Sequence
    from importlib import import_module
    from pathlib import Path

    from . import __version__
    from .addresses import printable
    from .cli.arguments import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
    from .errors import ConfigError, EdgeError, ModelError, ReaderGone
    from .monitor.systemd import leave
    from .parser import Parser
    from .repeats import Repeats

COMMANDS = {
    "run": "watch a camera and publish alerts until stopped",
    "image": "check image files",
    "doctor": "check this installation and say what to do about each problem",
    "set": "change options in the configuration file --config",
    "watch": "subscribe to a broker and print alerts as they arrive",
    "report": "sum people, masks and alerts by hour, day or weekday, or list alerts",
    "audit": "show who changed what and when, and check that nothing of it was changed since",
    "test-output": "fire an output at the door once",
    "outbox": "show the alerts that wait for the broker or an output, and those that were refused",
    "purge": "delete snapshots that are too old or too many",
    "forget": "remove a camera from the broker and from Home Assistant",
    "bench": "measure what watching costs on this machine",
}
SERVICES = ("run", "watch")
"""Commands that go on for years; their log must not grow with what somebody else does."""


def parser(chosen: str | None = None) -> Parser:
    """Makes the parser of the command line.

    Loads only the file of the ``chosen`` command (None: all files), so that ``maskwatch watch`` does not load OpenCV.
    """
    top = Parser(
        prog="maskwatch",
        description="Watches an entrance camera and sends an alert over MQTT when somebody enters without a face mask.",
    )
    top.add_argument("--version", action="version", version=f"maskwatch {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, parents=[common_options(name)], help=text)
        if chosen in (name, None):
            module = import_module(f"{__package__}.cli.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return top


def common_options(name: str) -> Parser:
    """Makes the parser of the options that every command has; the command ``name`` sets one help text."""
    takes_precedence = "configuration file; the options below take precedence over it"
    common = Parser(add_help=False)
    config_help = "the file to change" if name == "set" else takes_precedence
    common.add_argument("--config", type=Path, metavar="FILE", help=config_help)
    common.add_argument("--verbose", action="store_true", help="log more")
    return common


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 if it ended as asked, 2 for wrong configuration or usage, 1 for anything else."""
    argv = sys.argv[1:] if argv is None else argv
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold images and passwords
    try:
        with checked_output():
            with ending_at_interrupt(INTERRUPTED, EXIT_FAILURE):
                args = parser(next((word for word in argv if word in COMMANDS), "none")).parse_args(argv)
            level = logging.DEBUG if args.verbose else logging.INFO
            logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr, force=True)
            if args.run.__module__.rpartition(".")[2] in SERVICES:
                logging.getLogger().handlers[0].addFilter(Repeats())
            code: int = args.run(args)
        return leave(code)
    except (ConfigError, ModelError) as error:
        print(f"maskwatch: {error}", file=sys.stderr)
        return EXIT_USAGE
    except EdgeError as error:  # the next attempt may succeed, so systemd starts the service again
        print(f"maskwatch: {error}", file=sys.stderr)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        print(INTERRUPTED, end="", file=sys.stderr)
        return EXIT_FAILURE
    except ReaderGone:
        return EXIT_OK
    except OSError as error:
        if error.filename is None:
            raise
        logging.debug("where it happened", exc_info=True)
        print(f"maskwatch: {printable(str(error.filename))}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
