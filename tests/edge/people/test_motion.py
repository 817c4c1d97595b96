"""edge.people.motion: what changed since it was searched, on drawn pictures and with real noise."""

import tracemalloc
from itertools import islice

import cv2
import numpy as np
import pytest

from edge.bench.clip import empty
from edge.camera.frames import Image
from edge.faces.geometry import Box
from edge.people.motion import CELL, MotionGate

WHOLE = Box(0, 0, 640, 480)


def wall(height: int = 480, width: int = 640) -> Image:
    """A smooth wall, lighter to the right."""
    ramp = np.linspace(60, 160, width, dtype=np.uint8)
    return np.repeat(np.repeat(ramp[np.newaxis, :, np.newaxis], height, axis=0), 3, axis=2)


def somebody(image: Image, x: int, y: int, side: int = 48, level: int = 200) -> Image:
    with_them = image.copy()
    cv2.rectangle(with_them, (x, y), (x + side, y + side), (level, level, level), -1)
    return with_them


def searched(image: Image) -> MotionGate:
    gate = MotionGate()
    gate.look(image)
    gate.searched([WHOLE], image)
    return gate


def cells_of(box: Box, gate: MotionGate) -> set[tuple[int, int]]:
    """The cells whose middle lies in a box of a 640x480 picture."""
    rows, columns = gate.cells
    across, down = 640 / columns, 480 / rows
    return {
        (row, column)
        for row in range(rows)
        for column in range(columns)
        if box.x0 <= (column + 0.5) * across < box.x1 and box.y0 <= (row + 0.5) * down < box.y1
    }


def test_the_first_picture_is_new_everywhere() -> None:
    gate = MotionGate()
    assert gate.look(wall()) and gate.changed().all()


def test_what_was_searched_and_stays_is_not_looked_at_again() -> None:
    gate = searched(wall())
    assert not gate.look(wall()) and not gate.changed().any()


@pytest.mark.parametrize("side", [40, 48, 120])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (300, 200), (123, 77)])
def test_who_comes_changes_the_cells_they_cover_and_no_others(side: int, x: int, y: int) -> None:
    gate = searched(wall())
    assert gate.look(somebody(wall(), x, y, side))
    changed = set(zip(*map(list, np.nonzero(gate.changed())), strict=True))
    assert changed >= cells_of(Box(x, y, x + side, y + side), gate)
    room = 640 // 16
    assert changed <= cells_of(Box(x - room, y - room, x + side + room, y + side + room), gate)


def test_a_part_that_was_searched_is_quiet_and_the_rest_is_not() -> None:
    gate = searched(wall())
    two = somebody(somebody(wall(), 40, 40), 400, 300)
    gate.look(two)
    gate.searched([Box(0, 0, 200, 200)], two)
    gate.look(two)
    changed = gate.changed()
    assert changed.any() and not changed[:5, :5].any()


def test_who_comes_slowly_is_seen_all_the_same() -> None:
    """A picture differs from the one before by less than anything that counts."""
    gate = searched(wall())
    steps = [gate.look(somebody(wall(), 300, 200, 80, level=110 + step)) for step in range(0, 40, 2)]
    assert steps[-1], "the change added up"


@pytest.mark.parametrize("sigma", [2.0, 6.0, 12.0])
def test_a_sensors_noise_is_no_motion_once_it_is_known(sigma: float) -> None:
    rng = np.random.default_rng(1)

    def noisy(image: Image) -> Image:
        return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)

    gate, looks = MotionGate(), []
    for _ in range(120):
        image = noisy(wall())
        looks.append(gate.look(image))
        if looks[-1]:
            gate.searched([WHOLE], image)
    assert sum(looks[40:]) <= 2
    assert gate.look(noisy(somebody(wall(), 300, 200, 64, level=220)))


def test_a_face_against_the_light_is_motion() -> None:
    """Ten levels from a dark background, in a quiet sensor's noise."""
    rng = np.random.default_rng(2)

    def dark(image: Image) -> Image:
        return np.clip(image * 0.16 + 12 + rng.normal(0, 1.0, image.shape), 0, 255).astype(np.uint8)

    gate = MotionGate()
    for _ in range(60):
        image = dark(wall())
        if gate.look(image):
            gate.searched([WHOLE], image)
    assert gate.look(dark(somebody(wall(), 300, 200, 64, level=190)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (480, 2), (240, 320), (1080, 1920), (37, 53)])
def test_pictures_of_any_size_and_luma_of_its_own(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    gate = MotionGate()
    assert gate.look(image)
    gate.searched([Box(0, 0, shape[1], shape[0])], image)
    assert not gate.look(image)
    luma = np.full((max(1, shape[0] // 2), max(1, shape[1] // 2)), 90, np.uint8)
    assert gate.look(image, luma), "another camera, or another size: everything is new"
    assert gate.cells[0] >= 1 and gate.cells[1] == 80 // CELL


def test_an_idle_picture_allocates_no_picture() -> None:
    """Ten thousand idle pictures a quarter of an hour: none of them may cost memory."""
    frames = list(islice(empty(64), 64))
    gate = MotionGate()
    for frame in frames:
        if gate.look(frame.image):
            gate.searched([WHOLE], frame.image)
    tracemalloc.start()
    gate.look(frames[0].image)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for frame in frames[1:20]:
        gate.look(frame.image)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tiny = 80 * 60
    assert peak - before < tiny and now - before < tiny / 2
