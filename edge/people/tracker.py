"""Who is who over time: one identity a person, across the gaps that a frontal-face cascade leaves.

A pure function of detections and their times. Greedy matching, nearest first, on the distance between predicted and
found centre in face widths. Overlap of boxes would not do: at 5 pictures a second somebody who walks 1.4 m/s moves
28 cm from one to the next, nearly two widths of a face.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..faces.face import Face
from ..faces.geometry import Box

REACH = 0.6
"""Face widths that a face may be from where it was expected, when seen a moment ago."""
SPEED = 6.0
"""Further face widths a second since (1 m/s past the door), for the first 0.2 s: beyond that it may be anybody."""
RESIZE = 1.8
"""Largest ratio between the sizes of one person's face in consecutive sightings."""


@dataclass(slots=True)
class Track:
    """One person. ``face`` is what was seen of them in this very frame, None in a gap."""

    key: int
    box: Box
    first_seen: float
    last_seen: float
    face: Face | None
    velocity: tuple[float, float] = (0.0, 0.0)

    def expected(self, now: float) -> tuple[float, float]:
        """Where the face's centre should be: straight on for at most 0.3 s, then where that was."""
        ahead = min(now - self.last_seen, 0.3)
        x, y = self.box.centre
        return x + self.velocity[0] * ahead, y + self.velocity[1] * ahead


class Tracker:
    """Follows faces; a person unseen for ``forget`` seconds is gone."""

    def __init__(self, *, forget: float = 3.0) -> None:
        self._forget = forget
        self._tracks: list[Track] = []
        self._next = 1

    def update(self, faces: Sequence[Face], now: float) -> list[Track]:
        """The people present at ``now`` (seconds, never going back), those in a gap included."""
        self._tracks = [track for track in self._tracks if now - track.last_seen <= self._forget]
        for track in self._tracks:
            track.face = None
        pairs = sorted(
            (distance, t, f)
            for t, track in enumerate(self._tracks)
            for f, face in enumerate(faces)
            if (distance := _distance(track, face.box, now)) is not None
        )
        free_tracks, free_faces = set(range(len(self._tracks))), set(range(len(faces)))
        for _, t, f in pairs:
            if t in free_tracks and f in free_faces:
                free_tracks.remove(t)
                free_faces.remove(f)
                _see(self._tracks[t], faces[f], now)
        for f in sorted(free_faces):
            self._tracks.append(Track(self._next, faces[f].box, now, now, faces[f]))
            self._next += 1
        return list(self._tracks)


def _distance(track: Track, box: Box, now: float) -> float | None:
    """Face widths between expectation and find; None if it cannot be the same person."""
    sizes = sorted((track.box.width, box.width))
    if sizes[1] > RESIZE * max(1, sizes[0]):
        return None
    (x, y), (bx, by) = track.expected(now), box.centre
    distance = float(((x - bx) ** 2 + (y - by) ** 2) ** 0.5) / max(1, sizes[1])
    return distance if distance <= REACH + SPEED * min(now - track.last_seen, 0.2) else None


def _see(track: Track, face: Face, now: float) -> None:
    elapsed = now - track.last_seen
    if elapsed > 0:  # smoothed over about three sightings: a cascade's boxes jump by some pixels
        (x, y), (bx, by) = track.box.centre, face.box.centre
        step = ((bx - x) / elapsed, (by - y) / elapsed)
        track.velocity = (0.7 * track.velocity[0] + 0.3 * step[0], 0.7 * track.velocity[1] + 0.3 * step[1])
    track.box, track.face, track.last_seen = face.box, face, now
