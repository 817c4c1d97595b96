"""Is it worth telling anyone: evidence over several frames, hysteresis, one alert per person and episode.

Each sighting of a person weighs in with its probabilities for ``window`` seconds. Someone counts as bare when the
mean probability of no mask or of one worn wrongly reaches ``threshold``: a third class must not split the evidence
for the first, and the likelier of the two names the alert. That takes at least ``frames`` sightings over ``seconds``
seconds and in at least ``persistence`` of the pictures looked at: a logo on which the cascade flickers has too few.
Masked is the mirror image, and only being masked again opens the next episode: a mean that wavers in between changes
nothing.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..config.schema import DecideConfig
from ..faces.face import FAULTS, EventType
from .tracker import Track

DEFAULTS = DecideConfig()
Verdict = Literal["mask"] | EventType
PersonState = Literal["unknown"] | Verdict


@dataclass(frozen=True, slots=True)
class Alert:
    """One person, one episode. ``score`` is the mean probability of a fault, ``frames`` the sightings behind it."""

    event_type: EventType
    track: int
    time: float
    score: float
    frames: int
    seen_s: float
    box: tuple[int, int, int, int]


@dataclass(slots=True)
class _Person:
    sightings: deque[tuple[float, dict[str, float]]] = field(default_factory=deque)
    state: PersonState = "unknown"
    alerted: float | None = None
    pending: bool = False


class Policy:
    """Turns tracks into alerts. ``states`` tells what each present person counts as."""

    def __init__(self, rules: DecideConfig = DEFAULTS) -> None:
        self._rules = rules
        self._people: dict[int, _Person] = {}
        self._looked: deque[float] = deque()

    @property
    def states(self) -> dict[int, PersonState]:
        """``unknown``, ``mask``, ``no_mask`` or ``incorrect_mask`` by track key."""
        return {key: person.state for key, person in self._people.items()}

    def settled(self, track: Track) -> bool:
        """Whether another look at them would tell nothing new: judged, nothing to tell, and the last look agreed."""
        person = self._people.get(track.key)
        if person is None or person.state == "unknown" or person.pending or track.face is None:
            return False
        return (track.face.label == "mask") == (person.state == "mask")

    def update(self, tracks: Sequence[Track], now: float) -> list[Alert]:
        """The alerts that this frame completes."""
        _append(self._looked, now, now - self._rules.window)
        self._people = {track.key: self._people.get(track.key, _Person()) for track in tracks}
        alerts = [self._judge(track, self._people[track.key], now) for track in tracks if track.face is not None]
        return [alert for alert in alerts if alert is not None]

    def _judge(self, track: Track, person: _Person, now: float) -> Alert | None:
        assert track.face is not None
        person.sightings.append((now, track.face.probabilities))
        while person.sightings[0][0] < now - self._rules.window:
            person.sightings.popleft()
        verdict, score = self._verdict(track, person)
        if verdict is None:
            return None
        if verdict != person.state:
            # from one fault to another is the same episode; only a mask in between opens the next
            person.pending = verdict in FAULTS and (person.pending or person.state not in FAULTS)
            person.state = verdict
        if verdict == "mask" or not person.pending or not self._cool(person, now):
            return None
        person.pending, person.alerted = False, now
        seen = round(now - track.first_seen, 3)
        return Alert(verdict, track.key, now, score, len(person.sightings), seen, track.box)

    def _verdict(self, track: Track, person: _Person) -> tuple[Verdict | None, float]:
        """What the evidence says the person is, or None where it is too thin or divided."""
        count = len(person.sightings)
        span = person.sightings[-1][0] - person.sightings[0][0]
        looked = sum(moment >= max(track.first_seen, self._looked[0]) for moment in self._looked)
        if count < self._rules.frames or span < self._rules.seconds or count < self._rules.persistence * looked:
            return None, 0.0
        means = {
            label: sum(seen.get(label, 0.0) for _, seen in person.sightings) / count
            for label in person.sightings[-1][1]
            if label != "not_face"
        }
        fault = max((name for name in FAULTS if name in means), key=lambda name: means[name], default=None)
        wrong = sum(means.get(name, 0.0) for name in FAULTS)
        verdicts: tuple[tuple[Verdict | None, float], ...] = ((fault, wrong), ("mask", means.get("mask", 0.0)))
        for verdict, score in verdicts:
            if verdict is not None and score >= self._rules.threshold:
                return verdict, min(1.0, score)
        return None, 0.0

    def _cool(self, person: _Person, now: float) -> bool:
        return person.alerted is None or now - person.alerted >= self._rules.cool_down


def _append(moments: deque[float], now: float, oldest: float) -> None:
    moments.append(now)
    while moments[0] < oldest:
        moments.popleft()
