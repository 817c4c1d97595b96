"""The command ``maskwatch``. The only place that knows everything: command line, logging, wiring, exit codes."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from . import loop, picture
from .annotate import annotate
from .classify import MaskClassifier, TfliteNetwork
from .cli import STILL_FACE, configured, parser
from .config import Config, Mqtt
from .decide import Alert, Policy
from .detect import FaceDetector
from .errors import BrokerError, ConfigError, ModelError, SourceError
from .messages import AlertMessage, Health
from .publish import Both, MqttPublisher, PrintPublisher, Publisher
from .report import Report, StatsLine, summary
from .source import Frame, Source, open_source
from .track import Tracker

log = logging.getLogger("maskwatch")

ENDED, FAILED, USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0 ended as asked, 2 configuration or usage, 1 anything else."""
    args = parser().parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr, force=True)
    try:
        return COMMANDS[args.command](args)
    except (ConfigError, ModelError, BrokerError) as error:
        print(f"maskwatch: {error}", file=sys.stderr)
        return USAGE
    except SourceError as error:
        print(f"maskwatch: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nmaskwatch: stopped before the end", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stderr.close()
        return ENDED


def model_path(config: Config) -> Path:
    """The configured model, or the one that comes with maskwatch (in the checkout, or installed under share/)."""
    if config.classify.model:
        return Path(os.path.expanduser(config.classify.model))
    places = (Path(__file__).parents[1] / "models", Path(sys.prefix) / "share" / "maskwatch" / "models")
    return next((p / "mask.tflite" for p in places if (p / "mask.tflite").is_file()), places[0] / "mask.tflite")


def open_classifier(config: Config) -> MaskClassifier:
    network = TfliteNetwork(model_path(config), threads=config.classify.threads)
    return MaskClassifier(network, reject=config.classify.reject)


def open_detector(config: Config) -> FaceDetector:
    own = config.detect
    return FaceDetector(
        own.cascade, min_face=own.min_face, scale_step=own.scale_step, neighbours=own.neighbours, zones=own.zones
    )


def run_run(args: argparse.Namespace) -> int:
    config = configured(args)
    cv2.setNumThreads(1)  # one core by default: the rest of a Pi belongs to others
    detector, classifier = open_detector(config), open_classifier(config)
    with ExitStack() as stack:
        source, config = open_camera(config, args.or_demo)
        stack.callback(source.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: source.stop())
        publisher, arrived = open_publisher(config, args.print, stack)
        return watch_door(config, source, detector, classifier, publisher, arrived, args.show_stats)


def open_camera(config: Config, or_demo: bool) -> tuple[Source, Config]:
    """The source, and the configuration it runs under: the clip never speaks in a real camera's name."""
    try:
        return open_source(config.source.source, config.source), config
    except SourceError as error:
        if not or_demo or config.source.source != "auto" or config.mqtt.host:
            raise
        log.info("%s", error)
        log.warning("playing the bundled clip instead, as device demo; name a camera with --source")
        config = replace(config, device=replace(config.device, name="demo"))
        return open_source("demo", replace(config.source, realtime=True)), config


def open_publisher(config: Config, to_stdout: bool, stack: ExitStack) -> tuple[Publisher, Any]:
    """Where alerts go, and a count of those that a subscriber on this machine has received (None without one)."""
    if config.mqtt.host:
        publisher = MqttPublisher(config.mqtt, config.device.name)
        return (Both(PrintPublisher(), publisher) if to_stdout else publisher), None
    if to_stdout:
        return PrintPublisher(), None
    from .broker import HOST, PROTOCOL, EmbeddedBroker
    from .watch import Watcher

    broker = EmbeddedBroker().start()
    stack.callback(broker.close)
    local = replace(config.mqtt, host=HOST, port=broker.port)
    if broker.port == Mqtt().port:
        log.info("no broker configured: an embedded one serves this machine at %s:%d", HOST, broker.port)
    else:
        log.warning(
            "no broker configured, and port 1883 is taken (by another broker? then use it: --broker 127.0.0.1); "
            "an embedded one serves %s:%d: maskwatch watch --broker %s:%d", HOST, broker.port, HOST, broker.port
        )  # fmt: skip
    watcher = Watcher(local, lambda text: print(text, flush=True), PROTOCOL)
    stack.callback(watcher.close)
    watcher.ready.wait(10)
    return MqttPublisher(local, config.device.name, PROTOCOL), lambda: watcher.alerts


def watch_door(
    config: Config,
    source: Source,
    detector: FaceDetector,
    classifier: MaskClassifier,
    publisher: Publisher,
    arrived: Any,
    show_stats: bool,
) -> int:
    """Wires the loop and runs it; returns the exit code."""
    policy = Policy(config.decide)
    report = Report(publisher.show, lambda: policy.states, lambda: publisher.waiting, lambda: source.dropped)
    show = StatsLine(report) if show_stats else None

    def publish(alert: Alert, frame: Frame) -> None:
        size = (frame.image.shape[1], frame.image.shape[0])
        report.alert()
        log.info("alert: %s, track %d, score %.2f", alert.event_type, alert.track, alert.score)
        publisher.publish(AlertMessage.of(alert, device=config.device.name, model=classifier.card.id, frame_size=size))

    def heartbeat(frame: Frame, tracks: Sequence[Any]) -> None:
        report.heartbeat(frame, tracks)
        if show:
            show()

    log.info("watching %s with model %s", source.name, classifier.card.id)
    publisher.show(Health("ok", classifier.card.id))
    delivered = False
    try:
        loop.run(
            source,
            report.timed("detect", detector.detect),
            report.timed("classify", classifier.classify),
            Tracker(forget=config.track.forget),
            policy,
            publish,
            heartbeat,
        )
    except SourceError as error:
        publisher.show(Health("lost", classifier.card.id, str(error)))
        raise
    finally:
        report.farewell()
        delivered = publisher.close()
        _await(arrived, report.alerts)
        log.info("%s", summary(report))
    return ENDED if delivered else FAILED


def _await(arrived: Any, count: int) -> None:
    """Gives the local subscriber a moment to print what the broker has acknowledged."""
    deadline = time.monotonic() + 3
    while arrived and arrived() < count and time.monotonic() < deadline:
        time.sleep(0.05)


def run_image(args: argparse.Namespace) -> int:
    config = configured(args)
    if args.min_face is None:
        config = replace(config, detect=replace(config.detect, min_face=STILL_FACE))
    detector, classifier = open_detector(config), open_classifier(config)
    copies = picture.Copies(args.out) if args.out and not args.no_pictures else None
    failed = False
    for found in picture.walk(args.pictures):
        try:
            image = picture.read(found.path)
            faces = picture.check(image, detector, classifier)
            print((picture.as_json if args.json else picture.as_text)(found.path, faces), flush=True)
            if copies:
                picture.write(annotate(image, faces), copies.place(found))
        except SourceError as error:  # one bad file must not end the walk
            print(f"maskwatch: {error}", file=sys.stderr)
            failed = True
    return FAILED if failed else ENDED


def run_doctor(args: argparse.Namespace) -> int:
    from .doctor import examine

    config = configured(args)
    worst = ENDED
    for finding in examine(config, model_path(config)):
        print(f"{finding.state:4}  {finding.what:12} {finding.text}", flush=True)
        worst = FAILED if finding.state == "FAIL" else worst
    return worst


def run_watch(args: argparse.Namespace) -> int:
    from .watch import Watcher

    config = configured(args)
    mqtt = config.mqtt if config.mqtt.host else replace(config.mqtt, host="127.0.0.1")
    log.info("waiting for alerts from %s:%d; Ctrl-C ends", mqtt.host, mqtt.port)
    watcher = Watcher(mqtt, lambda text: print(text, flush=True))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    watcher.close()
    return ENDED


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run_run,
    "image": run_image,
    "doctor": run_doctor,
    "watch": run_watch,
}

if __name__ == "__main__":
    sys.exit(main())
