"""Which parts of this picture are worth a search. Most pictures of a door show nothing new, and cost next to nothing.

Searched are the places where something changed, where somebody is expected, and now and then everything: who stands
still changes nothing and is followed all the same, and who was missed while moving gets another chance.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Frame
from ..config.schema import DecideConfig, DetectConfig
from ..faces.detector import Region, Zones, whole_picture
from ..faces.geometry import Box, clip
from .motion import MotionGate
from .tracker import REACH, SPEED, Track

QUICK = 0.06
"""Seconds between two looks at somebody who is not judged yet, or about whom the last look raised a doubt."""
CALM = 0.5
"""Seconds between two looks at somebody who is judged."""
FRESH = 0.13
"""Seconds between two searches of what changes, while nobody known explains it."""
STALE = 0.6
"""The same below and beside a known face: that is who it belongs to, most likely, but somebody may come behind."""
SWEEP = 3.0
"""Seconds after which everything is searched, changed or not."""
SLACK = 0.005
"""Seconds that a camera's pictures may come early."""
SIZES = (0.6, 1.5)
"""Sizes, as shares of a known face's width, that it is searched for next. From 0.7 on, 6 of 100 looks at somebody who
was there missed the face (five clips, three conditions), from 0.6 on 4, and from 0.5 on as many, but it cost more."""
NEAR = 0.5
"""Face widths that somebody who is judged may move until the next look at them."""
STEADY = 0.3
"""Share of the tracker's reach within which somebody's face is searched who was found where expected."""
MARGIN = 0.65
"""Half a face and the room around it that a search needs, in face widths."""
STEP = 1.1
"""Ratio of the smallest sizes of two coarse searches in a row: the sizes that one leaves out, the next has."""
WANTED, RULES = DetectConfig(), DecideConfig()
Settled = Callable[[Track], bool]


class Planner(Protocol):
    """Anything that says what to search."""

    def plan(self, frame: Frame, tracks: Sequence[Track], settled: Settled) -> list[Region]:
        """The regions of this picture to search; none, and the picture is passed over.

        ``tracks`` are as of the last search; ``settled`` tells about whom another look would tell nothing new.
        """
        ...


def open_planner(wanted: DetectConfig, rules: DecideConfig) -> Planner:
    """The planner that the configuration asks for."""
    return RegionPlanner(wanted, rules) if wanted.gate else EveryPicture(wanted)


class EveryPicture:
    """All of every picture, whatever it costs."""

    def __init__(self, wanted: DetectConfig) -> None:
        self._min_face = wanted.min_face

    def plan(self, frame: Frame, tracks: Sequence[Track], settled: Settled) -> list[Region]:
        """See ``Planner``."""
        return [whole_picture(frame.image, self._min_face)]


