"""What ``edge.camera.live.Sight`` says of pictures that never change and of pictures that show nothing."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.cameras import Image, as_jpeg, black, clip_pictures, picture

from edge.camera.live import DARK, FROZEN, ConditionWatch

STEP = 0.1


def seen(
    sight: ConditionWatch, pictures: Callable[[int], Image], start: float, seconds: float
) -> list[tuple[float, str]]:
    """(seconds since ``start``, condition) at every change while the pictures of ``seconds`` are looked at."""
    changes: list[tuple[float, str]] = []
    for number in range(round(seconds / STEP)):
        condition = sight.look(pictures(number), start + number * STEP)
        if not changes or changes[-1][1] != condition:
            changes.append((number * STEP, condition))
    return changes


def flat(value: int) -> Callable[[int], Image]:
    """A surface of one brightness, with a sensor's noise."""

    def look(number: int) -> Image:
        noise = np.random.default_rng(number).normal(value, 1.0, (120, 160, 3))
        return np.asarray(noise.clip(0, 255), np.uint8)

    return look


def room(brightness: float) -> Callable[[int], Image]:
    """A room with things in it, more or less lit."""

    def look(number: int) -> Image:
        image = np.zeros((120, 160, 3), np.float64)
        image[::2] = 40 * brightness
        image[40:80, 50:110] = 250 * brightness
        return np.asarray((image + np.random.default_rng(number).normal(0, 1, image.shape)).clip(0, 255), np.uint8)

    return look


def test_moving_pictures_are_seen() -> None:
    assert seen(ConditionWatch(), picture, 0, 30) == [(0.0, "ok")]


def test_the_same_picture_again_and_again_is_frozen_in_time_and_clears_at_once() -> None:
    sight = ConditionWatch()
    assert seen(sight, picture, 100, 3) == [(0.0, "ok")]
    changes = seen(sight, lambda number: picture(0), 103, 12)
    assert [condition for _, condition in changes] == ["ok", "frozen"]
    assert FROZEN <= changes[1][0] <= FROZEN + 0.5 <= 10
    assert sight.look(picture(1), 116) == "ok"


def test_black_pictures_are_dark_in_time_and_clear_at_once() -> None:
    sight = ConditionWatch()
    seen(sight, picture, 0, 3)
    changes = seen(sight, black, 3, 12)
    assert [condition for _, condition in changes] == ["ok", "dark"]
    assert DARK <= changes[1][0] <= DARK + 0.5 <= 10
    assert sight.look(picture(1), 16) == "ok"


@pytest.mark.parametrize("value", [0, 60, 128, 200, 255])
def test_a_covered_or_dazzled_lens_is_dark_whatever_its_brightness(value: int) -> None:
    assert seen(ConditionWatch(), flat(value), 0, 10)[-1][1] == "dark"


@pytest.mark.parametrize("brightness", [0.25, 0.5, 1.0])
def test_a_dim_room_with_something_in_it_is_no_fault(brightness: float) -> None:
    assert seen(ConditionWatch(), room(brightness), 0, 20) == [(0.0, "ok")]


def test_a_black_picture_that_never_changes_at_all_is_told_as_something() -> None:
    changes = seen(ConditionWatch(), lambda number: np.zeros((120, 160, 3), np.uint8), 0, 12)
    assert [condition for _, condition in changes] == ["ok", "dark", "frozen"]


def test_a_short_flicker_or_pause_is_no_fault() -> None:
    sight = ConditionWatch()
    for start in range(0, 60, 6):
        assert seen(sight, black, start, DARK - 1) == [(0.0, "ok")]
        assert seen(sight, picture, start + 3, 2.5) == [(0.0, "ok")]


def test_a_light_at_the_edge_of_darkness_does_not_make_it_waver() -> None:
    """Between the two limits the last word stands."""
    sight = ConditionWatch()
    seen(sight, flat(10), 0, 10)
    faint = [sight.look(np.asarray(flat(18)(n), np.uint8), 10 + n * STEP) for n in range(100)]
    assert set(faint) == {"dark"}


def test_another_size_counts_as_movement() -> None:
    sight, small, large = ConditionWatch(), picture(0), np.asarray(cv2.resize(picture(0), (320, 240)), np.uint8)
    conditions = {sight.look(small if number // 50 % 2 else large, number * STEP) for number in range(300)}
    assert conditions == {"ok"}


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (7, 7, 3), (9, 1, 3)])
def test_the_smallest_pictures_are_looked_at_without_a_fault(shape: tuple[int, ...]) -> None:
    def rng(n: int) -> NDArray[np.uint8]:
        return np.random.default_rng(n).integers(0, 256, shape, np.uint8)

    assert {sight for _, sight in seen(ConditionWatch(), rng, 0, 8)} <= {"ok", "dark"}


def test_the_limits_can_be_shorter() -> None:
    sight = ConditionWatch(frozen=0.5, dark=0.2)
    assert [c for _, c in seen(sight, lambda number: picture(0), 0, 2)] == ["ok", "frozen"]


def test_the_bundled_clip_is_always_seen(door: object) -> None:
    """Nobody there for a while, people who stand still, a coded stream: none of that is a frozen camera."""
    pictures = [np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1)) for jpeg in clip_pictures(door, 0, 430, 3)]
    sight = ConditionWatch()
    conditions = {sight.look(image, number * 0.2) for number, image in enumerate(pictures)}
    assert conditions == {"ok"} and len(as_jpeg(pictures[0])) > 1000
