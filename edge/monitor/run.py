"""The wiring of ``maskwatch run``: opens the parts of a door, and runs the loop over it under supervision."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from ..camera.source import Source, open_source
from ..config.load import Sections
from ..config.schema import Config
from ..errors import ConfigError, SourceError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.opening import STILL_MIN_FACE, open_classifier, open_detector, open_eager
from ..mqtt.messages import Health
from ..record.recorder import Recorder
from ..timing import wait_until
from ..web.bus import Bus
from . import loop
from .door import Door
from .health import HealthMonitor
from .machine import clock_synced
from .outlet import Outlet, TeePublisher, open_outlet
from .stats import StatsLine
from .systemd import Notifier, Watchdog

log = logging.getLogger("maskwatch")


def open_camera(config: Config, or_demo: bool, patient: bool) -> tuple[Source, Config]:
    """Opens the source; returns it with the configuration to use.

    If the bundled clip replaces a missing camera, it is published as device demo, never under the camera's name.
    """
    try:
        return open_source(config.source.source, config.source, retry_opening=patient and not or_demo), config
    except SourceError as error:
        if not or_demo or config.source.source != "auto" or config.mqtt.host:
            raise
        log.info("%s", error)
        log.warning("playing the bundled clip instead, as device demo; name a camera with --source")
        config = replace(config, device=replace(config.device, name="demo"))
        return open_source("demo", replace(config.source, realtime=True, repeat=config.web.enabled)), config


def watch_door(
    config: Config,
    *,
    to_stdout: bool,
    or_demo: bool,
    show_stats: bool,
    on_source_open: Callable[[Source], None],
    store_changes: Callable[[Sections], Config],
) -> bool:
    """Opens everything and runs the loop until the source ends or is stopped; False if alerts were lost.

    ``on_source_open`` receives the source as soon as it can be stopped. ``store_changes`` stores changes made on the
    page and returns the configuration with them. Raises what the parts raise when they are opened.
    """
    detector, classifier, notify = open_detector(config.detect), open_classifier(config), Notifier()
    with ExitStack() as stack:
        source, config = open_camera(config, or_demo, notify.supervised)
        stack.callback(source.close)
        on_source_open(source)
        health = HealthMonitor(classifier.card.id)
        outlet = open_outlet(config, to_stdout, health, notify.supervised, stack)
        bus = Bus() if config.web.enabled else None
        if bus:
            outlet.publisher = TeePublisher(outlet.publisher, bus)
        record = open_record(config, classifier.card.id, health, outlet, stack)
        door = Door(config, source, classifier, outlet, health, record, bus=bus, detector=detector)
        if bus:
            try:
                stack.callback(open_page(door, bus, store_changes).close)
            except ConfigError as error:
                if not notify.supervised:  # at a door it is better to watch without a page than not to watch
                    raise
                health.report("page", str(error))
        return watch(door, notify, show_stats)


def open_record(config: Config, model: str, health: HealthMonitor, outlet: Outlet, stack: ExitStack) -> Recorder:
    """Opens the counts of this door; ``stack`` closes them. A first try has no state folder, and keeps no file."""
    path = outlet.files.record if outlet.state is not None else None
    record = Recorder(
        path,
        detector=config.detect.detector,
        model=model,
        report=partial(health.report, "counts"),
        clock_synced=clock_synced,
    )
    stack.callback(record.close)
    return record


class DoorBackend:
    """What the page needs from one door (``web.backend.Backend``).

    The page's threads call it. Of what the loop's thread owns it calls only ``pipeline.change``.
    """

    def __init__(self, door: Door, store_changes: Callable[[Sections], Config]) -> None:
        self._config = door.config
        self._pipeline = door.pipeline
        self._store_changes = store_changes
        self.model = door.model
        self.outbox = door.outlet.outbox
        self.record = door.record
        self.sessions = door.outlet.files.sessions
        self.snapshots = door.outlet.files.snapshots
        self.send_test = door.outlet.publisher.send_test

    def open_models(self) -> tuple[Detector, MaskClassifier]:
        """Opens a detector and a classifier for still images: small faces count, and zones do not apply."""
        still = replace(self._config.detect, min_face=STILL_MIN_FACE, zones=())
        return open_detector(still), open_classifier(self._config)

    def open_eager(self) -> Detector:
        """Opens a detector that finds faces to blur."""
        return open_eager(self._config.detect)

    def change(self, sections: Sections) -> Config:
        """Stores options and hands the detector's over to the loop; returns the configuration with them."""
        kept = self._store_changes(sections)
        self._pipeline.change(kept.detect)
        return replace(self._config, detect=kept.detect, web=kept.web)


def open_page(door: Door, bus: Bus, store_changes: Callable[[Sections], Config]) -> Any:
    """Serves the page over this door. Raises ``ConfigError`` if its extra is missing."""
    try:
        from ..web.routes import Page
    except ImportError as error:
        raise ConfigError(f"the page needs the extra web ({error}): .venv/bin/pip install -e '.[web]'") from error
    return Page(door.config, bus, DoorBackend(door, store_changes), partial(door.health.report, "page")).start()


class Supervision:
    """Tells systemd, the health monitor and the watchdog that the loop makes progress. Runs in the loop's thread."""

    def __init__(self, door: Door, notify: Notifier, show_stats: bool) -> None:
        self._door = door
        self._notify = notify
        self._line = StatsLine(door.statistics) if show_stats else None
        publisher, source = door.outlet.publisher, door.source
        self._watchdog = Watchdog(notify, {"the camera": source.alive, "the MQTT connection": lambda: publisher.alive})
        self._ready = False

    def frame_done(self) -> None:
        """Reports progress after a frame."""
        if self._line:
            self._line()
        self.progress()

    def progress(self) -> None:
        """Reports progress. Called after every frame, and at least once per second while there is none."""
        door = self._door
        if not self._ready and (door.statistics.frames or door.source.condition != "ok"):
            door.health.attach(self._show)  # not earlier: health must not say ok before a frame was seen
            self._notify("READY=1")  # with a lost camera too: it is being looked for, and reported as lost
            self._ready = True
        door.health.tick()
        door.record_time()
        self._watchdog.pulse()

    def _show(self, health: Health) -> None:
        self._door.show_health(health)
        self._notify(f"STATUS={health.problem or f'watching {self._door.source.name}'}")  # for systemctl status

    def close(self) -> None:
        """Ends the watchdog, before what it watches is closed."""
        self._watchdog.close()
        self._notify("STOPPING=1")


def watch(door: Door, notify: Notifier, show_stats: bool = False) -> bool:
    """Runs the loop over a door until its source ends or is stopped; False if alerts were lost."""
    source, outlet = door.source, door.outlet
    paused = "" if outlet.publisher.enabled else "; paused by enabled/set, until ON is published there"
    log.info("watching %s with model %s%s", source.name, door.model, paused)
    supervision = Supervision(door, notify, show_stats)
    door.progress, source.on_idle = supervision.frame_done, supervision.progress
    source.on_condition = door.camera_changed
    try:
        loop.run(source, door.stages, door.tracker, door.policy, door)
    finally:
        supervision.close()
        door.statistics.nobody()
        kept = outlet.publisher.close()
        # a moment for the subscriber in this process to print what was acknowledged
        if (received := outlet.alerts_received) is not None:
            wait_until(lambda: received() >= door.statistics.alerts, 3.0)
        log.info("%s", door.statistics.summary())
    return kept
