"""``maskwatch run``: Runs the monitor: watches a camera and publishes alerts until it is stopped."""

import argparse
import signal

from ..camera.source import Source
from ..monitor.run import watch_door
from .arguments import ENDED, FAILED, choose_detector, settings_store


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source", help="auto (default), picamera, usb:0, /dev/video0, rtsp://..., a video, a folder, demo"
    )
    command.add_argument("--or-demo", action="store_true", help="without camera and broker, play the bundled clip once")
    command.add_argument("--realtime", action="store_true", default=None, help="play a file at its own pace")
    command.add_argument(
        "--broker", metavar="HOST[:PORT]", help="also mqtt://user@host or mqtts://...; default: an embedded broker"
    )
    command.add_argument("--model", metavar="FILE.tflite", help="another model than the one that comes with maskwatch")
    choose_detector(command)
    command.add_argument("--device", metavar="NAME", help="name of this camera in the topics (default entrance)")
    command.add_argument("--print", action="store_true", help="print alerts as JSON lines; needs no broker")
    command.add_argument("--web", action="store_true", default=None, help="serve the page ([web] host and port)")
    command.add_argument("--show-stats", action="store_true", help="print speed and memory every 5 s")


def run(args: argparse.Namespace) -> int:
    def ready(source: Source) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: source.stop())

    store = settings_store(args)
    kept = watch_door(
        store.load(),
        to_stdout=args.print,
        or_demo=args.or_demo,
        show_stats=args.show_stats,
        ready=ready,
        keep=store.keep,
    )
    return ENDED if kept else FAILED
