"""Tells refusals that pass from those that are final, and says when a message that was refused is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass

from paho.mqtt.reasoncodes import ReasonCode

from ..outbox.sql import OutboxMessage
from ..timing import Backoff
from .alert_queue import AlertQueue
from .outgoing import Outgoing
from .suspects import Suspect

FINAL = (129, 130, 135, 143, 144, 149, 153, 154, 155, 158, 161, 162)
"""MQTT 5 reasons that the same message meets again: malformed, not authorized, invalid topic or payload, too large, and
what this broker does not support. All others may pass: quota, busy, rate, unspecified, implementation specific ..."""
SHORTEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE_OF_OTHERS = 1.0, 8.0, 600.0
"""Seconds between attempts."""
ALERTS_RETRY = 20.0, 600.0
"""Seconds after which a paused alert is tried again, at first and at most: each attempt may cost a connection."""
TRIES_BEFORE_OTHERS = 5
"""Refusals of the first alert, within 15 s, after which later ones are tried too: only it may be refused."""
CANDIDATES = 4
"""How many later alerts are tried in turn."""
TAKEN = 3
"""Other alerts that the broker must have taken before one that it refuses again and again is set aside."""


def is_final(reason: ReasonCode) -> bool:
    """Returns whether the same message would be refused again."""
    return reason.value in FINAL


@dataclass(slots=True)
class _Refused:
    taken_before: int
    times: int = 0


class Refusals:
    """Alerts that the broker refuses for now: they wait in order, and one at a time is tried."""

    def __init__(self) -> None:
        self.active = False
        self._refused: dict[str, _Refused] = {}
        self._taken = 0
        self._turn = 0
        self._due = 0.0
        self._backoff = Backoff(SHORTEST_PAUSE, LONGEST_PAUSE)

    def refused(self, alert: OutboxMessage, now: float) -> None:
        """Notes a refusal that may pass."""
        record = self._refused.setdefault(alert.id, _Refused(self._taken))
        record.times += 1
        if not self.active or now >= self._due:
            self._due = now + self._backoff.next()
        self.active = True

    def taken(self, alert: OutboxMessage) -> bool:
        """Notes that the broker has taken an alert; returns whether it had refused this one before."""
        self._taken += 1
        self.active = False
        self._backoff.reset()
        return self._refused.pop(alert.id, None) is not None

    def forget(self, alert: OutboxMessage) -> None:
        """Notes that an alert is set aside."""
        self._refused.pop(alert.id, None)

    def only_this_one(self, alert: OutboxMessage, needed: int) -> bool:
        """Returns whether the broker has refused it ``needed`` times and has taken others meanwhile."""
        record = self._refused[alert.id]
        return record.times >= needed and self._taken - record.taken_before >= TAKEN

    def next(self, queue: AlertQueue, in_flight: int, now: float) -> int | None:
        """Returns the place in the queue of the alert to send now; None while all wait."""
        if not self.active:
            return 0
        if in_flight or now < self._due:
            return None
        record = self._refused.get(queue[0].id)
        if record is None or record.times < TRIES_BEFORE_OTHERS or len(queue) < 2:
            return 0
        self._turn += 1
        return 1 + self._turn // 2 % min(CANDIDATES, len(queue) - 1) if self._turn % 2 else 0


class Repeats:
    """Messages other than alerts that the broker refuses for now, each with its time of the next attempt."""

    def __init__(self) -> None:
        self._backoffs: dict[str, Backoff] = {}
        self._waiting: dict[str, tuple[Outgoing, float]] = {}

    def answered(self, message: Outgoing, reason: ReasonCode, now: float) -> None:
        """Takes the broker's answer."""
        if not reason.is_failure or is_final(reason):
            self._backoffs.pop(message.key, None)
            return
        backoff = self._backoffs.setdefault(message.key, Backoff(SHORTEST_PAUSE, LONGEST_PAUSE_OF_OTHERS))
        self._waiting.setdefault(message.key, (message, now + backoff.next()))

    def replaced(self, key: str) -> None:
        """Notes that there is newer content."""
        self._waiting.pop(key, None)

    def clear(self) -> None:
        """Forgets all messages, because the connection has ended: the next one begins with all of them."""
        self._waiting.clear()

    def due(self, now: float) -> list[Outgoing]:
        """Returns the messages to send again now."""
        return [self._waiting.pop(key)[0] for key, (_, due) in list(self._waiting.items()) if now >= due]


class PausedAlerts:
    """Lets alerts on which the broker hangs up wait while it hangs up on all of them. Time arrives with each call."""

    def __init__(self) -> None:
        self._backoff = Backoff(*ALERTS_RETRY)
        self._retry_at = 0.0

    def pause(self, suspects: Sequence[Suspect], now: float) -> None:
        """Lets alerts wait until the next attempt."""
        for suspect in suspects:
            suspect.paused = True
        self._retry_at = now + self._backoff.next()

    def retry(self, suspects: Sequence[Suspect], now: float) -> None:
        """Lets one of them be tried when it is time, each in its turn."""
        paused = [suspect for suspect in suspects if suspect.paused]
        if paused and now >= self._retry_at:
            self._retry_at = now + self._backoff.pause()
            self._resume([paused[self._backoff.failures % len(paused)]])

    def taken(self, suspects: Sequence[Suspect]) -> None:
        """Lets all of them be tried, because the broker has answered an alert."""
        self._backoff.reset()
        self._resume(suspects)

    @staticmethod
    def _resume(suspects: Sequence[Suspect]) -> None:
        for suspect in suspects:
            if suspect.paused:
                suspect.paused, suspect.again = False, True
