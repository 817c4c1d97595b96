"""The mailbox of the thread that owns a link."""

import queue
import threading
from typing import Generic, TypeVar

from ..timing import running
from .events import LinkEvent, Received, Signal
from .link import Link

T = TypeVar("T")
MOST_BYTES = 4 << 20
"""Bytes of messages from the broker that wait here, about. While there are more, no further one is read from it."""
MESSAGE_BYTES = 1000
"""Bytes that a waiting message takes beside its topic and payload, about."""


class Mailbox(Generic[T]):
    """The events of the thread that owns a link: the link's, and the owner's own (``T``).

    Nobody who puts something in ever waits. What bounds the messages from the broker is that the link's network thread
    asks for room before it reads another one: the rest waits at the broker. ``held_back_at`` is when (``running``) that
    happened first since the owner has set it to None, messages apart that the broker retains.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Signal | T] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0
        self._has_room = threading.Event()
        self._has_room.set()
        self.held_back_at: float | None = None

    @property
    def waiting(self) -> int:
        """Returns how many events wait."""
        return self._queue.qsize()

    def put(self, item: Signal | T) -> None:
        """Enqueues an event. For any thread."""
        if size := _size(item):
            self._count(size)
            if self.held_back_at is None and not self._has_room.is_set() and not _is_retained(item):
                self.held_back_at = running()
        self._queue.put(item)

    def wait_for_room(self, seconds: float) -> bool:
        """Waits until another message of the broker may come; returns False if none may. For the network thread."""
        return self._has_room.wait(seconds)

    def next(self, link: Link, timeout: float) -> LinkEvent | T | None:
        """Returns the next event, the link's signals resolved; None after ``timeout`` seconds without one.

        Returns None, too, for a signal that means nothing to the owner. For the owner's thread.
        """
        if (event := link.tick()) is not None:
            return event
        try:
            item = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if size := _size(item):
            self._count(-size)
        return link.handle(item) if isinstance(item, Signal) else item

    def _count(self, size: int) -> None:
        """Takes bytes that have come or gone. There is room again once half of the messages are gone."""
        with self._lock:
            self._bytes += size
            if self._bytes > MOST_BYTES:
                self._has_room.clear()
            elif self._bytes < MOST_BYTES // 2:
                self._has_room.set()


def _is_retained(item: object) -> bool:
    """Returns whether the broker sends this message because of a new subscription."""
    return isinstance(item, Signal) and isinstance(message := item.what, Received) and message.retained


def _size(item: object) -> int:
    """Returns about how many bytes of memory a message of the broker takes; 0 for everything else."""
    if isinstance(item, Signal) and isinstance(message := item.what, Received):
        return MESSAGE_BYTES + len(message.topic) + len(message.payload)
    return 0
