"""Tests ``edge.people.motion``: what changed since the last search, on drawn images and with sensor noise."""

import tracemalloc
from itertools import islice

import cv2
import numpy as np
import pytest

from edge.bench.clip import empty_doorway
from edge.camera.frames import Image
from edge.faces.geometry import Box
from edge.people.motion import CELL_SIDE, MotionGate

WHOLE = Box(0, 0, 640, 480)


def wall(height: int = 480, width: int = 640) -> Image:
    """Draws a smooth wall that is lighter to the right."""
    ramp = np.linspace(60, 160, width, dtype=np.uint8)
    return np.repeat(np.repeat(ramp[np.newaxis, :, np.newaxis], height, axis=0), 3, axis=2)


def with_person(image: Image, x: int, y: int, side: int = 48, level: int = 200) -> Image:
    changed = image.copy()
    cv2.rectangle(changed, (x, y), (x + side, y + side), (level, level, level), -1)
    return changed


def searched(image: Image) -> MotionGate:
    gate = MotionGate()
    gate.update(image)
    gate.mark_searched([WHOLE], image)
    return gate


def cells_of(box: Box, gate: MotionGate) -> set[tuple[int, int]]:
    """Returns the cells whose middle lies in a box of a 640x480 image."""
    rows, columns = gate.grid
    across, down = 640 / columns, 480 / rows
    return {
        (row, column)
        for row in range(rows)
        for column in range(columns)
        if box.x0 <= (column + 0.5) * across < box.x1 and box.y0 <= (row + 0.5) * down < box.y1
    }


def test_the_first_frame_counts_as_changed_everywhere() -> None:
    gate = MotionGate()
    assert gate.update(wall()) and gate.changed_cells().all()


def test_a_searched_frame_that_stays_the_same_is_unchanged() -> None:
    gate = searched(wall())
    assert not gate.update(wall()) and not gate.changed_cells().any()


@pytest.mark.parametrize("side", [40, 48, 120])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (300, 200), (123, 77)])
def test_a_person_changes_the_cells_they_cover_and_no_others(side: int, x: int, y: int) -> None:
    gate = searched(wall())
    assert gate.update(with_person(wall(), x, y, side))
    changed = set(zip(*map(list, np.nonzero(gate.changed_cells())), strict=True))
    assert changed >= cells_of(Box(x, y, x + side, y + side), gate)
    room = 640 // 16
    assert changed <= cells_of(Box(x - room, y - room, x + side + room, y + side + room), gate)


def test_only_the_searched_part_counts_as_unchanged() -> None:
    gate = searched(wall())
    two = with_person(with_person(wall(), 40, 40), 400, 300)
    gate.update(two)
    gate.mark_searched([Box(0, 0, 200, 200)], two)
    gate.update(two)
    changed = gate.changed_cells()
    assert changed.any() and not changed[:5, :5].any()


def test_a_slow_change_is_detected() -> None:
    """Each frame differs from the one before by less than the threshold."""
    gate = searched(wall())
    steps = [gate.update(with_person(wall(), 300, 200, 80, level=110 + step)) for step in range(0, 40, 2)]
    assert steps[-1], "the changes add up"


@pytest.mark.parametrize("sigma", [2.0, 6.0, 12.0])
def test_noise_is_not_motion_once_it_is_measured(sigma: float) -> None:
    rng = np.random.default_rng(1)

    def noisy(image: Image) -> Image:
        return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)

    gate, changes = MotionGate(), []
    for _ in range(120):
        image = noisy(wall())
        changes.append(gate.update(image))
        if changes[-1]:
            gate.mark_searched([WHOLE], image)
    assert sum(changes[40:]) <= 2
    assert gate.update(noisy(with_person(wall(), 300, 200, 64, level=220)))


def test_a_face_against_the_light_is_motion() -> None:
    """The face is ten levels above a dark background, in the noise of a good sensor."""
    rng = np.random.default_rng(2)

    def dark(image: Image) -> Image:
        return np.clip(image * 0.16 + 12 + rng.normal(0, 1.0, image.shape), 0, 255).astype(np.uint8)

    gate = MotionGate()
    for _ in range(60):
        image = dark(wall())
        if gate.update(image):
            gate.mark_searched([WHOLE], image)
    assert gate.update(dark(with_person(wall(), 300, 200, 64, level=190)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (480, 2), (240, 320), (1080, 1920), (37, 53)])
def test_images_and_luma_of_any_size(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    gate = MotionGate()
    assert gate.update(image)
    gate.mark_searched([Box(0, 0, shape[1], shape[0])], image)
    assert not gate.update(image)
    luma = np.full((max(1, shape[0] // 2), max(1, shape[1] // 2)), 90, np.uint8)
    assert gate.update(image, luma), "another size counts as changed everywhere"
    assert gate.grid[0] >= 1 and gate.grid[1] == 80 // CELL_SIDE


def test_an_unchanged_frame_allocates_no_image() -> None:
    """A door shows ten thousand such frames in a quarter of an hour."""
    frames = list(islice(empty_doorway(64), 64))
    gate = MotionGate()
    for frame in frames:
        if gate.update(frame.image):
            gate.mark_searched([WHOLE], frame.image)
    tracemalloc.start()
    gate.update(frames[0].image)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for frame in frames[1:20]:
        gate.update(frame.image)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tiny = 80 * 60
    assert peak - before < tiny and now - before < tiny / 2
