"""Passes messages on to the listeners of the page."""

import logging
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Listener = Callable[[str, Any], None]
"""Called with a message's topic and the message, in the sender's thread: it must hand over and return at once."""


class Listeners:
    """Whoever listens now. Any thread may call; true while there is a listener."""

    def __init__(self) -> None:
        self._all: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, listener: Listener) -> Callable[[], None]:
        """Adds a listener, which is removed if it raises; returns a function that removes it."""
        with self._lock:
            self._all += (listener,)
        return lambda: self._remove(listener)

    def _remove(self, listener: Listener) -> None:
        with self._lock:
            self._all = tuple(other for other in self._all if other is not listener)

    def notify(self, message: Any) -> None:
        """Passes a message on. It has a ``topic``."""
        for listener in self._all:
            try:
                listener(message.topic, message)
            except Exception:  # a fault of the page must not end the sender
                log.exception("a listener of the page failed and was removed")
                self._remove(listener)
