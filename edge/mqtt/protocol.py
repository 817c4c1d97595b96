"""Chooses the MQTT version."""

from paho.mqtt.enums import MQTTProtocolVersion

from .client import V5, V311


class ProtocolChoice:
    """Chooses MQTT 5, because 3.1.1 hides what an ACL refuses, or 3.1.1 if the broker needs it."""

    def __init__(self, version: MQTTProtocolVersion) -> None:
        self.version = version
        self._settled = version == V311
        self._ever_connected = False

    @property
    def trial(self) -> bool:
        """Returns whether 3.1.1 is on trial: the broker did not answer MQTT 5, but it may support 5."""
        return self.version == V311 and not self._settled

    @property
    def known(self) -> bool:
        """Returns whether a version has worked."""
        return self._ever_connected

    def unsupported(self) -> None:
        """Notes that the broker does not support this version, as its answer says."""
        self._settled = True
        self.unanswered()

    def unanswered(self) -> None:
        """Changes the version after an attempt without an answer.

        Some 3.1.1 brokers close an MQTT 5 connection, or wait for more of the packet. A version that has worked stays.
        """
        if not self._ever_connected:
            self.version = V311 if self.version == V5 else V5

    def answered_in_trial(self) -> bool:
        """Notes that the broker has accepted 3.1.1; returns whether to try 5 once more.

        A broker that was only starting may have closed the first connection.
        """
        if not self.trial:
            return False
        self._settled = True
        self.version = V5
        return True

    def connected(self) -> None:
        """Keeps this version from now on, because it has worked."""
        self._ever_connected = True
