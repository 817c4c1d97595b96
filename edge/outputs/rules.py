"""Decides whether an output is on, by the situation and the time. Knows no clock: time is an argument."""

import math
from typing import Protocol

from ..config.outputs import PinConfig, SituationOutputConfig, is_interlock
from .interlock import Interlock
from .situation import Sight


class Rule(Protocol):
    """Decides about one output.

    ``rest`` is its state while nobody can be judged, while it is muted, and at the end. ``due`` is when it is to be
    asked again although nothing has changed (monotonic seconds; infinite for never).
    """

    @property
    def rest(self) -> bool: ...

    @property
    def due(self) -> float: ...

    def update(self, sight: Sight, now: float) -> bool:
        """Takes the situation at ``now`` (monotonic seconds). Returns whether the output is on."""
        ...


class SituationRule:
    """On while the situation is one of ``when``, for ``hold`` seconds at least, and for ``release`` seconds after it.

    With ``pulse`` it goes off after so many seconds, and is on again only after the situation was over for ``release``
    seconds. While nobody can be judged it is off at once. That ends no situation: a faltering camera starts no pulse.
    """

    rest = False

    def __init__(self, config: SituationOutputConfig) -> None:
        self.due = math.inf
        self._when = frozenset(config.when)
        self._hold, self._release = config.hold, config.release
        self._pulse = config.pulse if isinstance(config, PinConfig) and config.pulse else math.inf
        self._since: float | None = None  # since when it is on, or would be if its pulse were not over
        self._over_at: float | None = None  # since when the situation is over
        self._blind = True

    def update(self, sight: Sight, now: float) -> bool:
        """See ``Rule``."""
        self.due = math.inf
        was_blind, self._blind = self._blind, sight.in_zone == "unknown"
        if self._blind:
            return False
        if self._since is not None and self._over_at is not None and now >= self._end(self._since, self._over_at):
            self._since = self._over_at = None
        if sight.in_zone in self._when:
            self._since, self._over_at = now if self._since is None else self._since, None
        elif was_blind:  # whoever was there went unseen
            self._since = self._over_at = None
        elif self._since is not None and self._over_at is None:
            self._over_at = now
        return self._since is not None and self._is_on(self._since, now)

    def _is_on(self, since: float, now: float) -> bool:
        pulse_ends = since + self._pulse
        ends = math.inf if self._over_at is None else self._end(since, self._over_at)
        self.due = min((moment for moment in (pulse_ends, ends) if moment > now), default=math.inf)
        return now < min(pulse_ends, ends)

    def _end(self, since: float, over_at: float) -> float:
        return max(since + self._hold, over_at + self._release)


def rule_for(config: SituationOutputConfig) -> Rule:
    """Returns what decides about an output."""
    if is_interlock(config):
        return Interlock(config)
    return SituationRule(config)
