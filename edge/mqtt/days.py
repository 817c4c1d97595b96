"""Keeps the counts of the last days at the broker, and takes older ones back."""

import time
from collections import deque
from collections.abc import Collection

from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from .announced import Announced, Announcement
from .day_counts import KEPT_DAYS
from .delivery import Delivery
from .outgoing import Outgoing
from .refusals import is_final
from .topics import Topics

EXPIRY_S = KEPT_DAYS * 86400
PATIENCE_S = 30.0
"""Seconds for an answer, after which another day is offered."""
MOST_TRIES = 2
"""Times that a message is offered without an answer on one connection."""


class Days:
    """The retained messages of the days, each on a topic of its own, sent one after the other: alerts overtake them.

    They also wait while it is looked for a message on which the broker hangs up: one more suspect would delay alerts.

    What the broker keeps is remembered in ``announced``, also for another run. ``announce`` and ``outdated`` write to
    the disk, and are for the thread that counts; all else belongs to the publisher's thread.
    """

    def __init__(self, settings: MqttConfig, device: str, announced: Announced) -> None:
        self._topics = Topics(settings.prefix, device)
        self._own = Announcement(settings, device, ())
        self._announced = announced
        self._kept: dict[str, bytes] = {}
        self._waiting: dict[str, int] = {}
        self._offered_at = float("-inf")
        self._gone: deque[str] = deque()

    def announce(self, day: str) -> str:
        """Remembers that the day's counts will be at the broker; returns their topic."""
        topic = self._topics.day(day)
        self._announced.add(self._own.only([topic]))
        return topic

    def outdated(self, days: Collection[str]) -> list[str]:
        """Returns the topics of all days that may be at the broker, except these ``days``."""
        kept = set(map(self._topics.day, days))
        gone = [self._gone.popleft() for _ in range(len(self._gone))]
        if gone := [topic for topic in gone if topic not in kept]:  # else the day has come back, after a clock ahead
            self._announced.remove(self._own.only(gone))
        return [topic for topic in self._announced.days_of(self._own) if topic not in kept]

    # Everything below belongs to the publisher's thread.

    def put(self, topic: str, payload: bytes) -> None:
        """Takes what the broker is to keep on a topic from now on; nothing if it is empty."""
        self._kept[topic] = payload
        self._waiting[topic] = 0

    def connected(self) -> None:
        """Has everything sent again: the broker may have lost it."""
        self._waiting = dict.fromkeys(self._kept, 0)
        self._offered_at = float("-inf")

    def send(self, delivery: Delivery) -> None:
        """Sends the next message while nothing else but alerts is on its way, and the one before has its answer."""
        now = time.monotonic()
        if not (self._waiting and delivery.idle) or now - self._offered_at < PATIENCE_S:
            return
        topic = min(self._waiting, key=lambda one: self._waiting[one])
        if self._waiting[topic] >= MOST_TRIES:
            return self._waiting.clear()
        payload = self._kept[topic]
        message = Outgoing(topic, payload, retain=True, family=self._topics.day("+"), expiry=EXPIRY_S if payload else 0)
        if delivery.offer(message):
            self._waiting[topic] += 1
            self._offered_at = now
            delivery.send()

    def answered(self, message: Outgoing | None, reason: ReasonCode) -> None:
        """Takes the broker's answer to a message of any kind."""
        if message is None or not message.family:
            return
        topic = message.topic
        if reason.is_failure and not is_final(reason):
            self._waiting[topic] = 0  # it is sent again
            return
        self._offered_at = float("-inf")
        if self._kept.get(topic) != message.payload:
            return  # there is a newer one
        self._waiting.pop(topic, None)
        if not (message.payload or reason.is_failure):
            del self._kept[topic]
            self._gone.append(topic)
