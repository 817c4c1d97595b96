"""The mailbox of the thread that owns a link."""

import queue
from typing import Generic, TypeVar

from .events import LinkEvent, Signal
from .link import Link

T = TypeVar("T")


class Mailbox(Generic[T]):
    """The events of the thread that owns a link: the link's, and the owner's own (``T``)."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Signal | T] = queue.SimpleQueue()

    @property
    def waiting(self) -> int:
        """Returns how many events wait."""
        return self._queue.qsize()

    def put(self, item: Signal | T) -> None:
        """Enqueues an event. For any thread."""
        self._queue.put(item)

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
        return link.handle(item) if isinstance(item, Signal) else item
