"""Tests ``edge.camera.condition``: frozen cameras, covered lenses, and pictures that are neither."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.cameras import Image, as_jpeg, black, clip_pictures, picture

from edge.camera.condition import DARK_AFTER_S, FROZEN_AFTER_S, SETTLING_S, ConditionWatch

STEP = 0.1


def changes_of(
    watch: ConditionWatch, pictures: Callable[[int], Image], start: float, seconds: float
) -> list[tuple[float, str]]:
    """Shows a watch the pictures of ``seconds``; returns (seconds since ``start``, condition) at every change."""
    changes: list[tuple[float, str]] = []
    for number in range(round(seconds / STEP)):
        condition = watch.update(pictures(number), start + number * STEP)
        if not changes or changes[-1][1] != condition:
            changes.append((number * STEP, condition))
    return changes


def flat(value: int) -> Callable[[int], Image]:
    """Draws a surface of one brightness, with a sensor's noise."""

    def draw(number: int) -> Image:
        noise = np.random.default_rng(number).normal(value, 1.0, (120, 160, 3))
        return np.asarray(noise.clip(0, 255), np.uint8)

    return draw


def room(brightness: float) -> Callable[[int], Image]:
    """Draws a room with things in it; ``brightness`` is 0..1."""

    def draw(number: int) -> Image:
        image = np.zeros((120, 160, 3), np.float64)
        image[::2] = 40 * brightness
        image[40:80, 50:110] = 250 * brightness
        return np.asarray((image + np.random.default_rng(number).normal(0, 1, image.shape)).clip(0, 255), np.uint8)

    return draw


def test_changing_pictures_are_ok() -> None:
    assert changes_of(ConditionWatch(), picture, 0, 30) == [(0.0, "ok")]


def test_a_repeated_picture_becomes_frozen_in_time_and_clears_at_once() -> None:
    watch = ConditionWatch()
    assert changes_of(watch, picture, 100, 3) == [(0.0, "ok")]
    changes = changes_of(watch, lambda number: picture(0), 103, 12)
    assert [condition for _, condition in changes] == ["ok", "frozen"]
    assert FROZEN_AFTER_S <= changes[1][0] <= FROZEN_AFTER_S + 0.5 <= 10
    assert watch.update(picture(1), 116) == "ok"


def test_black_pictures_become_dark_in_time_and_clear_at_once() -> None:
    watch = ConditionWatch()
    changes_of(watch, picture, 0, 3)
    changes = changes_of(watch, black, 3, 12)
    assert [condition for _, condition in changes] == ["ok", "dark"]
    assert DARK_AFTER_S <= changes[1][0] <= DARK_AFTER_S + 0.5 <= 10
    assert watch.update(picture(1), 16) == "ok"


@pytest.mark.parametrize("value", [0, 60, 128, 200, 255])
def test_a_covered_or_dazzled_lens_is_dark_whatever_its_brightness(value: int) -> None:
    assert changes_of(ConditionWatch(), flat(value), 0, 10)[-1][1] == "dark"


@pytest.mark.parametrize("brightness", [0.25, 0.5, 1.0])
def test_a_dim_room_with_something_in_it_is_ok(brightness: float) -> None:
    assert changes_of(ConditionWatch(), room(brightness), 0, 20) == [(0.0, "ok")]


def test_a_constant_black_picture_becomes_dark_then_frozen() -> None:
    changes = changes_of(ConditionWatch(), lambda number: np.zeros((120, 160, 3), np.uint8), 0, 12)
    assert [condition for _, condition in changes] == ["ok", "dark", "frozen"]


def test_a_short_flicker_or_pause_is_ok() -> None:
    watch = ConditionWatch()
    for start in range(0, 60, 6):
        assert changes_of(watch, black, start, DARK_AFTER_S - 1) == [(0.0, "ok")]
        assert changes_of(watch, picture, start + 3, 2.5) == [(0.0, "ok")]


def test_brightness_between_the_two_limits_keeps_the_condition() -> None:
    watch = ConditionWatch()
    changes_of(watch, flat(10), 0, 10)
    faint = [watch.update(np.asarray(flat(18)(n), np.uint8), 10 + n * STEP) for n in range(100)]
    assert set(faint) == {"dark"}


def test_a_change_of_size_counts_as_a_change() -> None:
    watch, small, large = ConditionWatch(), picture(0), np.asarray(cv2.resize(picture(0), (320, 240)), np.uint8)
    conditions = {watch.update(small if number // 50 % 2 else large, number * STEP) for number in range(300)}
    assert conditions == {"ok"}


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (7, 7, 3), (9, 1, 3)])
def test_the_smallest_pictures_are_accepted(shape: tuple[int, ...]) -> None:
    def rng(n: int) -> NDArray[np.uint8]:
        return np.random.default_rng(n).integers(0, 256, shape, np.uint8)

    assert {condition for _, condition in changes_of(ConditionWatch(), rng, 0, 8)} <= {"ok", "dark"}


