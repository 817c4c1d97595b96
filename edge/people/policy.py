"""Decides what is worth an alert: evidence over several frames, hysteresis, one alert per person and episode.

A sighting of a person counts with its probabilities for ``window`` seconds. A person counts as bare when the mean
probability of a fault (no mask, or a mask worn incorrectly) reaches ``threshold``. The two faults are added, because a
third class must not split the evidence for the first; the more probable of them names the alert. The evidence must be
at least ``frames`` sightings, over ``seconds`` seconds, and in at least ``persistence`` of the searched frames: a logo
that the cascade detects only occasionally has too few.

Where frames are rare, because of a slow camera or a slow machine, the last ``frames`` sightings count however old they
are, if at most two frames in between did not show the person. Below one frame per second nobody is judged, unless
``window`` is long enough for that.

A person counts as masked by the same rule with the probability of a mask. Only after being masked can the same person
start another episode; a mean between the thresholds changes nothing.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..config.schema import DecideConfig
from ..faces.face import FAULTS, EventType
from .pace import LONGEST_GAP_S, LONGEST_LOOK_S, RARE_LOOK_S
from .tracker import Track

Verdict = Literal["mask"] | EventType
PersonState = Literal["unknown", "unsure"] | Verdict
"""``unknown`` until there is enough evidence, ``unsure`` while enough evidence is undecided, else the last verdict."""
JUDGED: frozenset[PersonState] = frozenset(("mask", *FAULTS))
Sighting = tuple[float, dict[str, float]]
"""When a face was seen, and the probability of each label."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One person without a correctly worn mask, in one episode.

    ``score`` is the mean probability of a fault, ``frames`` the number of sightings in the evidence, ``seen_s`` the
    time since the person was first seen.
    """

    event_type: EventType
    track: int
    time: float
    score: float
    frames: int
    seen_s: float
    box: tuple[int, int, int, int]


@dataclass(slots=True)
class _Person:
    """What is known of one track. ``pending`` means that an alert is due but waits for the cool-down."""

    sightings: deque[Sighting] = field(default_factory=deque)
    state: PersonState = "unknown"
    alerted: float | None = None
    pending: bool = False


def longest_look(rules: DecideConfig) -> float:
    """Returns the seconds between two looks up to which people can be judged by these rules."""
    intervals = max(rules.frames - 1, 1 if rules.seconds else 0)
    return max(LONGEST_LOOK_S, rules.window / intervals) if intervals else math.inf


class Policy:
    """Turns tracks into alerts."""

    def __init__(self, rules: DecideConfig) -> None:
        self.change(rules)
        self._people: dict[int, _Person] = {}
        self._searches: deque[float] = deque()
        self._window = rules.window

    @property
    def states(self) -> dict[int, PersonState]:
        """What each present person counts as, by the key of their track."""
        return {key: person.state for key, person in self._people.items()}

    def change(self, rules: DecideConfig) -> None:
        """Judges by other rules from the next sighting on; what is known of the people stays. For the loop's thread."""
        self._rules = rules
        self._longest_window = max(rules.window, (rules.frames + 1) * LONGEST_LOOK_S)

    def settled(self, track: Track) -> bool:
        """Returns whether a person is judged, has no alert pending, and the last sighting confirmed the judgement."""
        person = self._people.get(track.key)
        if person is None or person.state not in JUDGED or person.pending or track.face is None:
            return False
        return (track.face.label == "mask") == (person.state == "mask")

    def update(self, tracks: Sequence[Track], now: float, interval: float = 0.0) -> list[Alert]:
        """Takes the people present at ``now``, after a search, and the time between frames (``Pace``).

        Returns the alerts that are due.
        """
        rules = self._rules
        rare = interval if RARE_LOOK_S < interval <= LONGEST_LOOK_S else 0.0
        self._window = max(rules.window, (rules.frames + 1) * rare)
        if self._searches and now - self._searches[-1] > max(rules.window, LONGEST_GAP_S):
            self._searches.clear()
            for person in self._people.values():
                person.sightings.clear()
        _append(self._searches, now, now - self._longest_window)
        self._people = {track.key: self._people.get(track.key, _Person()) for track in tracks}
        alerts = [self._judge(track, self._people[track.key], now) for track in tracks if track.face is not None]
        return [alert for alert in alerts if alert is not None]

    def _judge(self, track: Track, person: _Person, now: float) -> Alert | None:
        assert track.face is not None
        person.sightings.append((now, track.face.probabilities))
        while person.sightings[0][0] < now - self._longest_window:
            person.sightings.popleft()
        evidence = self._evidence(person, now)
        verdict, score = self._verdict(track, evidence)
        if verdict is None or verdict == "unsure":
            if verdict and person.state == "unknown":
                person.state = verdict
            return None
        if verdict != person.state:
            # one fault after another belongs to the same episode; only a mask in between opens the next
            person.pending = verdict in FAULTS and (person.pending or person.state not in FAULTS)
            person.state = verdict
        if verdict == "mask" or not person.pending or not self._cooled_down(person, now):
            return None
        person.pending, person.alerted = False, now
        seen = round(now - track.first_seen, 3)
        return Alert(verdict, track.key, now, score, len(evidence), seen, track.box)

    def _evidence(self, person: _Person, now: float) -> list[Sighting]:
        """Returns the sightings that count: those within the configured window, or as many as a judgement needs."""
        within = [sighting for sighting in person.sightings if sighting[0] >= now - self._window]
        recent = sum(moment >= now - self._rules.window for moment, _ in within)
        return within[-max(recent, self._rules.frames) :]

    def _verdict(self, track: Track, evidence: Sequence[Sighting]) -> tuple[Verdict | Literal["unsure"] | None, float]:
        """Returns what the evidence says of the person, and the score; None if it is too little."""
        count, now = len(evidence), evidence[-1][0]
        span = now - evidence[0][0]
        start = max(track.first_seen, now - max(span, self._rules.window))
        searches = sum(moment >= start for moment in self._searches)
        if count < self._rules.frames or span < self._rules.seconds or count < self._rules.persistence * searches:
            return None, 0.0
        means = {
            label: sum(probabilities.get(label, 0.0) for _, probabilities in evidence) / count
            for label in evidence[-1][1]
            if label != "not_face"
        }
        fault = max((name for name in FAULTS if name in means), key=lambda name: means[name], default=None)
        fault_score = sum(means.get(name, 0.0) for name in FAULTS)
        verdicts: tuple[tuple[Verdict | None, float], ...] = (
            (fault, fault_score),
            ("mask", means.get("mask", 0.0)),
        )
        for verdict, score in verdicts:
            if verdict is not None and score >= self._rules.threshold:
                return verdict, min(1.0, score)
        # an object that passes for a face now and then is nobody, also where it is not rejected
        is_face = fault_score + means.get("mask", 0.0) >= self._rules.threshold
        return "unsure" if is_face else None, 0.0

    def _cooled_down(self, person: _Person, now: float) -> bool:
        return person.alerted is None or now - person.alerted >= self._rules.cool_down


def _append(times: deque[float], now: float, oldest: float) -> None:
    times.append(now)
    while times[0] < oldest:
        times.popleft()
