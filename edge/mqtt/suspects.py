"""Finds out on which message a broker hangs up, without blaming one that only was on its way when a connection ended.

A connection that ends while messages are unanswered makes suspects of them. The next connections send suspects one at
a time, and an answer clears a suspect. One that is unanswered again waits, so that everything else can leave. It is
guilty when all of this holds, which a broker that hangs up for another reason does not bring about:

- a connection ended when it was the first message on it (so it is not the number of messages);
- two connections that had lived for ``HEALTHY`` seconds ended right after it was sent, with nothing else unanswered
  (so it is not a matter of time);
- the broker has answered ``ANSWERS_NEEDED`` other messages meanwhile (so it is not every message);
- ``FAILURES_NEEDED`` connections ended with it alone unanswered, and it was never answered (so it is not chance). A
  message that had ended a connection and is answered later is a false alarm: all evidence counts from zero again, and
  one more failure is needed for an hour. A broker that ended 8 of 10 connections at an alert cost 3 of 129 good alerts
  before that was so.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..outbox.sql import OutboxMessage
from .outgoing import Outgoing

HEALTHY = 5.0
"""Seconds that a connection must have lived before a suspect is sent on it."""
SOON_AFTER_SEND, SLOWEST_RATE = 5.0, 100_000
"""Seconds for the answer, and bytes per second of a large message: a connection that ends later ends for another
reason."""
UNRELATED = (137, 139, 141, 142, 152, 156, 157, 160)
"""MQTT 5 reasons for a disconnect that no message causes: busy, shutting down, taken over, moved ..."""
ALERTS_UNTIL_PAUSE = 4
"""Alerts on which the broker has hung up, and none that it has taken, before all others wait."""
CONNECTIONS_NEEDED = 2
FAILURES_NEEDED, ANSWERS_NEEDED = 7, 3
LEADING = 5
"""Connections that begin with a suspect, so that later alerts do not overtake one that only had bad luck."""
FALSE_ALARMS, REMEMBERED = 20, 3600.0
"""How many false alarms count at most, and for how many seconds."""
QUICK_CONNECTIONS = 30
"""Connections in a row that may follow each other quickly, because each of them brings the search forward."""
HOPELESS = 16
"""Connections in a row that ended without an answer after which every message counts as unwelcome."""


def patience(message: Outgoing) -> float:
    """Returns for how many seconds after its sending a message can be the reason for the end of a connection."""
    return SOON_AFTER_SEND + len(message.payload) / SLOWEST_RATE


@dataclass(slots=True)
class Suspect:
    """A message that may have ended a connection.

    ``failed`` counts the connections that ended with it alone unanswered, ``as_first`` those on which it was the first,
    ``when_healthy`` those that had lived for ``HEALTHY`` seconds. ``again`` is set if it was guilty before: then one
    connection suffices. A ``paused`` suspect is not sent.
    """

    message: Outgoing
    answers_before: int
    alerts_before: int
    again: bool = False
    paused: bool = False
    failed: int = 0
    as_first: int = 0
    when_healthy: int = 0

    @property
    def fresh(self) -> bool:
        """Returns whether it has not been sent alone yet."""
        return not (self.failed or self.again or self.paused)

    @property
    def leads(self) -> bool:
        """Returns whether the next connection must begin with it."""
        return bool(self.failed) and self.as_first < LEADING and not (self.again or self.paused)


class Suspects:
    """All suspects, in the order in which they were sent first. Time arrives with each call."""

    def __init__(self) -> None:
        self._all: dict[str, Suspect] = {}
        self._connected_at = float("-inf")
        self._sent = 0
        self._answers = 0
        self._alerts_answered = 0
        self._unanswered_connections = 0
        self._quick_connections = 0
        self._false_alarms: deque[float] = deque(maxlen=FALSE_ALARMS)

    def __contains__(self, key: str) -> bool:
        return key in self._all

    @property
    def searching(self) -> bool:
        """Returns whether the next connection should follow soon."""
        return bool(self._all) and self._quick_connections < QUICK_CONNECTIONS

    @property
    def narrowed(self) -> bool:
        """Returns whether the end of another connection has confirmed a suspicion: then it is no restarted broker."""
        return any(not suspect.fresh for suspect in self._all.values())

    @property
    def hopeless(self) -> bool:
        """Returns whether the broker answers nothing at all."""
        return self._unanswered_connections >= HOPELESS

    @property
    def alerts(self) -> list[Suspect]:
        """Returns the alerts among the suspects."""
        return [suspect for suspect in self._all.values() if suspect.message.alert is not None]

    @property
    def needed(self) -> int:
        """Returns how often one message must fail: more often after false alarms."""
        return FAILURES_NEEDED + sum(self._connected_at - at < REMEMBERED for at in self._false_alarms)

    def false_alarm(self) -> None:
        """Notes that the broker has taken a message that had failed before."""
        self._false_alarms.append(self._connected_at)
        for suspect in self._all.values():
            suspect.failed, suspect.as_first, suspect.when_healthy = min(suspect.failed, 1), 0, 0

    def takes_others(self, suspect: Suspect) -> bool:
        """Returns whether the broker has taken other alerts since this one is suspected."""
        return self._alerts_answered - suspect.alerts_before >= ANSWERS_NEEDED

    @property
    def all_alerts_fail(self) -> bool:
        """Returns whether the broker hangs up on so many alerts that their topic must be the reason."""
        failed = [suspect for suspect in self.alerts if suspect.failed and not self.takes_others(suspect)]
        return len(failed) >= ALERTS_UNTIL_PAUSE

    def connected(self, now: float) -> None:
        """Notes a new connection."""
        self._connected_at, self._sent = now, 0

    def sent(self) -> None:
        """Notes that something was sent."""
        self._sent += 1

    def add(self, message: Outgoing, *, again: bool = False) -> None:
        """Takes a message that must be sent alone; with ``again`` on a healthy connection."""
        self._all[message.key] = Suspect(message, self._answers, self._alerts_answered, again)

    def renew(self, message: Outgoing) -> None:
        """Takes the new content of a retained message; of others, the suspicious content is kept."""
        if message.retain or self._all[message.key].message.retain:
            self._all[message.key].message = message

    def clear(self, key: str) -> None:
        """Removes a message that can be excluded, or is dealt with."""
        if self._all.pop(key, None) is not None:
            self._quick_connections = 0

    def answered(self, message: Outgoing) -> bool:
        """Notes that the broker has answered a message; returns whether this one had ended a connection."""
        suspect = self._all.get(message.key)
        if not message.subscribes:
            self._answers += 1
            self._alerts_answered += message.alert is not None
        self._unanswered_connections = 0
        self.clear(message.key)
        if suspect is None or not suspect.failed:
            return False
        self.false_alarm()
        return True

    def release_alerts(self, *, fresh_only: bool) -> list[OutboxMessage]:
        """Returns the alerts (those that were not sent alone yet, or all), and no longer suspects them."""
        released = [suspect for suspect in self.alerts if suspect.fresh or not fresh_only]
        alerts = [suspect.message.alert for suspect in released if suspect.message.alert]
        for alert in alerts:
            del self._all[alert.id]
        return alerts

    def ended(self, unanswered: Sequence[tuple[Outgoing, float]], reason: object, now: float) -> Suspect | None:
        """Notes the end of a connection, with what was unanswered and when it was sent; returns who is guilty."""
        if getattr(reason, "value", 0) in UNRELATED:
            return None
        recent = [(message, sent_at) for message, sent_at in unanswered if now - sent_at < patience(message)]
        self._quick_connections += bool(recent)
        self._unanswered_connections += bool(recent)
        for message, _ in recent:
            if message.key not in self._all:
                self.add(message)
        if len(unanswered) != 1 or not recent:
            return None
        ((message, sent_at),) = recent
        suspect = self._all[message.key]
        suspect.failed += 1
        suspect.as_first += self._sent == 1
        suspect.when_healthy += sent_at - self._connected_at >= HEALTHY
        return suspect if self._guilty(suspect) else None

    def _guilty(self, suspect: Suspect) -> bool:
        if self._answers - suspect.answers_before < ANSWERS_NEEDED:
            return False
        if suspect.again:
            return suspect.when_healthy >= 1
        often = suspect.failed >= self.needed
        return often and suspect.as_first >= 1 and suspect.when_healthy >= CONNECTIONS_NEEDED

    def careful(self, now: float) -> bool:
        """Returns whether only one message may be unanswered now."""
        return any(suspect.fresh for suspect in self._all.values()) or self._to_try(now) is not None

    def next(self, now: float, more: bool) -> Outgoing | None:
        """Returns the suspect to send now. With ``more``, other messages wait: the ``last`` one comes after them."""
        if self._sent == 0 and (suspect := self._to_try(now)) is not None:
            return suspect.message
        fresh = [suspect.message for suspect in self._all.values() if suspect.fresh]
        if fresh:  # alerts first: they should not wait for the rest of the search
            message = min(fresh, key=lambda one: (one.alert is None, one.last))
            return None if message.last and more else message
        suspect = self._to_try(now)
        return suspect.message if suspect is not None else None

    def _to_try(self, now: float) -> Suspect | None:
        """Returns a suspect that waits, if this is a moment that tells something about it."""
        leading = [one for one in self._all.values() if one.leads]
        if self._sent == 0 and leading:
            return leading[0]
        if now - self._connected_at < HEALTHY:
            return None
        waiting = [one for one in self._all.values() if not one.fresh and not one.paused]
        return max(waiting, key=lambda one: (one.again, one.when_healthy), default=None)
