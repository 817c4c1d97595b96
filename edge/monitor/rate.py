"""Notices a camera or a machine that is too slow to judge anybody."""

from ..camera.frames import Frame
from ..people.pace import LONGEST_LOOK_S, SHORTEST_LOOK_S, Pace

MEASURED = 9
"""Intervals over which rates are measured."""
MIN_MEASURED = 4
"""Intervals below which nothing is said."""
CLEAR_SHARE = 0.88
"""Share of the longest time between two looks below which a slow camera or machine is fast enough again. The gap keeps
the problem from alternating."""


class RateWatch:
    """Measures how often people can be looked at. ``problem`` is a sentence, the same until it is over, or None.

    The times are those of the frames, so a recording has the same result at any speed. A camera is as slow as its
    frames follow one another, including those that were dropped. A machine is as slow as the next frame follows one
    that was searched: in between it may take frames quickly.
    """

    def __init__(self, name: str, longest: float = LONGEST_LOOK_S) -> None:
        """``longest`` is the time between two looks, in seconds, up to which people can be judged."""
        self.problem: str | None = None
        self._name = name
        self._longest = longest
        self.reset()

    def reset(self) -> None:
        """Forgets what was measured, because frames do not count now."""
        self.problem = None
        self._frames, self._looks = Pace(MEASURED), Pace(MEASURED)
        self._last: Frame | None = None
        self._begun: Frame | None = None  # the first frame of this look
        self._searched, self._dropped = False, 0

    def update(self, frame: Frame, searched: bool) -> None:
        """Takes the next frame that has passed through the loop, and whether it was searched."""
        interval = frame.time - self._begun.time if self._begun else 0.0
        self._dropped += frame.number - self._last.number - 1 if self._last else 0
        self._last = frame
        if self._begun and interval < SHORTEST_LOOK_S:
            self._searched = self._searched or searched
            return
        if self._begun:
            self._frames.add(interval / (1 + self._dropped))
            if self._searched:
                self._looks.add(interval)
        self._begun, self._searched, self._dropped = frame, searched, 0
        self.problem = self._find_problem()

    def _find_problem(self) -> str | None:
        clear, longest = self._longest * CLEAR_SHARE, self._longest
        if self.problem and any(_is_slow(pace, clear) for pace in (self._frames, self._looks)):
            return self.problem
        if _is_slow(self._frames, longest):
            return camera_problem(self._name, self._frames.interval, longest)
        return machine_problem(self._looks.interval, longest) if _is_slow(self._looks, longest) else None


def _is_slow(pace: Pace, limit: float) -> bool:
    """Returns whether the intervals are known to be longer than ``limit`` seconds."""
    return pace.count >= MIN_MEASURED and pace.interval > limit


def camera_problem(name: str, interval: float, longest: float = LONGEST_LOOK_S) -> str:
    """Says that a camera gives a frame only every ``interval`` seconds, and what to do."""
    return f"{name} gives {_rates(interval, longest)}; raise the frame rate in the camera's settings and [source] fps"


def machine_problem(interval: float, longest: float = LONGEST_LOOK_S) -> str:
    """Says that a search takes ``interval`` seconds, and what to do."""
    return (
        f"this machine searches {_rates(interval, longest)}; choose smaller pictures ([source] width and height, or "
        "the camera's settings), raise [detect] min_face, or end other programs"
    )


def _rates(interval: float, longest: float) -> str:
    needed = min(1.0, LONGEST_LOOK_S / longest)
    return f"{1 / interval:.2f} frames per second, too few to judge anybody: at least {needed:.2g} is needed"
