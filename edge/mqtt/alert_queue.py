"""The alerts that wait to be sent, in the order in which they were raised."""

from collections import deque
from collections.abc import Sequence

from ..outbox.sql import OutboxMessage

CAPACITY = 10_000
"""Alerts that wait for a broker, at most; beyond it the oldest become dead letters."""


class AlertQueue:
    """Keeps alerts in order, also those that come back because they were not taken."""

    def __init__(self) -> None:
        self._queue: deque[OutboxMessage] = deque()
        self._places: dict[str, int] = {}
        self._newest = self._oldest = 0

    def __len__(self) -> int:
        return len(self._queue)

    def __getitem__(self, index: int) -> OutboxMessage:
        return self._queue[index]

    def add(self, message: OutboxMessage) -> None:
        """Adds a new alert."""
        self._newest += 1
        self._places[message.id] = self._newest
        self._queue.append(message)

    def restore(self, messages: Sequence[OutboxMessage]) -> None:
        """Adds the alerts of an earlier run: they go first."""
        self._oldest -= len(messages)
        self._places |= {message.id: place for place, message in enumerate(messages, self._oldest)}
        self.give_back(messages)

    def take(self, index: int = 0) -> OutboxMessage:
        """Removes and returns an alert that is to be sent now."""
        message = self._queue[index]
        del self._queue[index]
        return message

    def give_back(self, alerts: Sequence[OutboxMessage]) -> None:
        """Puts alerts back at their places."""
        if alerts:
            self._queue = deque(sorted([*alerts, *self._queue], key=lambda alert: self._places[alert.id]))

    def forget(self, alert: OutboxMessage) -> None:
        """Forgets the place of an alert that was taken or set aside."""
        self._places.pop(alert.id, None)