class RegionPlanner:
    """The parts of a picture that may tell something new."""

    def __init__(self, wanted: DetectConfig = WANTED, rules: DecideConfig = RULES) -> None:
        self._min_face, self._zones = wanted.min_face, Zones(wanted.zones)
        self._quick = min(QUICK, rules.window / (2 * rules.frames))  # twice the looks that a judgement needs
        self._seconds = rules.seconds
        self._gate = MotionGate()
        self._watched: NDArray[np.bool_] = np.ones((1, 1), np.bool_)
        self._looked = self._searched = self._explained = self._swept = float("-inf")
        self._odd = True

    def plan(self, frame: Frame, tracks: Sequence[Track], settled: Settled) -> list[Region]:
        """See ``Planner``."""
        changed, now = self._gate.look(frame.image, frame.luma), frame.time + SLACK
        whole = Box(0, 0, frame.image.shape[1], frame.image.shape[0])
        if now - self._swept >= SWEEP:
            return self._sweep(frame, whole)
        regions = self._changed(frame, whole, tracks) if changed and now - self._searched >= FRESH else []
        if regions or any(now - self._looked >= self._patience(track, settled) for track in tracks):
            regions += [self._around(track, frame, whole) for track in tracks]
            self._looked = frame.time
        if len(regions) > 1 and sum(region.cost for region in regions) > whole.area / self._min_face**2 / 2:
            return self._sweep(frame, whole)
        return [region for region in regions if min(region.box.width, region.box.height) >= region.least]

    def _sweep(self, frame: Frame, whole: Box) -> list[Region]:
        boxes = _blobs(self._watch(), whole, self._min_face)
        self._gate.searched([whole], frame.image)
        self._looked = self._searched = self._explained = self._swept = frame.time
        return [self._coarse(box) for box in boxes]

    def _watch(self) -> NDArray[np.bool_]:
        """The cells in which a face counts."""
        if self._watched.shape != self._gate.cells:
            self._watched = self._zones.cells(*self._gate.cells)
        return self._watched

    def _changed(self, frame: Frame, whole: Box, tracks: Sequence[Track]) -> list[Region]:
        cells = self._gate.changed() & self._watch()
        if frame.time - self._explained < STALE:
            for track in tracks:
                cells[_body(track.box, whole, cells.shape)] = False
        else:
            self._explained = frame.time
        boxes = _blobs(cells, whole, self._min_face)
        if boxes:
            self._searched = frame.time
            self._gate.searched(boxes, frame.image)
        return [self._coarse(box) for box in boxes]

    def _coarse(self, box: Box) -> Region:
        """For faces of every size, every other step of them at a time."""
        self._odd = not self._odd
        return Region(box, round(self._min_face * (STEP if self._odd else 1)), max(box.width, box.height), coarse=True)

    def _patience(self, track: Track, settled: Settled) -> float:
        """Seconds after the last look when this person is worth another; ever longer for who is not found again."""
        if track.face is None:
            return max(self._quick, (self._looked - track.last_seen) / 3)
        if not settled(track):
            left = track.first_seen + self._seconds - self._looked  # till a judgement may be due: not a picture later
            return left if 0 < left < self._quick else self._quick
        speed = math.hypot(*track.velocity)  # before they are out of the tracker's reach
        return max(self._quick, min(CALM, NEAR * track.box.width / speed)) if speed else CALM

    def _around(self, track: Track, frame: Frame, whole: Box) -> Region:
        """From where the face was to where it should be; wherever the tracker would take it for theirs, if little is
        known of that."""
        width = track.box.width
        (x0, x1), (y0, y1) = map(sorted, zip(track.box.centre, track.expected(frame.time), strict=True))
        followed = track.face is not None and track.last_seen > track.first_seen
        reach = (REACH + SPEED * min(frame.time - track.last_seen, 0.2)) * (STEADY if followed else 1) + MARGIN
        side = reach * width
        box = clip(Box(round(x0 - side), round(y0 - side), round(x1 + side), round(y1 + side)), whole)
        return Region(box, max(self._min_face, round(SIZES[0] * width)), round(SIZES[1] * width))


def _body(face: Box, whole: Box, cells: tuple[int, ...]) -> tuple[slice, slice]:
    """The cells that somebody's movements change: a face's width to each side, from above it to the floor."""
    down, across = cells[0] / whole.height, cells[1] / whole.width
    top = int((face.y0 - face.height / 2) * down)
    left, right = (face.x0 - face.width) * across, (face.x1 + face.width) * across
    return slice(max(0, top), cells[0]), slice(max(0, int(left)), max(0, int(right) + 1))


def _blobs(cells: NDArray[np.bool_], whole: Box, min_face: int) -> list[Box]:
    """Boxes in pixels around cells that touch, with room for a face of which only a part moved."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    down, across = whole.height / cells.shape[0], whole.width / cells.shape[1]
    boxes = []
    for x, y, w, h, _ in stats[1:count].tolist():
        x0, y0, x1, y1 = int(x * across), int(y * down), int((x + w) * across), int((y + h) * down)
        pad = max(min_face, min(x1 - x0, y1 - y0) // 2)
        boxes.append(clip(Box(x0 - pad, y0 - pad, x1 + pad, y1 + pad), whole))
    return boxes
