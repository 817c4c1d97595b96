"""Follows people: assigns the faces of each frame to tracks, across the gaps that a frontal-face cascade leaves.

The result depends only on the detections and their times. Matching is greedy, nearest first, on the distance between
predicted and detected centre in face widths. The overlap of boxes would not do: at 5 frames per second a person who
walks 1.4 m/s moves 28 cm between two frames, nearly two widths of a face.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..faces.face import Face
from ..faces.geometry import Box
from .pace import LONGEST_LOOK_S, RARE_LOOK_S

GATE_WIDTHS = 0.6
"""Distance in face widths from the predicted centre up to which a face seen a moment ago is matched."""
GATE_WIDTHS_PER_S = 6.0
"""Growth of that distance in face widths per second since the last sighting (1 m/s past the door)."""
GATE_GROWTH_S = 0.2
"""Time for which the distance grows; a face further away may be anybody's."""
LONGEST_GROWTH_S = 0.5
"""Time for which it grows at most where looks are rare. Half a metre: anyone who walks further from look to look is out
of the picture before the fourth one."""
PREDICTION_S = 0.3
"""Time for which a track is predicted to move on straight; then its predicted position stays."""
MAX_SIZE_RATIO = 1.8
"""Largest ratio between the widths of one person's face in two consecutive sightings."""
RARE_SIZE_RATIO = 2.5
"""The same for a face that has grown, where looks are a second apart: coming from 2 m to 1 m doubles the size."""
MISSED_SHARE = 0.5
"""Share of the limits for a person who was not found at the last look, where looks are rare. In a simulation of people
who come one after the other at 1 to 3 frames per second, half as many were taken for the one before as with 1."""
LOOKS_TO_FORGET = 3
"""Looks without the face after which a person is gone where looks are rare, however short ``forget`` is."""


def gate_widths(elapsed: float, interval: float = 0.0) -> float:
    """Returns the matching distance in face widths, ``elapsed`` seconds after the last sighting.

    ``interval`` is the time between two looks. It lets the distance grow where looks are rare.
    """
    growth = min(max(interval, GATE_GROWTH_S), LONGEST_GROWTH_S)
    return GATE_WIDTHS + GATE_WIDTHS_PER_S * min(elapsed, growth)


def size_ratio(interval: float) -> float:
    """Returns the largest ratio between the widths of one person's face in two looks, ``interval`` seconds apart."""
    rare = min(max(0.0, interval - GATE_GROWTH_S) / (1 - GATE_GROWTH_S), 1.0)
    return MAX_SIZE_RATIO + (RARE_SIZE_RATIO - MAX_SIZE_RATIO) * rare


@dataclass(slots=True)
class Track:
    """One person. ``face`` is their face in the latest searched frame, None if it was not found there.

    ``velocity`` is in pixels per second, ``(x, y)``. ``interval`` is the time between two looks, which a
    face that was found may have used to move; it is 0 for a face that was not found: it may be anybody's next time.
    """

    key: int
    box: Box
    first_seen: float
    last_seen: float
    face: Face | None
    velocity: tuple[float, float] = (0.0, 0.0)
    interval: float = 0.0

    def expected(self, now: float) -> tuple[float, float]:
        """Predicts the centre of the face, in pixels ``(x, y)``."""
        ahead = min(now - self.last_seen, PREDICTION_S)
        x, y = self.box.centre
        return x + self.velocity[0] * ahead, y + self.velocity[1] * ahead


class Tracker:
    """Follows faces. A person who was not seen for ``forget`` seconds is gone."""

    def __init__(self, *, forget: float) -> None:
        self._forget = forget
        self._tracks: list[Track] = []
        self._next = 1

    def update(self, faces: Sequence[Face], now: float, interval: float = 0.0) -> list[Track]:
        """Takes the faces found at ``now`` (seconds that never decrease), and the time between frames (``Pace``).

        Returns the people present, including those whose face was not found this time.
        """
        rare = interval > RARE_LOOK_S
        forget = max(self._forget, LOOKS_TO_FORGET * min(interval, LONGEST_LOOK_S)) if rare else self._forget
        self._tracks = [track for track in self._tracks if now - track.last_seen <= forget]
        pairs = sorted(
            (misfit, t, f)
            for t, track in enumerate(self._tracks)
            for f, face in enumerate(faces)
            if (misfit := _misfit(track, face.box, now, rare)) is not None
        )
        for track in self._tracks:
            track.face = None
        free_tracks, free_faces = set(range(len(self._tracks))), set(range(len(faces)))
        for _, t, f in pairs:
            if t in free_tracks and f in free_faces:
                free_tracks.remove(t)
                free_faces.remove(f)
                _assign(self._tracks[t], faces[f], now)
        for f in sorted(free_faces):
            self._tracks.append(Track(self._next, faces[f].box, now, now, faces[f]))
            self._next += 1
        for track in self._tracks:
            track.interval = interval if rare and track.face is not None else 0.0
        return list(self._tracks)


def _misfit(track: Track, box: Box, now: float, rare: bool) -> float | None:
    """Returns how badly a detection fits a track; None if it cannot be the same person.

    That is the distance in face widths. Where looks are ``rare``, it is distance and change of size, each relative to
    its limit. The limits of a person who was not found at the last look, and may have left, are narrow then.
    """
    smaller, larger = max(1, min(track.box.width, box.width)), max(1, track.box.width, box.width)
    ratio, largest = larger / smaller, size_ratio(track.interval) if box.width > track.box.width else MAX_SIZE_RATIO
    (x, y), (bx, by) = track.expected(now), box.centre
    distance = float(((x - bx) ** 2 + (y - by) ** 2) ** 0.5) / larger
    gate = gate_widths(now - track.last_seen, track.interval)
    if rare and track.face is None:
        gate, largest = gate * MISSED_SHARE, 1 + (largest - 1) * MISSED_SHARE
    if ratio > largest or distance > gate:
        return None
    return distance / gate + math.log(ratio) / math.log(largest) if rare else distance


def _assign(track: Track, face: Face, now: float) -> None:
    elapsed = now - track.last_seen
    if elapsed > 0:  # smoothed over about three sightings, because a cascade's boxes vary by some pixels
        (x, y), (bx, by) = track.box.centre, face.box.centre
        step = ((bx - x) / elapsed, (by - y) / elapsed)
        track.velocity = (0.7 * track.velocity[0] + 0.3 * step[0], 0.7 * track.velocity[1] + 0.3 * step[1])
    track.box = face.box
    track.face = face
    track.last_seen = now
