"""Limits guesses of the page's password, without locking out whoever has logged in before."""

import time
from collections import deque

MAX_TRIES, TRIES_WINDOW = 5, 60.0
"""Wrong passwords allowed from one visitor within so many seconds; then that visitor must wait."""
MAX_TRIES_IN_ALL = 30
"""Wrong passwords allowed from all unknown visitors together within the same time."""
MAX_REMEMBERED_TRIES = 1000


class Limiter:
    """Counts wrong passwords within the last ``window`` seconds, per visitor, and of all unknown visitors together.

    A visitor is an address, or a browser that has logged in before (``known``). The limit in all slows down somebody
    who guesses from many addresses. It does not count for known visitors: only their own mistakes do.
    """

    def __init__(
        self, tries: int = MAX_TRIES, tries_in_all: int = MAX_TRIES_IN_ALL, window: float = TRIES_WINDOW
    ) -> None:
        self._tries = tries
        self._tries_in_all = tries_in_all
        self._window = window
        self._wrong: deque[tuple[float, str, bool]] = deque(maxlen=MAX_REMEMBERED_TRIES)

    def seconds_to_wait(self, visitor: str, known: bool = False) -> float:
        """Returns the seconds until this visitor may try again; 0 if now."""
        now = time.monotonic()
        while self._wrong and now - self._wrong[0][0] > self._window:
            self._wrong.popleft()
        own = [moment for moment, other, _ in self._wrong if other == visitor]
        if len(own) >= self._tries:
            return own[-self._tries] + self._window - now
        unknown = [moment for moment, _, is_known in self._wrong if not is_known]
        if not known and len(unknown) >= self._tries_in_all:
            return unknown[-self._tries_in_all] + self._window - now
        return 0.0

    def count_wrong(self, visitor: str, known: bool = False) -> None:
        """Counts a wrong password."""
        self._wrong.append((time.monotonic(), visitor, known))

    def uncount(self, visitor: str) -> None:
        """Removes the latest wrong password of a visitor from the count."""
        for index in range(len(self._wrong) - 1, -1, -1):
            if self._wrong[index][1] == visitor:
                del self._wrong[index]
                return
