"""Watches how connections end, and warns of another client with the same client id."""

import logging

from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

TAKEN_OVER = 142
"""MQTT 5 reason code: another client has connected with this client id."""
SHORT_CONNECTION = 7.0
"""Seconds. Three connections in a row that end sooner, and not because of a message, point to another client with this
client id: mosquitto 2.0.11 and MQTT 3.1.1 do not report it, and each connection lasts until the other client is back,
which takes 5 s at most."""
SHORT_CONNECTIONS_WARNED = 3


class ConnectionEnds:
    """Counts short connections in a row that nothing else explains."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._unexplained = 0

    def note(self, reason: str | ReasonCode, lasted: float, explained: bool) -> None:
        """Takes the end of a connection; ``explained`` tells whether a message may be the reason."""
        if getattr(reason, "value", 0) != TAKEN_OVER:
            if lasted >= SHORT_CONNECTION:
                self._unexplained = 0
                return
            if explained:
                return
        self._unexplained += 1
        if self._unexplained == SHORT_CONNECTIONS_WARNED:
            log.error(
                "the broker keeps closing the connection: another client may use the client id %s; give each camera "
                "its own name in [device]", self._client_id
            )  # fmt: skip
