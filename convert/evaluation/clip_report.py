"""Compares the alerts of clips with the truth, and computes what other thresholds would cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edge.config.schema import Config
from edge.people.policy import Alert

from .clips import ClipFaces, Spans, raise_alerts

FALSE_COST = 60.0
"""Cost of a false alert, in seconds during which a bare person is not reported. People who are accused wrongly once a
day stop believing the alerts, while a bare person who is reported a second late is still at the door."""
LATE = 1.0
"""Seconds after a person was last bare in which an alert about them is still right, because evidence takes time."""
THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Values of ``decide.threshold`` that are tried."""


@dataclass(frozen=True, slots=True)
class ClipOutcome:
    """Compares the alerts of one clip with its truth.

    ``delays`` are the seconds from being bare to the alert, per reported person. ``missed_s`` are all seconds in which
    a bare person was not reported.
    """

    clip: str
    condition: str
    alerts: int
    right: int
    missed: int
    false: int
    delays: tuple[float, ...]
    missed_s: float

    @property
    def cost(self) -> float:
        return FALSE_COST * self.false + self.missed_s

    def entry(self) -> dict[str, Any]:
        """Returns the outcome for a report file."""
        return {
            "clip": self.clip,
            "how": self.condition,
            "alerts": self.alerts,
            "right": self.right,
            "missed": self.missed,
            "false": self.false,
            "delays": self.delays,
            "missed_s": self.missed_s,
        }


def score_clip(faces: ClipFaces, alerts: Sequence[Alert]) -> ClipOutcome:
    """Counts right, missed and false alerts.

    The first alert about each bare person is right. Alerts beyond the expected number, or while nobody is bare, are
    false. An alert during a transition is right if the expected number allows for it.
    """
    clip = faces.clip
    least, most = (min(clip.expected), max(clip.expected)) if clip.expected is not None else (0, len(alerts))
    reported, delays, missed = _match(clip.bare, alerts, must_report=least > 0)
    in_transition = [
        number
        for number, alert in enumerate(alerts)
        if number not in reported and any(start <= alert.time <= end + LATE for start, end in clip.transitions)
    ]
    right = len(reported) + len(in_transition[: max(0, most - len(reported))])
    counted = clip.expected is not None
    return ClipOutcome(
        clip=clip.path.name,
        condition=faces.condition,
        alerts=len(alerts),
        right=right if counted else 0,
        missed=len(missed),
        false=len(alerts) - right if counted else 0,
        delays=tuple(delays),
        missed_s=float(sum(delays) + sum(missed)),
    )


def _match(bare: Spans, alerts: Sequence[Alert], must_report: bool) -> tuple[set[int], list[float], list[float]]:
    """Assigns to each bare person the first alert within their time that is not yet assigned.

    Returns the numbers of those alerts, their delays in seconds, and the seconds of the people who were missed. With
    ``must_report`` False nobody is missed: they are bare too briefly.
    """
    reported, delays, missed = set[int](), list[float](), list[float]()
    for start, end in bare:
        in_time = (n for n, alert in enumerate(alerts) if n not in reported and start <= alert.time <= end + LATE)
        number = next(in_time, None)
        if number is not None:
            reported.add(number)
            delays.append(alerts[number].time - start)
        elif must_report:
            missed.append(end - start)
    return reported, delays, missed


@dataclass(frozen=True, slots=True)
class ThresholdTrial:
    """The outcomes of one threshold over all clips and conditions. ``mean_delay`` is in seconds."""

    threshold: float
    right: int
    missed: int
    false: int
    mean_delay: float
    cost: float


def sweep_thresholds(
    clips: Sequence[ClipFaces], config: Config, thresholds: Sequence[float] = THRESHOLDS
) -> list[ThresholdTrial]:
    """Tries each threshold on the same faces."""
    return [_try(clips, config, threshold) for threshold in thresholds]


def _try(clips: Sequence[ClipFaces], config: Config, threshold: float) -> ThresholdTrial:
    changed = replace(config, decide=replace(config.decide, threshold=threshold))
    outcomes = [score_clip(faces, raise_alerts(faces, changed)) for faces in clips]
    delays = [delay for outcome in outcomes for delay in outcome.delays]
    return ThresholdTrial(
        threshold=threshold,
        right=sum(outcome.right for outcome in outcomes),
        missed=sum(outcome.missed for outcome in outcomes),
        false=sum(outcome.false for outcome in outcomes),
        mean_delay=round(float(np.mean(delays)) if delays else 0.0, 3),
        cost=round(sum(outcome.cost for outcome in outcomes), 2),
    )


def cheapest(trials: Sequence[ThresholdTrial], configured: float) -> ThresholdTrial:
    """Returns the trial of least cost. Among equals it is the one nearest to the configured threshold."""
    return min(trials, key=lambda trial: (trial.cost, abs(trial.threshold - configured)))


def table(outcomes: Sequence[ClipOutcome]) -> str:
    """Returns one line per clip and condition, and their sums."""
    lines = [f"{'clip':24} {'condition':12} {'alerts':>7} {'right':>6} {'missed':>7} {'false':>6} {'delay s':>8}"]
    lines += [
        f"{one.clip:24} {one.condition:12} {one.alerts:7} {one.right:6} {one.missed:7} {one.false:6} {_longest(one)}"
        for one in outcomes
    ]
    alerts, right = sum(one.alerts for one in outcomes), sum(one.right for one in outcomes)
    missed, false = sum(one.missed for one in outcomes), sum(one.false for one in outcomes)
    longest = max((delay for one in outcomes for delay in one.delays), default=0.0)
    return "\n".join([*lines, f"{'all':24} {'':12} {alerts:7} {right:6} {missed:7} {false:6} {longest:8.2f}"])


def _longest(outcome: ClipOutcome) -> str:
    return f"{max(outcome.delays):8.2f}" if outcome.delays else f"{'-':>8}"


def sweep_table(trials: Sequence[ThresholdTrial], configured: float) -> str:
    """Returns one line per threshold, with a mark at the cheapest."""
    chosen = cheapest(trials, configured)
    lines = [f"{'threshold':>9} {'right':>6} {'missed':>7} {'false':>6} {'mean delay s':>13} {'cost':>8}"]
    lines += [
        f"{trial.threshold:9.2f} {trial.right:6} {trial.missed:7} {trial.false:6} {trial.mean_delay:13.2f} "
        f"{trial.cost:8.1f}" + (" <" if trial is chosen else "")
        for trial in trials
    ]
    cost = f"cost: {FALSE_COST:g} per false alert, 1 per second in which a bare person is not reported"
    return "\n".join([*lines, cost])
