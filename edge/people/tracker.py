"""Follows people: assigns the faces of each frame to tracks, across the gaps that a frontal-face cascade leaves.

The result depends only on the detections and their times. Matching is greedy, nearest first, on the distance between
predicted and detected centre in face widths. The overlap of boxes would not do: at 5 frames per second a person who
walks 1.4 m/s moves 28 cm between two frames, nearly two widths of a face.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..faces.face import Face
from ..faces.geometry import Box

GATE_WIDTHS = 0.6
"""Distance in face widths from the predicted centre up to which a face seen a moment ago is matched."""
GATE_WIDTHS_PER_S = 6.0
"""Growth of that distance in face widths per second since the last sighting (1 m/s past the door)."""
GATE_GROWTH_S = 0.2
"""Time for which the distance grows; a face further away may be anybody's."""
PREDICTION_S = 0.3
"""Time for which a track is predicted to move on straight; then its predicted position stays."""
MAX_SIZE_RATIO = 1.8
"""Largest ratio between the widths of one person's face in two consecutive sightings."""


def gate_widths(elapsed: float) -> float:
    """Returns the matching distance in face widths, ``elapsed`` seconds after the last sighting."""
    return GATE_WIDTHS + GATE_WIDTHS_PER_S * min(elapsed, GATE_GROWTH_S)


@dataclass(slots=True)
class Track:
    """One person. ``face`` is their face in the latest searched frame, None if it was not found there.

    ``velocity`` is in pixels per second, ``(x, y)``.
    """

    key: int
    box: Box
    first_seen: float
    last_seen: float
    face: Face | None
    velocity: tuple[float, float] = (0.0, 0.0)

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

    def update(self, faces: Sequence[Face], now: float) -> list[Track]:
        """Takes the faces found at ``now`` (seconds that never decrease).

        Returns the people present, including those whose face was not found this time.
        """
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
                _assign(self._tracks[t], faces[f], now)
        for f in sorted(free_faces):
            self._tracks.append(Track(self._next, faces[f].box, now, now, faces[f]))
            self._next += 1
        return list(self._tracks)


def _distance(track: Track, box: Box, now: float) -> float | None:
    """Returns the distance of a detection from a track in face widths; None if it cannot be the same person."""
    sizes = sorted((track.box.width, box.width))
    if sizes[1] > MAX_SIZE_RATIO * max(1, sizes[0]):
        return None
    (x, y), (bx, by) = track.expected(now), box.centre
    distance = float(((x - bx) ** 2 + (y - by) ** 2) ** 0.5) / max(1, sizes[1])
    return distance if distance <= gate_widths(now - track.last_seen) else None


def _assign(track: Track, face: Face, now: float) -> None:
    elapsed = now - track.last_seen
    if elapsed > 0:  # smoothed over about three sightings, because a cascade's boxes vary by some pixels
        (x, y), (bx, by) = track.box.centre, face.box.centre
        step = ((bx - x) / elapsed, (by - y) / elapsed)
        track.velocity = (0.7 * track.velocity[0] + 0.3 * step[0], 0.7 * track.velocity[1] + 0.3 * step[1])
    track.box = face.box
    track.face = face
    track.last_seen = now
