"""What a broker accepts of a connection: the last will, and how large and how certain messages may be."""

import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

IDENTIFIER_INVALID, RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED = 133, 154, 155
LOGIN_REFUSED = (134, 135, 138, 140)
"""MQTT 5 reason codes; paho translates those of 3.1.1."""
PASSING = (136, 137, 138, 139, 151, 156, 157, 159)
"""MQTT 5 reason codes for which no last will is the reason: unavailable, busy, banned, quota, moved, too many ..."""
LARGEST_SENT = 2**28
"""Bytes of any MQTT message, where the broker names no limit of its own."""
OVERHEAD = 10
"""Bytes of a message beside topic and payload, at most: header 5, lengths and id 4, no properties 1."""
WINDOW = 20
"""Messages in flight at most, if the broker allows so many."""
SETTLED = 3600.0
"""Seconds after which the whole last will is tried again at the next connection."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the broker takes, as its answer to CONNECT says: packet size in bytes, QoS, retained messages, in flight."""

    largest: int = LARGEST_SENT
    qos: int = 2
    retain: bool = True
    window: int = WINDOW

    @classmethod
    def of(cls, properties: Any) -> "Terms":
        """Reads the terms from the properties of the answer; with MQTT 3.1.1 there are none."""
        return cls(
            getattr(properties, "MaximumPacketSize", LARGEST_SENT),
            getattr(properties, "MaximumQoS", 2),
            bool(getattr(properties, "RetainAvailable", 1)),
            min(getattr(properties, "ReceiveMaximum", WINDOW), WINDOW),
        )

    def payload_limit(self, topic: str) -> int | None:
        """Returns how many bytes a message on this topic may have; None where the broker names no limit."""
        return None if self.largest >= LARGEST_SENT else max(self.largest - len(topic) - OVERHEAD, 1)

    def check_size(self, topic: str, payload: bytes) -> None:
        """Raises ``ValueError`` for a message that is too large."""
        if len(topic) + len(payload) + OVERHEAD > self.largest:
            raise ValueError(f"larger than the {self.largest} bytes that the broker takes")

    @property
    def shortcomings(self) -> dict[str, str | None]:
        """Returns what people should know, by subject; None where there is nothing to say."""
        retain = "the broker keeps no retained messages: whoever connects later sees a state only when it changes"
        qos = "the broker takes QoS 0 only: an alert that is lost on its way is not sent again"
        return {"retain": None if self.retain else retain, "qos": None if self.qos else qos}


class WillForm(Enum):
    """How the last will is left with the broker."""

    RETAINED = "as it should be"
    PLAIN = "not retained"
    NONE = "not at all"


class Will:
    """The last will, in the fullest form that the broker takes.

    A connection that is refused or closed may be so because of the will. It is tried without: if that works, the will
    is tried once more to be sure, then without being retained.
    """

    def __init__(self, topic: str = "", payload: bytes = b"") -> None:
        self._topic = topic
        self._payload = payload
        self._start()

    def _start(self) -> None:
        self.form = WillForm.RETAINED if self._topic else WillForm.NONE
        self.confirming = False
        self._qos = 1
        self._reason = ""
        self._settled_at: float | None = None

    @property
    def problem(self) -> str | None:
        """Returns what the broker does not take of it, in a sentence."""
        if not self._topic or self.form is WillForm.RETAINED:
            return None
        retained = " as a retained message" if self.form is WillForm.PLAIN else ""
        return (
            f"the broker refuses the last will on {self._topic}{retained} ({self._reason}): it may go unnoticed when "
            "this camera is cut off"
        )

    def give_to(self, client: paho.Client) -> None:
        """Sets the will of a client that is not connected yet."""
        if self._settled_at is not None and time.monotonic() - self._settled_at > SETTLED:
            self._start()
        if self.form is not WillForm.NONE:
            client.will_set(self._topic, self._payload, self._qos, self.form is WillForm.RETAINED)

    def refused(self, reason: str | ReasonCode) -> bool:
        """Takes the reason for a connection that failed; returns whether the next attempt has another form of the will.

        Returns False when the will is not the reason, as far as that is known.
        """
        code = getattr(reason, "value", 0)
        if not self._topic or code in PASSING:
            return False
        if code == QOS_NOT_SUPPORTED and self._qos and self.form is not WillForm.NONE:
            self._qos = 0
        elif code == RETAIN_NOT_SUPPORTED and self.form is WillForm.RETAINED:
            self._settle(WillForm.PLAIN, reason)
        elif self._settled_at is not None or (self.form is WillForm.NONE and not self.confirming):
            self._start()
            return False
        elif self.form is WillForm.RETAINED:
            self._reason = str(reason)
            self.form = WillForm.PLAIN if self.confirming else WillForm.NONE
        else:
            self._settle(WillForm.NONE, reason)
        return True

    def accepted(self) -> bool:
        """Notes a connection; returns whether to connect again with a fuller form."""
        if self.form is WillForm.RETAINED or not self._topic:
            self.confirming = False
        elif self._settled_at is None and self.form is WillForm.NONE:
            self.confirming, self.form = True, WillForm.RETAINED
            return True
        elif self._settled_at is None:
            self._settle(WillForm.PLAIN, self._reason)
        return False

    def _settle(self, form: WillForm, reason: object) -> None:
        self.form, self._reason, self._settled_at = form, str(reason), time.monotonic()
        self.confirming = False


def refusal(reason: ReasonCode, client_id: str) -> str:
    """Says what to do about a connection that the broker refuses."""
    if reason.value in LOGIN_REFUSED:
        return f"{reason}; check [mqtt] user and password_file"
    if reason.value == IDENTIFIER_INVALID:
        return f"{reason}; allow the client id {client_id} there, or change [device] name"
    return str(reason)
