"""Limits how many browsers see the live image at once."""

import math
import time
from collections.abc import Callable

MAX_VIEWERS = 4
"""Viewers at once: each needs bandwidth, and all share one encoder."""
SHORTEST_LEASE = 4.0
"""Seconds without a request after which a browser no longer counts as a viewer."""


class Viewers:
    """Counts viewers, by a name that each has: a stream until it ends, a browser that asks for images until it stops.

    All pages of a browser ask under one name: they share its place. ``interval`` is the time in seconds between two
    images; ``report`` receives the monotonic time until which somebody looks. Runs in the page's thread.
    """

    def __init__(self, interval: float, report: Callable[[float], None]) -> None:
        self._lease = max(SHORTEST_LEASE, 3 * interval)
        self._report = report
        self._until: dict[str, float] = {}

    def admit(self, viewer: str, *, stays: bool = False) -> bool:
        """Gives a viewer a place, or keeps it: until ``leave`` if the viewer stays. Returns False if there is none."""
        now = time.monotonic()
        self._until = {name: until for name, until in self._until.items() if until > now}
        if viewer not in self._until and len(self._until) >= MAX_VIEWERS:
            return False
        self._until[viewer] = math.inf if stays else now + self._lease
        self._report(max(self._until.values()))
        return True

    def leave(self, viewer: str) -> None:
        """Frees the place of a viewer that stayed."""
        self._until.pop(viewer, None)
        self._report(max(self._until.values(), default=0.0))
