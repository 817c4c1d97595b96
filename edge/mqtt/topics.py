"""Topic names of one camera (the wire contract, with messages.py)."""

from dataclasses import dataclass

from ..config.schema import Config, MqttConfig
from .messages import AlertMessage, Health, State, Stats

WATCHING = "enabled"
"""The switch that pauses and resumes watching."""

COUNTS = "counts"
"""The level above the topics of the days."""


def output_switch(name: str) -> str:
    """Returns the switch of an output: off, it is muted."""
    return f"output/{name}"


def switches(config: Config) -> list[str]:
    """Returns every switch of a camera."""
    return [WATCHING, *(output_switch(output.name) for output in config.outputs)]


def client_id(settings: MqttConfig, device: str) -> str:
    """Returns the name by which the broker tells this camera's connection from all others."""
    return f"{settings.prefix}-{device}"


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names of one camera: ``prefix/device/...``."""

    prefix: str
    device: str

    @property
    def root(self) -> str:
        """Returns the beginning of all topics of this camera."""
        return f"{self.prefix}/{self.device}"

    @property
    def status(self) -> str:
        """Returns the topic of ``online`` or ``offline``; the last will."""
        return f"{self.root}/status"

    @property
    def snapshot(self) -> str:
        """Returns the topic of the JPEG that goes with an alert."""
        return f"{self.root}/snapshot"

    @property
    def enabled_set(self) -> str:
        """Returns the topic of the command that pauses and resumes watching."""
        return self.switch_set(WATCHING)

    @property
    def enabled_state(self) -> str:
        """Returns the topic that tells whether watching is paused."""
        return self.switch_state(WATCHING)

    def switch_set(self, switch: str) -> str:
        """Returns the topic of the command to a switch."""
        return f"{self.root}/{switch}/set"

    def switch_state(self, switch: str) -> str:
        """Returns the topic that tells whether a switch is on."""
        return f"{self.root}/{switch}/state"

    @property
    def alert(self) -> str:
        """Returns the topic of the alerts: one message per person and episode."""
        return self.of(AlertMessage)

    @property
    def state(self) -> str:
        """Returns the topic of the people in view."""
        return self.of(State)

    @property
    def health(self) -> str:
        """Returns the topic of the monitor's health."""
        return self.of(Health)

    @property
    def stats(self) -> str:
        """Returns the topic of the process statistics."""
        return self.of(Stats)

    def day(self, day: str) -> str:
        """Returns the topic of the counts of a local day (``YYYY-MM-DD``); of every day for ``+``."""
        return f"{self.root}/{COUNTS}/{day}"

    @property
    def test(self) -> str:
        """Returns the topic on which a test for the phone is asked for."""
        return f"{self.root}/test"

    def of(self, message: AlertMessage | State | Health | Stats | type[AlertMessage | State | Health | Stats]) -> str:
        """Returns the topic of a message, or of a class of messages."""
        return f"{self.root}/{message.topic}"


def retained_topics(config: Config) -> list[str]:
    """Returns the topics of a camera whose last message the broker keeps; not Home Assistant's."""
    topics = Topics(config.mqtt.prefix, config.device.name)
    return [topics.state, topics.health, *map(topics.switch_state, switches(config)), topics.status]
