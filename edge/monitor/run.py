"""The wiring of ``maskwatch run``: opens the parts of a door, and runs the loop over it under supervision."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..camera.source import Source, open_source
from ..config.changeable import with_changes
from ..config.edit import SettingsStore
from ..config.load import Sections
from ..config.schema import Config
from ..errors import ConfigError, SourceError
from ..faces import proving
from ..faces.hiding import FaceHider
from ..faces.opening import open_classifier, open_detector, open_hider
from ..timing import wait_until
from ..web.bus import Bus
from . import loop
from .door import Door
from .health import HealthMonitor
from .outlet import open_outlet
from .publishers import TeePublisher
from .recording import open_record
from .stats import StatsLine
from .systemd import Notifier, Watchdog

if TYPE_CHECKING:  # nothing of it is loaded unless an output is configured
    from .answering import Answering

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
    settings: SettingsStore,
    answering: "Answering | None" = None,
) -> bool:
    """Opens everything and runs the loop until the source ends or is stopped; False if alerts were lost.

    ``on_source_open`` receives the source as soon as it can be stopped. ``settings`` stores changes made on the
    page. ``answering`` are the outputs, which are open already. Raises what the parts raise when they are opened.
    """
    detector, classifier, notify = open_detector(config.detect), open_classifier(config), Notifier()
    with ExitStack() as stack:
        stack.callback(proving.stop)  # a thread of the page may be waiting for a trial
        named, (source, config) = config, open_camera(config, or_demo, notify.supervised)
        stack.callback(source.close)
        on_source_open(source)
        health = HealthMonitor(classifier.card.id)
        answering = answering and answering.connected(health.report, source, is_clip=config is not named)
        outputs = answering.outputs if answering else None
        outlet = open_outlet(config, to_stdout, health, notify.supervised, stack, outputs)
        if answering and outlet.state:
            stack.callback(answering.listen(outlet.files.control).close)
        bus = Bus() if config.web.enabled else None
        if bus:
            outlet.publisher = TeePublisher(outlet.publisher, bus)
        record = open_record(config, classifier.card.id, health, outlet, stack)
        door = Door(config, source, classifier, outlet, health, record, bus=bus, detector=detector, answering=answering)
        if bus:
            try:
                stack.callback(open_page(door, bus, settings).close)
            except ConfigError as error:
                if not notify.supervised:  # at a door it is better to watch without a page than not to watch
                    raise
                health.report("page", str(error))
        return watch(door, notify, show_stats)


class DoorBackend:
    """What the page needs from one door (``web.backend.Backend``).

    The page's threads call it. Of what the loop's thread owns it calls only ``pipeline.change``.
    """

    def __init__(self, door: Door, settings: SettingsStore) -> None:
        self._config = door.config
        self._pipeline = door.pipeline
        self._settings = settings
        self.model = door.model
        self.outbox = door.outlet.outbox
        self.record = door.record
        self.sessions = door.outlet.files.sessions
        self.snapshots = door.outlet.files.snapshots
        self.send_test = door.outlet.publisher.send_test
        self.restarts = Notifier().supervised  # systemd starts it again (Restart=always)
        self._door = door

    def open_hider(self) -> FaceHider:
        """Opens what hides faces on the page."""
        return open_hider(self._config)

    def pause(self, paused: bool, by: str) -> None:
        """Pauses or resumes watching, as ``enabled/set`` does."""
        self._door.outlet.publisher.enable(not paused, f"on the page by {by}")
        self._door.show_pause()

    def restart(self) -> None:
        """Ends maskwatch as systemd does: what is open is closed in order."""
        os.kill(os.getpid(), signal.SIGTERM)

    def change(self, sections: Sections, by: str) -> Config:
        """Stores options and hands over what the loop uses; returns the configuration with them."""
        before, kept = self._settings.load(), self._settings.keep(sections)
        if self._door.outlet.audit:
            self._door.outlet.audit.changed(before, kept, by)
        return self._apply(kept)

    def refresh(self) -> Config:
        """Applies what `maskwatch set`, or an editor, has stored since; returns the configuration with it."""
        return self._apply(self._settings.load())

    def _apply(self, kept: Config) -> Config:
        config = with_changes(self._config, kept)
        self._pipeline.change(config.detect, config.decide)
        if self._door.answering:
            self._door.answering.watch(config.detect.zones)
        if self._door.outlet.audit:
            self._door.outlet.audit.config = config
        return config


def open_page(door: Door, bus: Bus, settings: SettingsStore) -> Any:
    """Serves the page over this door. Raises ``ConfigError`` if its extra is missing."""
    try:
        from ..web.routes import Page
    except ImportError as error:
        raise ConfigError(f"the page needs the extra web ({error}): .venv/bin/pip install -e '.[web]'") from error
    return Page(door.config, bus, DoorBackend(door, settings), partial(door.health.report, "page")).start()


class Supervision:
    """Tells systemd, the health monitor and the watchdog that the loop makes progress. Runs in the loop's thread."""

    def __init__(self, door: Door, notify: Notifier, show_stats: bool) -> None:
        self._door = door
        self._notify = notify
        self._line = StatsLine(door.statistics) if show_stats else None
        publisher, source = door.outlet.publisher, door.source
        checks = {"the camera": source.alive, "the MQTT connection": lambda: publisher.alive}
        if door.answering:
            outputs = door.answering.outputs
            checks["the thread of the outputs"] = lambda: outputs.alive
        self._watchdog = Watchdog(notify, checks)
        self._ready, self._status = False, ""

    def frame_done(self) -> None:
        """Reports progress after a frame."""
        if self._line:
            self._line()
        self.progress()

    def progress(self) -> None:
        """Reports progress. Called after every frame, and at least once per second while there is none."""
        door = self._door
        if not self._ready and (door.statistics.frames or door.source.condition != "ok"):
            door.health.attach(door.show_health)  # not earlier: health must not say ok before a frame was seen
            self._notify("READY=1")  # with a lost camera too: it is being looked for, and reported as lost
            self._ready = True
        door.health.tick()
        door.show_pause()
        door.record_time()
        door.statistics.tick()
        self._show_status()
        self._watchdog.pulse()

    def _show_status(self) -> None:
        """Shows what is done in ``systemctl status``."""
        door = self._door
        watching = f"watching {door.source.name}" if door.outlet.publisher.enabled else "watching is paused"
        status = door.health.now.problem or watching
        if self._ready and status != self._status:
            self._status = status
            self._notify(f"STATUS={status}")

    def close(self) -> None:
        """Ends the watchdog, before what it watches is closed."""
        self._watchdog.close()
        self._notify("STOPPING=1")


def watch(door: Door, notify: Notifier, show_stats: bool = False) -> bool:
    """Runs the loop over a door until its source ends or is stopped; False if alerts were lost."""
    source, outlet = door.source, door.outlet
    paused = "" if outlet.publisher.enabled else "; paused, until it is resumed on the page or by ON to enabled/set"
    log.info("watching %s with model %s%s", source.name, door.model, paused)
    supervision = Supervision(door, notify, show_stats)
    door.progress, source.on_idle = supervision.frame_done, supervision.progress
    source.on_condition = door.camera_changed
    try:
        loop.run(source, door.stages, door.tracker, door.policy, door)
    finally:
        supervision.close()
        if door.answering:
            door.answering.rest()  # at once: the connection may take seconds to end
        door.statistics.nobody()
        kept = outlet.publisher.close()
        # a moment for the subscriber in this process to print what was acknowledged
        if (received := outlet.alerts_received) is not None:
            wait_until(lambda: received() >= door.statistics.alerts, 3.0)
        log.info("%s", door.statistics.summary())
    return kept
