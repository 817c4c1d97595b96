"""Tries alerts that were set aside once more: the broker may take them by now."""

from ..outbox.outbox import Outbox
from ..outbox.sql import OutboxMessage
from .outgoing import Outgoing, of_alert
from .suspects import HEALTHY, SOON_AFTER_SEND

INTERVAL = 3600.0
"""Seconds after which the next sample is tried, if nothing else gives a reason."""


class Retrials:
    """Sends dead letters one at a time, each alone and only when nothing else waits. Belongs to the publisher's thread.

    The first is a sample: if the broker does not take it, the others stay where they are until the next round. A round
    begins at the start, when the broker was away, and every hour; after a sample that ended its connection only every
    hour, because a message can be what takes the broker away. Each letter stays in the table until the broker has
    taken it. One that is refused again goes to the end of the table, so that the next round has another sample.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._letter: OutboxMessage | None = None
        self._upto: int | None = None
        self._waiting_for_answer = False
        self._sent_at: float | None = None
        self._taken = False
        self._hung_up = False
        self._next_round = float("-inf")
        self._connected_at = float("-inf")

    def connected(self, after_outage: bool, now: float) -> None:
        """Notes a new connection."""
        self._connected_at = now
        if after_outage and not self._hung_up:
            self._next_round = now

    def holds(self, alert: OutboxMessage | None) -> bool:
        """Returns whether this alert is a dead letter that was sent."""
        return self._sent_at is not None and alert == self._letter

    def alone(self, now: float) -> bool:
        """Returns whether nothing else should be sent, so that the end of the connection blames nothing else."""
        return self._sent_at is not None and now - self._sent_at < SOON_AFTER_SEND

    def begin(self, now: float) -> None:
        """Begins a round when it is time."""
        if now >= self._next_round and self._sent_at is None and not self._waiting_for_answer:
            self._next_round = now + INTERVAL
            self._taken = self._hung_up = False
            self._ask(None)

    def next(self, now: float) -> Outgoing | None:
        """Returns a dead letter to send now, as nothing else is on its way."""
        if self._letter is None or self._sent_at is not None or now - self._connected_at < HEALTHY:
            return None
        self._sent_at = now
        return of_alert(self._letter)

    def taken(self, alert: OutboxMessage) -> bool:
        """Notes that the broker has taken an alert; returns whether it was a dead letter."""
        if not self.holds(alert):
            return False
        self._outbox.revived(alert)
        self._taken = True
        self._ask(self._upto)
        return True

    def refused(self, alert: OutboxMessage, reason: str) -> bool:
        """Notes that an alert is refused; returns whether it was a dead letter."""
        if not self.holds(alert):
            return False
        self._outbox.refused(alert, reason)
        self._letter = self._sent_at = None
        if self._taken:  # not the sample: the others are still worth a try
            self._ask(self._upto)
        return True

    def ended(self, reason: str) -> None:
        """Notes the end of a connection: the round is over if a dead letter was on its way."""
        if self._letter is not None and self._sent_at is not None:
            self._hung_up, self._taken = True, False
            self.refused(self._letter, reason)

    def _ask(self, upto: int | None) -> None:
        self._letter = self._sent_at = None
        self._upto, self._waiting_for_answer = upto, True
        self._outbox.ask_dead_letter(upto, self._answered)

    def _answered(self, letter: OutboxMessage | None, newest: int) -> None:
        """Takes the answer, in the outbox's thread, which wakes the publisher afterwards."""
        self._upto = newest if self._upto is None else self._upto
        self._letter = letter
        self._waiting_for_answer = False
