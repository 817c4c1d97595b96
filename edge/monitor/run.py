"""The wiring of ``maskwatch run``: source, detector, classifier, policy and publisher put together and watched over."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import cv2

from ..camera.frames import Frame
from ..camera.source import Source, open_source
from ..config.load import Sections
from ..config.schema import Config
from ..errors import ConfigError, SourceError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.opening import STILL_FACE, open_classifier, open_detector, open_eager
from ..mqtt.messages import Health
from ..people.tracker import Track, Tracker
from ..web.bus import Bus
from . import loop
from .door import Door
from .health import HealthMonitor
from .outlet import Both, open_outlet
from .stats import StatsLine, summary
from .systemd import Notifier, Watchdog

log = logging.getLogger("maskwatch")


def open_camera(config: Config, or_demo: bool, patient: bool) -> tuple[Source, Config]:
    """The source, and the configuration it runs under: the clip never speaks in a real camera's name."""
    try:
        return open_source(config.source.source, config.source, patient=patient and not or_demo), config
    except SourceError as error:
        if not or_demo or config.source.source != "auto" or config.mqtt.host:
            raise
        log.info("%s", error)
        log.warning("playing the bundled clip instead, as device demo; name a camera with --source")
        config = replace(config, device=replace(config.device, name="demo"))
        return open_source("demo", replace(config.source, realtime=True, repeat=config.web.enabled)), config


def watch_door(
    config: Config,
    to_stdout: bool,
    or_demo: bool,
    show_stats: bool,
    ready: Callable[[Source], None],
    keep: Callable[[Sections], Config],
) -> bool:
    """Opens everything, runs the loop until the source ends or is stopped; False if alerts were lost.

    ``ready`` receives the source as soon as it can be stopped; ``keep`` makes changes from the page last, and returns
    the configuration with them. Raises what the parts raise when they are opened.
    """
    cv2.setNumThreads(config.detect.threads)  # one core by default: the rest of a Pi belongs to others
    detector, classifier, notify = open_detector(config.detect), open_classifier(config), Notifier()
    with ExitStack() as stack:
        source, config = open_camera(config, or_demo, notify.supervised)
        stack.callback(source.close)
        ready(source)
        health = HealthMonitor(classifier.card.id)
        outlet = open_outlet(config, to_stdout, health, notify.supervised, stack)
        bus = Bus() if config.web.enabled else None
        if bus:
            outlet.publisher = Both(outlet.publisher, bus)
        door = Door(config, source, detector, classifier, outlet, health, bus)
        if bus:
            try:
                stack.callback(open_page(door, bus, keep).close)
            except ConfigError as error:
                if not notify.supervised:  # at a door it is better to watch without a page than not to watch
                    raise
                health.report("page", str(error))
        return watch(door, notify, show_stats)


def open_page(door: Door, bus: Bus, keep: Callable[[Sections], Config]) -> Any:
    """The page over this door. Raises ``ConfigError`` when its extra is missing, or its address cannot be had."""
    try:
        from ..web.server import Desk, Page
    except ImportError as error:
        raise ConfigError(f"the page needs the extra web ({error}): .venv/bin/pip install -e '.[web]'") from error
    config, folder, outbox = door.config, door.outlet.folder, door.outlet.outbox

    def change(sections: Sections) -> Config:
        kept = keep(sections)
        door.search_for(kept.detect)
        return replace(config, detect=kept.detect, web=kept.web)

    def open_check() -> tuple[Detector, MaskClassifier]:
        return open_detector(replace(config.detect, min_face=STILL_FACE, zones=())), open_classifier(config)

    return Page(
        config,
        bus,
        Desk(
            model=door.classifier.card.id,
            outbox=outbox / "outbox.db" if outbox else None,
            snapshots=folder / "snapshots",
            open_check=open_check,
            open_eager=lambda: open_eager(config.detect),
            change=change,
        ),
    ).start()


def watch(door: Door, notify: Notifier, show_stats: bool = False) -> bool:
    """Runs the loop over a door until its source ends or is stopped; False if alerts were lost."""
    source, publisher, report = door.source, door.outlet.publisher, door.report
    show = StatsLine(report) if show_stats else None
    watchdog = Watchdog(notify, {"the camera": source.alive, "the MQTT connection": lambda: publisher.alive})
    started = False

    def alive() -> None:
        """Every frame, and at least once a second while there is none."""
        nonlocal started
        if not started and (report.frames or source.condition != "ok"):
            door.health.attach(tell)  # not earlier: what nobody has looked at yet is not well
            notify("READY=1")  # a lost camera too is being watched for, and said to be lost
            started = True
        door.health.tick()
        watchdog.pulse()

    def tell(health: Health) -> None:
        door.show(health)
        notify(f"STATUS={health.problem or f'watching {source.name}'}")  # in systemctl status

    def heartbeat(frame: Frame, tracks: Sequence[Track]) -> None:
        door.tracks = tracks
        report.heartbeat(frame, tracks)
        if door.bus:
            door.bus.see(frame.image, door.faces, report.stats)
        if show:
            show()
        alive()

    paused = "" if publisher.enabled else "; paused by enabled/set, until ON is published there"
    log.info("watching %s with model %s%s", source.name, door.classifier.card.id, paused)
    source.idle, source.told = alive, door.told
    try:
        loop.run(
            source,
            door.plan,
            report.timed("detect", door.detect),
            report.timed("classify", door.classify),
            Tracker(forget=door.config.track.forget),
            door.policy,
            door.publish,
            heartbeat,
        )
    finally:
        watchdog.close()
        notify("STOPPING=1")
        report.nobody()
        kept = publisher.close()
        _await(door.outlet.arrived, report.alerts)
        log.info("%s", summary(report))
    return kept


def _await(arrived: Any, count: int) -> None:
    """Gives the local subscriber a moment to print what the broker has acknowledged."""
    deadline = time.monotonic() + 3
    while arrived and arrived() < count and time.monotonic() < deadline:
        time.sleep(0.05)
