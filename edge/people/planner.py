"""Plans which parts of a frame to search. Most frames at a door show nothing new and need almost no computation.

The planner searches where something changed, where a person is expected, and from time to time the full frame.
A person who stands still changes nothing but is still followed, and a person who was missed while moving gets another
chance.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Frame
from ..config.schema import DecideConfig, DetectConfig
from ..faces.detector import Region, Zones, full_frame_region
from ..faces.geometry import Box, clip
from .motion import MotionGate
from .tracker import Track, gate_widths

RELOOK_UNJUDGED_S = 0.06
"""Time between two searches for a person who is not judged yet, or whose last sighting contradicted the judgement."""
RELOOK_JUDGED_S = 0.5
"""Time between two searches for a person who is judged."""
MOTION_INTERVAL_S = 0.13
"""Time between two searches of changed cells that no tracked person explains."""
EXPLAINED_MOTION_INTERVAL_S = 0.6
"""Time between two searches of changed cells beside and below a tracked face. Most likely that person moves, but
another one may come up behind."""
FULL_SWEEP_INTERVAL_S = 3.0
"""Time between two searches of the full frame, changed or not."""
EARLY_FRAME_S = 0.005
"""Time by which a camera's frame may come early and still be searched."""
SIZE_RANGE = (0.6, 1.5)
"""Smallest and largest face to search for around a tracked face, relative to its width. Of 100 searches for a person
who was present, 6 missed the face with a lower limit of 0.7, and 4 with 0.6 (five clips, three conditions). With 0.5
also 4 missed it, at a higher cost."""
JUDGED_MOVE_WIDTHS = 0.5
"""Face widths that a judged person may move until the next search for them."""
STEADY_GATE_SHARE = 0.3
"""Share of the tracker's matching distance that is searched for a person who was found where expected."""
SEARCH_MARGIN_WIDTHS = 0.65
"""Half a face and the room around it that a search needs, in face widths."""
COARSE_SIZE_RATIO = 1.1
"""Ratio of the smallest sizes of two coarse searches in a row: one searches the sizes that the other leaves out."""
IsSettled = Callable[[Track], bool]


class Planner(Protocol):
    """Says which parts of a frame to search."""

    def plan(self, frame: Frame, tracks: Sequence[Track], is_settled: IsSettled) -> list[Region]:
        """Returns the regions to search; an empty list means that the frame is skipped.

        ``tracks`` are those of the last search. ``is_settled`` returns whether another sighting of a person would
        add nothing.
        """
        ...


def open_planner(detect: DetectConfig, decide: DecideConfig) -> Planner:
    """Returns the planner that the configuration asks for."""
    return RegionPlanner(detect, decide) if detect.gate else FullFramePlanner(detect)


class FullFramePlanner:
    """Searches every frame completely, whatever it costs."""

    def __init__(self, detect: DetectConfig) -> None:
        self._min_face = detect.min_face

    def plan(self, frame: Frame, tracks: Sequence[Track], is_settled: IsSettled) -> list[Region]:
        """See ``Planner``."""
        return [full_frame_region(frame.image, self._min_face)]


