"""Opens where alerts go: the configured broker, standard output, or an embedded broker with a subscriber beside it."""

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.schema import Config, MqttConfig
from ..mqtt.announced import Announced
from ..mqtt.client import V5
from ..mqtt.homeassistant import discovery
from ..mqtt.publisher import MqttPublisher
from ..mqtt.switches import Switched, unnoticed
from ..outbox.listener import Sink
from .announcing import Announcing
from .auditing import Auditing
from .daily import DayKeeper
from .health import HealthMonitor
from .publishers import KeepingPublisher, PrintPublisher, Publisher, TeePublisher
from .state import StateFiles, StateFolder, folder_of, identity_of, state_files
from .state_watch import StateWatch

if TYPE_CHECKING:  # nothing of it is loaded unless an output is configured
    from ..outputs.outputs import Outputs

log = logging.getLogger("maskwatch")


@dataclass(slots=True)
class Outlet:
    """Where alerts go, and what stands behind it.

    ``files`` are this camera's; ``state`` is set where this process owns their folder. ``outbox`` is the outbox in use,
    None where alerts are only printed. ``alerts_received`` counts the alerts that a subscriber in this process has
    received. ``largest_picture`` returns how many bytes of a picture the broker takes, None for any number. ``days`` is
    where the counts of days are kept for others, None where no broker is. ``audit`` is the audit trail, None where this
    process owns no state folder.
    """

    publisher: Publisher
    files: StateFiles
    state: StateFolder | None = None
    outbox: Path | None = None
    alerts_received: Callable[[], int] | None = None
    largest_picture: Callable[[], int | None] = lambda: None
    days: DayKeeper | None = None
    audit: Auditing | None = None


def open_state(config: Config, stack: ExitStack) -> StateFolder:
    """Opens the state folder; ``stack`` closes it."""
    state = StateFolder(folder_of(config), identity_of(config))
    stack.callback(state.close)
    # replaces what an earlier run wrote
    state.write_health({"camera": "starting", "problem": None, "pid": os.getpid(), "device": config.device.name})
    return state


def open_outlet(
    config: Config,
    to_stdout: bool,
    health: HealthMonitor,
    supervised: bool,
    stack: ExitStack,
    outputs: "Outputs | None" = None,
) -> Outlet:
    """Opens the publisher as configured; ``stack`` closes what it opens.

    A first try needs no state folder. A service has one with any broker, so that ``maskwatch doctor`` can read it.
    So does whoever delivers alerts to webhooks and programs: the outbox is there.
    """
    sinks = outputs.sinks if outputs else ()
    state, files = open_state(config, stack) if config.mqtt.host or supervised or sinks else None, state_files(config)
    audit, switched = None, unnoticed
    if state:
        stack.callback(StateWatch(state, partial(health.report, "state folder"), config.snapshots).close)
        audit = Auditing(files, config, health.now.model, partial(health.report, "audit trail"))
        stack.callback(audit.close)
        switched = audit.switched
    if config.mqtt.host and state:
        outlet = open_broker_outlet(config, to_stdout, health, files, state, outputs, switched)
    elif to_stdout and sinks:
        publisher = KeepingPublisher(files.outbox, sinks, health.report, switched)
        outlet = Outlet(publisher, files, state, files.outbox)
    elif to_stdout:
        outlet = Outlet(PrintPublisher(switched=switched), files, state)
    else:
        outlet = open_embedded_outlet(config, health, files, state, supervised, stack, sinks, switched)
    outlet.audit = audit
    return outlet


def open_embedded_outlet(
    config: Config,
    health: HealthMonitor,
    files: StateFiles,
    state: StateFolder | None,
    supervised: bool,
    stack: ExitStack,
    sinks: Sequence[Sink],
    switched: Switched,
) -> Outlet:
    """Opens an embedded broker, the publisher to it, and a subscriber that prints what arrives there."""
    from ..mqtt.embedded_broker import HOST, PROTOCOL, EmbeddedBroker
    from ..mqtt.subscriber import Subscriber

    broker = EmbeddedBroker(MqttConfig().port).start()
    stack.callback(broker.close)
    local = broker.settings(config.mqtt.prefix, config.mqtt.keepalive)
    _tell_where_it_serves(broker.port, health, supervised)
    subscriber = Subscriber(local, lambda text: print(text, flush=True), PROTOCOL)
    stack.callback(subscriber.close)
    subscriber.ready.wait(10)
    outbox = files.outbox
    if not sinks:
        # this broker ends with the process: alerts that it has not taken by then cannot be delivered later
        outbox = StateFiles(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskwatch-")))).outbox
    report = health.report
    if state:  # an earlier configuration may have named a broker
        here = replace(config, mqtt=replace(config.mqtt, host=HOST, port=broker.port))
        report = Announcing(here, Announced(files.announced), report, lasting=False).report
    message = discovery(replace(config, outputs=()), health.now.model)  # only maskwatch itself may publish there
    publisher = MqttPublisher(
        local, config.device.name, outbox, PROTOCOL, report, message, sinks=sinks, switched=switched
    )
    return Outlet(publisher, files, state, outbox, lambda: subscriber.alerts, days=publisher)


def _tell_where_it_serves(port: int, health: HealthMonitor, supervised: bool) -> None:
    """Logs the embedded broker's address; another one than usual is a problem of a service."""
    from ..mqtt.embedded_broker import HOST

    usual = MqttConfig().port
    if port == usual:
        log.info("no broker configured: an embedded one serves this machine at %s:%d", HOST, port)
    elif supervised:  # in health, because nobody reads the log of a service, and a phone would never ring
        health.report(
            "no broker",
            f"no broker is configured, and port {usual} is another broker's: alerts can be received "
            f"only at {HOST}:{port}; name the broker, for example maskwatch set --broker {HOST}",
        )
    else:
        log.warning(
            "no broker configured, and port %d is taken (by another broker? then use it: --broker %s); an embedded one "
            "serves %s:%d: maskwatch watch --broker %s:%d",
            usual, HOST, HOST, port, HOST, port,
        )  # fmt: skip


def open_broker_outlet(
    config: Config,
    to_stdout: bool,
    health: HealthMonitor,
    files: StateFiles,
    state: StateFolder,
    outputs: "Outputs | None",
    switched: Switched,
) -> Outlet:
    """Opens the publisher to the configured broker, and takes back what an earlier configuration announced."""
    announced = Announced(files.announced)
    announcing = Announcing(config, announced, health.report)
    message = discovery(config, health.now.model)
    sinks = outputs.sinks if outputs else ()
    publisher = MqttPublisher(
        config.mqtt,
        config.device.name,
        files.outbox,
        V5,
        announcing.report,
        message,
        outputs,
        sinks,
        announced,
        switched,
    )
    taker = TeePublisher(publisher, PrintPublisher(required=False)) if to_stdout else publisher
    return Outlet(taker, files, state, files.outbox, largest_picture=publisher.largest_picture, days=publisher)
