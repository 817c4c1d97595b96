"""Drives one actuator: by its rule, and beside it by a mute, a test and the emergency release."""

import logging
import math
from collections.abc import Callable
from contextlib import suppress

from ..config.outputs import (
    SITUATIONS,
    PinConfig,
    Situation,
    SituationOutputConfig,
    SoundConfig,
    is_interlock,
)
from ..config.sounds import read_sounds
from ..errors import ConfigError, OutputError
from .driver import Actuator, Release, Testable
from .rules import rule_for
from .situation import Sight

log = logging.getLogger(__name__)
RETRY_S = 1.0
"""Seconds until hardware that did not answer is tried again."""
REFRESH_S = 5.0
"""Seconds after which an actuator is set again to what it is, so that a fault is noticed that came meanwhile."""
WORST_FIRST = ("drive", "release", "zone", "end")
"""What may be wrong with an output; one sentence is reported at a time."""
TEST_S = 2.0
"""Seconds for which a test turns an output on, if it is no shorter pulse and no sound."""


class DrivenActuator:
    """An actuator and what decides about it. Belongs to the thread ``outputs``, except ``muted`` and ``test``.

    ``problem`` is what is wrong with it in one sentence, or None. ``report`` receives each change of it.
    """

    def __init__(
        self,
        config: SituationOutputConfig,
        actuator: Actuator,
        report: Callable[[str | None], None],
        release: Release | None = None,
    ) -> None:
        self.name, self.zone = config.name, config.zone
        self.muted = False
        self.problem: str | None = None
        self.tests = 0  # how many tests have begun
        self.refusal: str | None = None  # why nothing was seen or heard of the last one
        self._actuator, self._release = actuator, release
        self._report = report
        self._rule = rule_for(config)
        self._when: tuple[Situation, ...] = (
            ("mask",) if is_interlock(config) else tuple(one for one in SITUATIONS if one in config.when)
        )
        self._test_s = seconds_of_test(config)
        self._test_wanted = False
        self._test_ends = -math.inf
        self._shown: Situation | None = None  # the situation in which it is on
        self._set: tuple[bool, Situation | None] | None = None  # what it was set to; None if that is not known
        self._release_at = -math.inf  # when the release is read again
        self._again_at = -math.inf  # when it is set again, changed or not
        self._faults: dict[str, str] = {}

    def test(self) -> None:
        """Turns it on once, at the next step. Any thread may call it."""
        self._test_wanted = True

    def step(self, sight: Sight, now: float, fault: str | None = None) -> float:
        """Sets the actuator as it has to be at ``now``. Returns when to step again (monotonic seconds).

        ``fault`` says why nobody can be seen for this output, if the configuration is the reason.
        """
        if began := self._test_wanted:
            self._test_wanted, self._test_ends, self._again_at = False, now + self._test_s, now
            self.refusal = self._refusal()
        self._note("zone", fault)
        self._drive(self._is_on(sight, now), sight.in_zone, now)
        self.tests += began
        moments = (self._rule.due, self._test_ends, self._again_at)
        return min((moment for moment in moments if moment > now), default=math.inf)

    def rest(self) -> None:
        """Sets it to where it has to be while nobody watches."""
        self._drive(self._rule.rest, "unknown", math.inf)

    def close(self) -> None:
        """Gives it back."""
        self._attempt("end", self._actuator.close)
        if self._release is not None:
            self._attempt("end", self._release.close)

    def _refusal(self) -> str | None:
        """Tells the actuator of a test, if it must know; returns why it does nothing."""
        try:
            if isinstance(self._actuator, Testable):
                self._actuator.test()
        except OutputError as error:
            return str(error)
        return None

    def _is_on(self, sight: Sight, now: float) -> bool:
        on = self._rule.update(sight, now)  # always, so that it knows what happened in the meantime
        if now < self._test_ends or self._is_released(now):
            return True
        return self._rule.rest if self.muted or "release" in self._faults else on

    def _is_released(self, now: float) -> bool:
        """Returns whether the emergency release is active. An interlock whose release cannot be read rests."""
        release, active = self._release, False
        if release is None or now < self._release_at:
            return False

        def read() -> None:
            nonlocal active
            active = release.active()

        self._release_at = now if self._attempt("release", read) else now + RETRY_S
        return active

    def _drive(self, on: bool, situation: Situation, now: float) -> None:
        if situation in self._when or self._shown is None:
            self._shown = situation if situation in self._when else None
        shown = (self._shown or self._when[0]) if on else None  # a test, or the release, has no situation
        if not on:
            self._shown = None
        # hardware that does not answer may not cost time at each frame
        if now < self._again_at and (self._set == (on, shown) or self._set is None):
            return
        done = self._attempt("drive", lambda: self._actuator.set(on, shown or situation))
        self._set = (on, shown) if done else None
        self._again_at = now + (REFRESH_S if done else RETRY_S)

    def _attempt(self, what: str, work: Callable[[], None]) -> bool:
        """Does what may fail. A driver that breaks must not take the others with it."""
        try:
            work()
        except OutputError as error:
            self._note(what, str(error))
        except Exception as error:
            if what not in self._faults:
                log.exception("output %s: a driver failed", self.name)
            self._note(what, f"{type(error).__name__}: {error}")
        else:
            self._note(what, None)
        return what not in self._faults

    def _note(self, what: str, fault: str | None) -> None:
        if fault is None:
            self._faults.pop(what, None)
        else:
            self._faults[what] = fault
        text = next((f"output {self.name}: {self._faults[one]}" for one in WORST_FIRST if one in self._faults), None)
        if text != self.problem:
            self.problem = text
            self._report(text)


def seconds_of_test(config: SituationOutputConfig) -> float:
    """Returns for how long a test turns an output on: a sound is heard in all languages."""
    if isinstance(config, SoundConfig):
        with suppress(ConfigError):  # the output itself reports it
            return TEST_S + max(sum(file.seconds for file in files) for files in read_sounds(config).values())
    return min(TEST_S, config.pulse or TEST_S) if isinstance(config, PinConfig) else TEST_S
