"""Keeps what people switch off and on: watching (``enabled``), and each output at the door (``output/NAME``)."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..config.schema import Config
from ..outbox.outbox import Outbox
from ..outbox.reading import setting as kept_setting
from .messages import parse
from .topics import WATCHING, Topics, output_switch

log = logging.getLogger(__name__)
KNOWN = "outputs"
"""The setting in the outbox with the names of all outputs that were ever configured."""
Switched = Callable[[str, bool, str], None]
"""Receives the name of a switch, whether it is on, and how it was switched."""
WARNING_INTERVAL = 60.0
"""Seconds between two warnings about messages that others should not have sent."""


def unnoticed(name: str, on: bool, how: str) -> None:
    """Does nothing about a switch."""


class Mutable(Protocol):
    """The outputs at the door."""

    @property
    def names(self) -> Sequence[str]:
        """Returns the names of all outputs."""
        ...

    def mute(self, muted: Mapping[str, bool]) -> None:
        """Takes for each output whether it is muted. Never blocks."""
        ...


class Switches:
    """What can be switched: on at first, and kept in the outbox over restarts. Any thread may call it.

    ``publish(topic, payload)`` receives each state, to be retained. ``outputs`` are told what is muted, at first and at
    each change. ``removed`` names the outputs that earlier configurations had. ``switched`` receives what was
    switched, whether it is on, and how that was done.
    """

    def __init__(
        self,
        topics: Topics,
        outbox: Outbox,
        outputs: Mutable | None,
        publish: Callable[[str, bytes], None],
        switched: Switched = unnoticed,
    ) -> None:
        self._topics = topics
        self._outbox = outbox
        self._outputs = outputs
        self._publish = publish
        self._switched = switched
        self._lock = threading.Lock()
        self._warned_at = float("-inf")
        names = outputs.names if outputs else ()
        self.removed = self._forget_all_but(names)
        switches = (WATCHING, *map(output_switch, names))
        self._on = {switch: outbox.setting(_setting(switch)) != "OFF" for switch in switches}
        self._tell_outputs()
        for name, muted in self._muted().items():
            if muted:
                log.info("output %s is muted, until it is switched on by ON to output/%s/set", name, name)

    @property
    def commands(self) -> Sequence[str]:
        """Returns the topics to subscribe to; a mistyped name of an output is logged."""
        outputs = (output_switch("+"),) if len(self._on) > 1 else ()
        return tuple(map(self._topics.switch_set, (WATCHING, *outputs)))

    @property
    def states(self) -> dict[str, bytes]:
        """Returns the state of each switch, by its topic."""
        return {self._topics.switch_state(name): _word(on).encode() for name, on in self._on.items()}

    def __getitem__(self, name: str) -> bool:
        """Returns whether something is on."""
        return self._on[name]

    def switch(self, name: str, on: bool, how: str) -> None:
        """Switches something on or off, keeps that on disk and publishes it. ``how`` is for the log."""
        with self._lock:
            if on != self._on[name]:
                log.warning("%s %s", _said(name, on), how)
                self._on[name] = on
                self._outbox.set(_setting(name), _word(on))
                if name != WATCHING:
                    self._tell_outputs()
                self._switched(name, on, how)
            self._publish(self._topics.switch_state(name), _word(on).encode())

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        """Carries out a command that arrived over MQTT; a wrong one is logged, unless another was a moment ago."""
        try:
            command = parse(topic, payload, retained, self._topics.root, self._on)
            self.switch(command.name, command.value, "over MQTT")
        except ValueError as fault:
            if time.monotonic() - self._warned_at > WARNING_INTERVAL:
                self._warned_at = time.monotonic()
                log.warning("command on %r ignored: %s", topic[:100], fault)

    def _tell_outputs(self) -> None:
        if self._outputs is not None:
            self._outputs.mute(self._muted())

    def _muted(self) -> dict[str, bool]:
        return {name.partition("/")[2]: not on for name, on in self._on.items() if name != WATCHING}

    def _forget_all_but(self, outputs: Sequence[str]) -> Sequence[str]:
        """Notes which outputs have gone; returns those of all earlier configurations."""
        known = (self._outbox.setting(KNOWN) or "").split()
        if new := [name for name in outputs if name not in known]:
            self._outbox.set(KNOWN, " ".join(known + new))
        gone = tuple(name for name in known if name not in outputs)
        for setting in map(_setting, map(output_switch, gone)):
            if self._outbox.setting(setting) == "OFF":  # an output that has this name later begins switched on
                self._outbox.set(setting, "ON")
        return gone


def is_kept_off(path: Path, switch: str) -> bool:
    """Returns whether a switch is off, as an outbox file says. Raises ``sqlite3.Error``."""
    return path.exists() and kept_setting(path, _setting(switch)) == "OFF"


def is_muted(config: Config, outbox: Path, output: str) -> bool:
    """Returns whether an output is muted; without a broker none is. Raises like ``is_kept_off``."""
    return bool(config.mqtt.host) and is_kept_off(outbox, output_switch(output))


def how_to_unmute(config: Config, output: str) -> str:
    """Returns what somebody can do to let a muted output work again."""
    topic = Topics(config.mqtt.prefix, config.device.name).switch_set(output_switch(output))
    return f"switch it on in Home Assistant, or publish ON to {topic}"


def _setting(name: str) -> str:
    return name.replace("/", ":")


def _word(on: bool) -> str:
    return "ON" if on else "OFF"


def _said(name: str, on: bool) -> str:
    if name == WATCHING:
        return f"watching {'resumed' if on else 'paused'}"
    return f"{name.replace('/', ' ')} {'works again,' if on else 'muted'}"
