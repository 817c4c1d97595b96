"""Checks the connection to the broker: it connects as the service does, with the same will, login and protocols."""

import signal
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import Config
from ..errors import BrokerError
from ..monitor.state import StateFiles, identity_of, is_claimed, running_health
from ..mqtt.client import V5
from ..mqtt.events import Acknowledged, Connected, Disconnected, LinkEvent, Received, Signal
from ..mqtt.homeassistant import birth_topic
from ..mqtt.link import HUNG_UP, NO_ANSWER, Link
from ..mqtt.mailbox import Mailbox
from ..mqtt.terms import Will
from ..mqtt.topics import WATCHING, Topics, client_id, output_switch
from .check import Result
from .rights import BROKER_VERSION, is_mosquitto, never_release, published_topics

BROKER_LIMIT_S = 45.0
"""Seconds for everything that is asked of the broker."""
CONNECT_LIMIT_S, ANSWER_LIMIT_S = 32.0, 5.0
"""Seconds for a connection (a silent broker is asked by two protocols, 15 s each), and for the answers on it."""


class Probe:
    """A connection such as the service has. ``running`` tells that the service itself has one now.

    Two clients with one id would throw each other out, and the will of this one would be believed of the other. So
    beside a running service the probe has an id of its own, and a will that is true.
    """

    def __init__(self, config: Config, running: bool) -> None:
        self.topics = Topics(config.mqtt.prefix, config.device.name)
        self.will = Will(self.topics.status, b"online" if running else b"offline")
        self.problem: str | None = None
        self._protocol = V5
        self._mailbox = Mailbox[None]()
        name = client_id(config.mqtt, config.device.name) + ("-doctor" if running else "")
        self.link = Link(config.mqtt, name, self._mailbox, self._prepare, V5, self._note, name="doctor", will=self.will)

    def _prepare(self, client: Any) -> None:
        def answered(mid: int, reason: ReasonCode) -> None:
            self._mailbox.put(Signal(client, Acknowledged(mid, reason)))

        self._protocol = client.protocol
        never_release(client, answered)

    def _note(self, problem: str | None) -> None:
        self.problem = problem.removesuffix("; retrying") if problem else None

    def wait(self, done: Callable[[LinkEvent | None], bool], seconds: float) -> bool:
        """Passes on events until ``done`` is satisfied with one; returns False after ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done(self._mailbox.next(self.link, 0.1)):
                return True
        return False

    def connect(self) -> None:
        """Raises ``BrokerError`` if there is no connection."""
        self.wait(lambda event: isinstance(event, Connected) or self._is_final(), CONNECT_LIMIT_S)
        if self.link.connected:
            return
        text = self.problem or f"cannot reach the broker at {self.link.where}: {NO_ANSWER}"
        if "refuses the connection" in text:
            raise BrokerError(text)
        if NO_ANSWER in text or HUNG_UP in text:
            raise BrokerError(f"{self.link.where} does not answer like an MQTT broker; check the port ({text})")
        raise BrokerError(f"{text}; check host, port, network and TLS settings")

    def _is_final(self) -> bool:
        """Returns whether it is of no use to try again: only a silent broker may answer another protocol."""
        return self.problem is not None and NO_ANSWER not in self.problem and HUNG_UP not in self.problem

    def refusals(self, sent: dict[int, str]) -> dict[str, str]:
        """Waits for the answers to what was sent, by their ids; returns the reasons of those that are refused."""
        refused: dict[str, str] = {}
        waiting = dict(sent)

        def note(event: LinkEvent | None) -> bool:
            if isinstance(event, Acknowledged) and event.mid in waiting:
                what = waiting.pop(event.mid)
                if event.reason.is_failure:
                    refused[what] = str(event.reason)
            elif isinstance(event, Disconnected):
                refused.update(dict.fromkeys(waiting.values(), "the broker closes the connection"))
                return True
            return not waiting

        self.wait(note, ANSWER_LIMIT_S)
        return refused

    def may_ask_for_rights(self) -> bool:
        """Returns whether the broker is one that tells them, without passing anything on."""
        if self.link.terms.qos < 2 or self._protocol != V5:
            return False
        self.link.subscribe(BROKER_VERSION)
        return self.wait(_tells_mosquitto, 1.0)


def _tells_mosquitto(event: LinkEvent | None) -> bool:
    return isinstance(event, Received) and event.topic == BROKER_VERSION and is_mosquitto(event.payload)


def check_broker(config: Config, files: StateFiles) -> Result:
    """Connects, subscribes, and asks for the rights. Raises ``BrokerError`` or ``ConfigError``."""
    if not config.mqtt.host:
        return check_embedded()
    running = running_health(files.folder) is not None or is_claimed(identity_of(config))
    probe = Probe(config, running)
    try:
        probe.connect()
        return report(config, probe)
    finally:
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing must cut the farewell short
        probe.link.close(1.0)
        signal.signal(signal.SIGTERM, before)


def check_embedded() -> Result:
    """Tells what works without a broker of one's own."""
    text = "no broker is configured, and the embedded one serves this machine only"
    return "warn", f"{text}; set [mqtt] host to reach other devices"


def report(config: Config, probe: Probe) -> Result:
    """Says what the broker does not take of this camera."""
    faults = [text for text in (probe.will.problem, *probe.link.terms.shortcomings.values()) if text]
    sent = {probe.link.subscribe(topic): f"the subscription to {topic}" for topic in commands(config)}
    refused = probe.refusals(sent)
    told = probe.link.connected and probe.may_ask_for_rights()
    if told:
        topics = published_topics(config)
        refused |= probe.refusals({probe.link.send(topic, b"", qos=2): topic for topic in topics})
    faults += [f"it refuses {what} ({reason}): allow it in its access rights (ACL)" for what, reason in refused.items()]
    text = f"{probe.link.where} accepts the login"
    if faults:
        return "FAIL" if probe.topics.alert in refused else "warn", f"{text}, but: {'; '.join(faults)}"
    return "ok", text if told else f"{text}; it does not tell whether this user may publish: health says it later"


def commands(config: Config) -> list[str]:
    """Returns the topics to which a camera subscribes."""
    birth = [birth_topic(config)] if config.homeassistant.discovery else []
    topics = Topics(config.mqtt.prefix, config.device.name)
    outputs = (output_switch("+"),) if config.outputs else ()
    return [*map(topics.switch_set, (WATCHING, *outputs)), *birth]
