"""Chooses which pauses and muted outputs get a line in the audit trail: somebody at the broker could fill it."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

from ..record.times import unix_time

MOST_SWITCHED, REFILL_S = 60, 10800.0
"""Lines that may be written at once, and the seconds after which there may be one more. With 8 a day, and the line of
the day, the newest half of a full trail goes back more than two years."""
WHAT = {("", True): "resume", ("", False): "pause", ("output", True): "unmute", ("output", False): "mute"}
Line = tuple[str, dict[str, Any], float]
"""What a line is, its values, and when it happened (Unix time)."""


class SwitchLines:
    """The lines about switches that wait. Those beyond the budget are counted, and the last of them waits for it.

    Any thread may put one; all else belongs to the thread ``audit``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Line] = deque()
        self._spent = 0.0
        self._at = 0.0
        self._left_out = 0
        self._last: Line | None = None

    def put(self, name: str, on: bool, how: str, moment: float) -> None:
        """Takes that watching was paused or resumed, or an output muted (``output/NAME``) or not."""
        kind, _, output = name.rpartition("/")
        with self._lock:
            if len(self._waiting) == MOST_SWITCHED:  # the disk refuses; the first may be on its way
                self._leave_out(self._waiting[1])
                del self._waiting[1]
            self._waiting.append((WHAT[kind, on], {"by": how} | ({"output": output} if kind else {}), moment))

    def remember(self, known: Iterable[dict[str, Any]]) -> None:
        """Takes the lines of the trail: a restart gives no new budget."""
        for entry in known:
            if entry.get("what") in WHAT.values() and (moment := unix_time(entry.get("time"))) is not None:
                self._pass_to(moment)
                self._spent += 1

    def next(self, moment: float, *, is_end: bool = False) -> Line | None:
        """Returns the line that is to be written now, until it was ``written``; at the end also beyond the budget."""
        with self._lock:
            while self._waiting:
                if self._has_room(self._waiting[0][2]):
                    return self._told(self._waiting[0])
                self._leave_out(self._waiting.popleft())
            if self._last is None or not (is_end or self._has_room(moment)):
                return None
            self._waiting.append(self._last)
            self._left_out -= 1
            self._last = None
            return self._told(self._waiting[0])

    def written(self, line: Line) -> None:
        """Takes that a line was written."""
        with self._lock:
            self._waiting.popleft()
            self._spent += 1
            self._left_out -= line[1].get("left_out", 0)
            if not self._left_out:
                self._last = None

    def _told(self, line: Line) -> Line:
        what, values, moment = line
        return what, values | ({"left_out": self._left_out} if self._left_out else {}), moment

    def _leave_out(self, line: Line) -> None:
        self._last = line
        self._left_out += 1

    def _has_room(self, moment: float) -> bool:
        self._pass_to(moment)
        return self._spent + 1 <= MOST_SWITCHED

    def _pass_to(self, moment: float) -> None:
        """Frees the budget of the time that has passed; none for a clock that was set back."""
        self._spent = max(0.0, self._spent - max(0.0, moment - self._at) / REFILL_S)
        self._at = moment