def test_the_time_limits_are_parameters() -> None:
    watch = ConditionWatch(frozen_after=0.5, dark_after=0.2, settling=0)
    assert [c for _, c in changes_of(watch, lambda number: picture(0), 0, 2)] == ["ok", "frozen"]


def test_the_bundled_clip_is_always_ok(door: object) -> None:
    """An empty doorway, people who stand still, and a coded stream do not look like a frozen camera."""
    pictures = [np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1)) for jpeg in clip_pictures(door, 0, 430, 3)]
    watch = ConditionWatch()
    conditions = {watch.update(image, number * 0.2) for number, image in enumerate(pictures)}
    assert conditions == {"ok"} and len(as_jpeg(pictures[0])) > 1000


def coded(
    watch: ConditionWatch, pictures: Callable[[int], Image], group: int, start: float, seconds: float
) -> list[tuple[float, str]]:
    """Shows a watch what a codec makes of a scene: a key picture, and ``group`` - 1 repetitions of it."""
    changes: list[tuple[float, str]] = []
    for number in range(round(seconds / STEP)):
        is_key = number % group == 0
        condition = watch.update(pictures(number // group), start + number * STEP, is_key)
        if not changes or changes[-1][1] != condition:
            changes.append((number * STEP, condition))
    return changes


@pytest.mark.parametrize("group", [20, 100, 300])
def test_a_still_scene_through_long_groups_of_pictures_is_ok(group: int) -> None:
    """Between key pictures a codec repeats a still scene bit for bit, for half a minute here."""
    assert coded(ConditionWatch(), room(1.0), group, 0, 90) == [(0.0, "ok")]


def test_a_frozen_stream_gives_the_same_key_picture_again() -> None:
    watch = ConditionWatch()
    assert coded(watch, room(1.0), 20, 0, 10) == [(0.0, "ok")]
    changes = coded(watch, lambda number: room(1.0)(9), 20, 10, 20)
    assert [condition for _, condition in changes] == ["ok", "frozen"]
    assert FROZEN_AFTER_S <= changes[1][0] <= FROZEN_AFTER_S + 2.5 <= 10
    assert coded(watch, room(1.0), 20, 30, 10)[0] == (0.0, "ok")


def test_an_encoder_that_refines_a_frozen_picture_does_not_hide_it() -> None:
    """With the same input a codec changes the picture by less than a level until the next key picture."""
    still, watch = room(1.0)(0), ConditionWatch()
    places = np.arange(still.size).reshape(still.shape) % 7
    refined = [np.where(places == number, still ^ 1, still) for number in range(5)]
    conditions = [watch.update(refined[n % 20 % 5 if n % 20 else 0], n * STEP, n % 20 == 0) for n in range(150)]
    assert conditions[-1] == "frozen"


def test_somebody_who_walks_into_a_frozen_scene_clears_it_before_the_next_key_picture() -> None:
    watch = ConditionWatch()
    coded(watch, lambda number: picture(0), 20, 0, 20)
    assert watch.condition == "frozen"
    assert watch.update(picture(9), 20, False) == "ok"


def test_a_stream_without_any_key_picture_is_frozen_in_the_end() -> None:
    changes = coded(ConditionWatch(), lambda number: picture(0), 10_000, 0, 80)
    assert [condition for _, condition in changes] == ["ok", "frozen"] and changes[1][0] > 60


@pytest.mark.parametrize("pictures", [black, lambda number: np.zeros((120, 160, 3), np.uint8)], ids=["noise", "black"])
def test_the_first_dark_seconds_are_no_finding(pictures: Callable[[int], Image]) -> None:
    """Exposure has to settle, after an opening and after each later one; then a dark camera is still found in time."""
    watch = ConditionWatch()
    assert changes_of(watch, pictures, 50, SETTLING_S + DARK_AFTER_S - 0.5) == [(0.0, "ok")]
    assert changes_of(watch, picture, 57, 3) == [(0.0, "ok")]
    changes = changes_of(ConditionWatch(), pictures, 0, 12)
    assert changes[1][1] == "dark" and changes[1][0] <= 10


@pytest.mark.parametrize("is_key", [None, True])
def test_a_picture_is_new_if_it_differs_from_the_one_before_and_shows_something(is_key: bool | None) -> None:
    watch = ConditionWatch()
    shown = [room(1.0)(0), room(1.0)(0), room(1.0)(1), room(1.0)(1), black(0), black(1), room(1.0)(2)]
    new_at = []
    for number, image in enumerate(shown):
        watch.update(image, float(number), is_key)
        new_at.append(watch.new_at)
    assert new_at == [float("-inf"), float("-inf"), 2, 2, 2, 2, 6]


def test_a_codec_that_refines_a_frozen_picture_shows_nothing_new() -> None:
    """Between coded pictures, noise counts for nothing; somebody who moves does."""
    watch = ConditionWatch()
    for number in range(40):
        watch.update(room(1.0)(number), float(number), number % 10 == 0)
    assert watch.new_at == float("-inf")
    watch.update(np.roll(room(1.0)(41), 8, axis=1), 41.0, False)
    assert watch.new_at == 41
