"""Decides whether a door is open, for a relay with ``open_when``. It is no safety device."""

import math

from ..config.outputs import FAULTS, RelayConfig
from .situation import Sight

LINGER_S = 1.0
"""Seconds for which the masked person must be gone until the door closes. Somebody on the edge of a zone is in and out
of it from one look to the next (0.5 s for a judged person): the relay would chatter, and open for ever anew."""


class Interlock:
    """Opens a door for a person judged masked in the zone, while nobody judged bare is in view.

    It begins to open only while the sight is settled: everybody in view is judged, and the camera shows what is new.
    It closes when that is over, and after ``open_for`` seconds by itself. Then it opens only for a new situation: one
    that begins after the earlier one was over. It closes at once when somebody is judged bare. While nobody can be
    judged it is in its ``fail`` state; that neither ends nor prolongs a situation.
    """

    def __init__(self, config: RelayConfig) -> None:
        self.rest = config.fail == "open"
        self.due = math.inf
        self._open_for = config.open_for
        self._close_at: float | None = None  # of the present situation, None while there is none
        self._gone_at: float | None = None  # since when the masked person is gone
        self._blind = True

    def update(self, sight: Sight, now: float) -> bool:
        """Takes the situation at ``now`` (monotonic seconds). Returns whether the door is open."""
        self.due = math.inf
        was_blind, self._blind = self._blind, sight.in_zone == "unknown"
        if self._blind:
            return self.rest
        if self._gone_at is not None and now >= self._gone_at + LINGER_S:
            self._end()
        if sight.in_view in FAULTS:
            self._end()
        elif sight.in_zone == "mask" and not sight.settled and (was_blind or self._close_at is None):
            self._blind = was_blind  # it begins later, if at all
            return False
        elif sight.in_zone == "mask":
            self._close_at, self._gone_at = now + self._open_for if self._close_at is None else self._close_at, None
        elif was_blind:  # whoever was there went unseen
            self._end()
        elif self._close_at is not None and self._gone_at is None:
            self._gone_at = now
        return self._close_at is not None and self._is_open(self._close_at, now)

    def _is_open(self, close_at: float, now: float) -> bool:
        gone = math.inf if self._gone_at is None else self._gone_at + LINGER_S
        self.due = min((moment for moment in (close_at, gone) if moment > now), default=math.inf)
        return now < min(close_at, gone)

    def _end(self) -> None:
        self._close_at = self._gone_at = None