class RegionPlanner:
    """Searches only the parts of a frame that may show something new."""

    def __init__(self, detect: DetectConfig, decide: DecideConfig) -> None:
        self._min_face = detect.min_face
        self._zones = Zones(detect.zones)
        # at least twice as many searches as a judgement needs
        self._relook_unjudged = min(RELOOK_UNJUDGED_S, decide.window / (2 * decide.frames))
        self._judging_time = decide.seconds
        self._gate = MotionGate()
        self._watched: NDArray[np.bool_] = np.ones((1, 1), np.bool_)
        self._tracks_searched_at = float("-inf")
        self._motion_searched_at = float("-inf")
        self._explained_searched_at = float("-inf")
        self._swept_at = float("-inf")
        self._skip_even_sizes = True

    def plan(self, frame: Frame, tracks: Sequence[Track], is_settled: IsSettled) -> list[Region]:
        """See ``Planner``."""
        changed, now = self._gate.update(frame.image, frame.luma), frame.time + EARLY_FRAME_S
        full = Box(0, 0, frame.image.shape[1], frame.image.shape[0])
        if now - self._swept_at >= FULL_SWEEP_INTERVAL_S:
            return self._sweep(frame, full)
        regions = (
            self._motion_regions(frame, full, tracks)
            if changed and now - self._motion_searched_at >= MOTION_INTERVAL_S
            else []
        )
        if regions or any(now - self._tracks_searched_at >= self._interval(track, is_settled) for track in tracks):
            regions += [self._track_region(track, frame, full) for track in tracks]
            self._tracks_searched_at = frame.time
        if len(regions) > 1 and sum(region.cost for region in regions) > full.area / self._min_face**2 / 2:
            return self._sweep(frame, full)
        return [region for region in regions if min(region.box.width, region.box.height) >= region.min_face]

    def _sweep(self, frame: Frame, full: Box) -> list[Region]:
        boxes = _boxes_around(self._watched_cells(), full, self._min_face)
        self._gate.mark_searched([full], frame.image)
        self._tracks_searched_at = self._motion_searched_at = frame.time
        self._explained_searched_at = self._swept_at = frame.time
        return [self._coarse_region(box) for box in boxes]

    def _watched_cells(self) -> NDArray[np.bool_]:
        """Returns the cells that the zones cover."""
        if self._watched.shape != self._gate.grid:
            self._watched = self._zones.mask(*self._gate.grid)
        return self._watched

    def _motion_regions(self, frame: Frame, full: Box, tracks: Sequence[Track]) -> list[Region]:
        cells = self._gate.changed_cells() & self._watched_cells()
        if frame.time - self._explained_searched_at < EXPLAINED_MOTION_INTERVAL_S:
            for track in tracks:
                cells[_body_cells(track.box, full, cells.shape)] = False
        else:
            self._explained_searched_at = frame.time
        boxes = _boxes_around(cells, full, self._min_face)
        if boxes:
            self._motion_searched_at = frame.time
            self._gate.mark_searched(boxes, frame.image)
        return [self._coarse_region(box) for box in boxes]

    def _coarse_region(self, box: Box) -> Region:
        """Searches for faces of every size, every second step of the sizes at a time."""
        self._skip_even_sizes = not self._skip_even_sizes
        min_face = round(self._min_face * (COARSE_SIZE_RATIO if self._skip_even_sizes else 1))
        return Region(box, min_face, max(box.width, box.height), coarse=True)

    def _interval(self, track: Track, is_settled: IsSettled) -> float:
        """Returns the seconds between the last search for a person and the next; it grows while they are not found."""
        if track.face is None:
            return max(self._relook_unjudged, (self._tracks_searched_at - track.last_seen) / 3)
        if not is_settled(track):
            # the frame after which a judgement may be due must be searched
            left = track.first_seen + self._judging_time - self._tracks_searched_at
            return left if 0 < left < self._relook_unjudged else self._relook_unjudged
        speed = math.hypot(*track.velocity)
        if not speed:
            return RELOOK_JUDGED_S
        # before the person leaves the tracker's matching distance
        return max(self._relook_unjudged, min(RELOOK_JUDGED_S, JUDGED_MOVE_WIDTHS * track.box.width / speed))

    def _track_region(self, track: Track, frame: Frame, full: Box) -> Region:
        """Returns the region from where the face was to where it is expected.

        It includes everything within the tracker's matching distance, or a share of it for a person who was found
        where expected.
        """
        width = track.box.width
        (x0, x1), (y0, y1) = map(sorted, zip(track.box.centre, track.expected(frame.time), strict=True))
        steady = track.face is not None and track.last_seen > track.first_seen
        distance = gate_widths(frame.time - track.last_seen, track.interval) * (STEADY_GATE_SHARE if steady else 1)
        side = (distance + SEARCH_MARGIN_WIDTHS) * width
        box = clip(Box(round(x0 - side), round(y0 - side), round(x1 + side), round(y1 + side)), full)
        return Region(box, max(self._min_face, round(SIZE_RANGE[0] * width)), round(SIZE_RANGE[1] * width))


def _body_cells(face: Box, full: Box, grid: tuple[int, ...]) -> tuple[slice, slice]:
    """Returns the cells that a person's movements change: a face's width to each side, from above it to the floor."""
    down, across = grid[0] / full.height, grid[1] / full.width
    top = int((face.y0 - face.height / 2) * down)
    left, right = (face.x0 - face.width) * across, (face.x1 + face.width) * across
    return slice(max(0, top), grid[0]), slice(max(0, int(left)), max(0, int(right) + 1))


def _boxes_around(cells: NDArray[np.bool_], full: Box, min_face: int) -> list[Box]:
    """Returns boxes in pixels around cells that touch, with room for a face of which only a part moved."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    down, across = full.height / cells.shape[0], full.width / cells.shape[1]
    boxes = []
    for x, y, w, h, _ in stats[1:count].tolist():
        x0, y0, x1, y1 = int(x * across), int(y * down), int((x + w) * across), int((y + h) * down)
        pad = max(min_face, min(x1 - x0, y1 - y0) // 2)
        boxes.append(clip(Box(x0 - pad, y0 - pad, x1 + pad, y1 + pad), full))
    return boxes
