"""Chooses the version of MQTT."""

from paho.mqtt.enums import MQTTProtocolVersion

from .client import V5, V311


class ProtocolChoice:
    """Which MQTT version to speak: 5 first, because 3.1.1 hides what an ACL refuses; 3.1.1 where a broker needs it."""

    def __init__(self, version: MQTTProtocolVersion) -> None:
        self.version = version
        self._settled = version == V311
        self._ever_connected = False

    @property
    def trial(self) -> bool:
        """Whether 3.1.1 is in use although the broker may speak 5: it hung up without an answer."""
        return self.version == V311 and not self._settled

    def unsupported(self) -> None:
        """The broker has said that it does not speak this version."""
        self._settled = True
        self.unanswered()

    def unanswered(self) -> None:
        """The broker has not answered. Some 3.1.1 brokers hang up on MQTT 5, or wait for the rest of something."""
        if not self._ever_connected:
            self.version = V311 if self.version == V5 else V5

    def answered_in_trial(self) -> bool:
        """The broker has accepted 3.1.1. Whether to try 5 once more: it may only have been starting."""
        if not self.trial:
            return False
        self._settled = True
        self.version = V5
        return True

    def connected(self) -> None:
        """Keeps this version from now on."""
        self._ever_connected = True
