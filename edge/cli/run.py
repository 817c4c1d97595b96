"""``maskwatch run``: watches a camera and publishes alerts until it is stopped."""

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.schema import Config
from ..errors import ConfigError, FileError, ReaderGone
from ..mqtt.lines import clean, now
from .arguments import EXIT_FAILURE, EXIT_OK, add_detector_option, add_device_option, open_settings, own_state

if TYPE_CHECKING:
    from ..camera.source import Source
    from ..monitor.answering import Answering


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source", help="auto (default), picamera, usb:0, /dev/video0, rtsp://..., a video, a folder, demo"
    )
    command.add_argument(
        "--or-demo", action="store_true", help="play the bundled clip once if there is no camera and no broker"
    )
    command.add_argument("--realtime", action="store_true", default=None, help="play a file at its own pace")
    command.add_argument(
        "--broker",
        metavar="HOST[:PORT]",
        help="the broker, also as mqtt://user@host or mqtts://... (default: an embedded broker)",
    )
    command.add_argument("--model", metavar="FILE.tflite", help="use another model than the one of maskwatch")
    add_detector_option(command)
    add_device_option(command)
    command.add_argument("--print", action="store_true", help="print alerts as JSON lines; needs no broker")
    command.add_argument("--web", action="store_true", default=None, help="serve the page ([web] host and port)")
    command.add_argument("--show-stats", action="store_true", help="print speed and memory every 5 s")
    command.add_argument(
        "--outputs-demo",
        action="store_true",
        help="print what lamp, sound and relay would do, instead of driving them; a file plays at its own pace",
    )


def run(args: argparse.Namespace) -> int:
    """Watches until the source ends or SIGTERM or SIGINT arrives; returns 1 if alerts were lost."""

    def stop_on_signals(source: "Source") -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: source.stop())

    args.realtime = args.realtime or args.outputs_demo or None  # outputs follow the clock of the wall
    settings = open_settings(args)
    config = settings.load()
    own_state(config)
    with ExitStack() as stack:
        # first, and before OpenCV and the like are loaded, which takes seconds on a Raspberry Pi: a door must not stay
        # open for so long after a crash
        answering = open_answering(config, args, stack) if config.outputs or args.outputs_demo else None
        from ..monitor.run import watch_door

        if config.sign.logo:
            from ..web.sign_logo import check_logo  # without a sign nothing of the page is loaded

            check_logo(config.sign)
        if args.device is None and config.mqtt.host:
            from ..monitor.announcing import follow_renaming

            follow_renaming(config, args.config)
        all_kept = watch_door(
            config,
            to_stdout=args.print,
            or_demo=args.or_demo,
            show_stats=args.show_stats,
            on_source_open=stop_on_signals,
            settings=settings,
            answering=answering,
        )
    return EXIT_OK if all_kept else EXIT_FAILURE


def open_answering(config: Config, args: argparse.Namespace, stack: ExitStack) -> "Answering":
    """Opens the outputs; ``stack`` closes them."""
    from ..monitor.answering import Answering  # only where an output is configured
    from ..monitor.systemd import Notifier

    if not args.outputs_demo and not Notifier().supervised:
        refuse_faults(config, args.config)
    printed = output_printer(beside_alerts=args.print) if args.outputs_demo else None
    answering = Answering(config, printed)
    stack.callback(answering.close)

    def end(number: int, _: object) -> None:
        """Ends the process. An exception would not do: whatever is being imported may swallow it."""
        answering.close()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    signal.signal(signal.SIGTERM, end)  # until there is a source to stop
    return answering


def refuse_faults(config: Config, file: Path | None) -> None:
    """Raises ``ConfigError`` with what outputs lack on this machine: somebody who tries it out is there to mend it.

    A service starts nevertheless, and reports it: at a door it is better to watch without a lamp than not to watch.
    """
    from ..outputs.faults import output_faults

    if faults := output_faults(config.outputs, config.detect.zones):
        raise ConfigError("\n".join(f"{file}: {fault}" for fault in faults.values()))


def output_printer(beside_alerts: bool) -> Callable[[str], None]:
    """Returns what prints the lines of the outputs: to standard error where standard output has alerts as JSON."""

    def show(text: str) -> None:
        with suppress(FileError, OSError):
            try:
                line = clean(f"{now()}  {text}") + "\n"  # written whole: the log may come in between
                print(line, end="", file=sys.stderr if beside_alerts else sys.stdout, flush=True)
            except ReaderGone:
                signal.raise_signal(signal.SIGTERM)

    return show
