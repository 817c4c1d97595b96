"""Measures how quickly frames follow one another in the loop, whether camera or machine sets the pace."""

from collections import deque
from statistics import median_low

RECENT = 5
"""Intervals that count. Where each search makes the machine slow while a person is present, three slow intervals (four
sightings) are most of them."""
SHORTEST_LOOK_S = 0.08
"""Seconds below which frames count as one look. A stream that comes in pieces gives many frames at once, and then none
until the next piece. 12 looks per second are more than any decision needs."""
RARE_LOOK_S = 0.25
"""Seconds between two looks above which they are rare. Up to it a person is judged in one second, hardly changes size
from one look to the next, and the pace changes nothing."""
LONGEST_LOOK_S = 1.25
"""Seconds between two looks up to which people can be judged: one look per second, and a quarter for its jitter. In a
longer time a person walks out of the picture, and another one in."""
LONGEST_GAP_S = 2 * LONGEST_LOOK_S
"""Seconds without a look after which earlier evidence does not count: one frame may be lost at the slowest pace."""


class Pace:
    """The time between two looks, in seconds, over the last ``recent`` intervals."""

    def __init__(self, recent: int = RECENT) -> None:
        self._intervals: deque[float] = deque(maxlen=recent)
        self._last: float | None = None

    def update(self, now: float) -> float:
        """Takes the time of the next frame. Returns ``interval``."""
        if self._last is None:
            self._last = now
        elif now - self._last >= SHORTEST_LOOK_S:
            self.add(now - self._last)
            self._last = now
        return self.interval

    def add(self, interval: float) -> None:
        """Takes an interval that was measured elsewhere."""
        self._intervals.append(interval)

    @property
    def count(self) -> int:
        """Returns how many intervals are known, at most ``recent``."""
        return len(self._intervals)

    @property
    def interval(self) -> float:
        """Returns the time between two looks; 0 before the second one.

        It is the median, or the mean without the longest interval where that is more: one long gap changes nothing.
        """
        if not self._intervals:
            return 0.0
        others = sum(self._intervals) - max(self._intervals)
        return max(median_low(self._intervals), others / max(1, self.count - 1))
