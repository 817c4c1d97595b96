"""convert.data.augment: every step keeps shape and type, is repeatable, and has its effect."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from support.tiny import drawn_face, texture

from convert.data import augment
from edge.camera.frames import Image
from edge.faces.card import Card

Step = Callable[[Image, np.random.Generator], Image]
STEPS: tuple[Step, ...] = (
    augment.framing,
    augment.light,
    augment.backlight,
    augment.tint,
    augment.grey,
    augment.distance,
    augment.motion_blur,
    augment.noise,
    augment.low_light,
    augment.compression,
    augment.occlusion,
    augment.doorway,
)
each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
SEEDS = range(20)


@pytest.fixture
def picture() -> Image:
    rng = np.random.default_rng(3)
    return cv2.addWeighted(drawn_face(True, rng, 96), 0.7, texture(rng, 96), 0.3, 0).astype(np.uint8)


@each_step
@pytest.mark.parametrize("side", [96, 150])
def test_shape_and_type_are_kept(step: Step, side: int) -> None:
    picture = texture(np.random.default_rng(1), side)
    for seed in SEEDS:
        done = step(picture, np.random.default_rng(seed))
        assert done.shape == (side, side, 3) and done.dtype == np.uint8


@each_step
def test_the_same_seed_gives_the_same_picture(step: Step, picture: Image) -> None:
    for seed in SEEDS:
        one, two = (step(picture, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(one, two)


@each_step
def test_the_result_is_changed_and_the_given_picture_is_not(step: Step, picture: Image) -> None:
    before = picture.copy()
    for seed in SEEDS:
        assert not np.array_equal(step(picture, np.random.default_rng(seed)), picture), f"seed {seed}"
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("step", [s for s in STEPS if s is not augment.grey], ids=lambda step: step.__name__)
def test_other_seeds_give_other_pictures(step: Step, picture: Image) -> None:
    views = {step(picture, np.random.default_rng(seed)).tobytes() for seed in SEEDS}
    assert len(views) > len(SEEDS) / 2


def test_grey_has_three_equal_channels(picture: Image) -> None:
    done = augment.grey(picture, np.random.default_rng(0))
    assert np.array_equal(done[..., 0], done[..., 1]) and np.array_equal(done[..., 1], done[..., 2])


@pytest.mark.parametrize("step", [augment.distance, augment.motion_blur], ids=lambda step: step.__name__)
def test_blurring_steps_remove_detail(step: Step) -> None:
    sharp = np.random.default_rng(2).integers(0, 256, (96, 96, 3), np.uint8)
    for seed in SEEDS:
        blurred = step(sharp, np.random.default_rng(seed))
        assert cv2.Laplacian(blurred, cv2.CV_64F).var() < 0.8 * cv2.Laplacian(sharp, cv2.CV_64F).var()


def test_occlusion_covers_a_plain_rectangle_of_at_most_a_third_by_half(picture: Image) -> None:
    side = picture.shape[0]
    for seed in SEEDS:
        done = augment.occlusion(picture, np.random.default_rng(seed))
        ys, xs = np.nonzero((done != picture).any(axis=2))
        part = done[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        assert len(np.unique(part.reshape(-1, 3), axis=0)) == 1
        short, long = sorted(part.shape[:2])
        assert short <= side / 2 and long <= side / 2 and min(short, long) <= side * 0.33


def test_noise_is_a_share_of_the_contrast(picture: Image) -> None:
    spread = [
        float((augment.noise(picture, np.random.default_rng(seed)).astype(float) - picture).std()) / picture.std()
        for seed in range(40)
    ]
    assert 0.02 < min(spread) < 0.08 and 0.15 < max(spread) < 0.27


def test_a_view_has_the_size_and_colour_of_the_card(picture: Image) -> None:
    for colour, exposure in (("rgb", "camera"), ("rgb", "face"), ("luma", "face")):
        card = Card("x", ("mask", "no_mask"), 64, colour, "", exposure)
        seen = augment.view(picture, card, np.random.default_rng(1), 0.4)
        assert seen.shape == (64, 64, 3) and seen.dtype == np.uint8
        assert (seen[..., 0] == seen[..., 2]).all() == (colour == "luma")


def test_a_larger_picture_keeps_its_detail_when_it_is_enlarged() -> None:
    fine = np.zeros((192, 192, 3), np.uint8)
    fine[:, ::4], fine[:, 1::4] = 255, 255
    coarse = cv2.resize(fine, (64, 64), interpolation=cv2.INTER_AREA)
    views = [augment.framing(p, np.random.default_rng(5), 64) for p in (fine, np.asarray(coarse, np.uint8))]
    assert views[0].shape == views[1].shape == (64, 64, 3) and views[0].std() > views[1].std()


def test_low_light_adds_grain() -> None:
    flat = np.full((64, 64, 3), 160, np.uint8)
    grain = [float(augment.low_light(flat, np.random.default_rng(seed)).std()) for seed in SEEDS]
    assert min(grain) > 0 and np.median(grain) > 0.5


def test_backlight_lowers_the_contrast_of_the_face(picture: Image) -> None:
    for seed in SEEDS:
        done = augment.backlight(picture, np.random.default_rng(seed))
        rows = slice(40, 56)  # along one row the veil is nearly even
        assert done[rows, rows].std() < 0.85 * picture[rows, rows].std() + 8


def test_framing_mirrors_about_half_the_time() -> None:
    left = np.zeros((96, 96, 3), np.uint8)
    left[:, :30] = 255
    mirrored = [
        bool(view[:, 48:].mean() > view[:, :48].mean())
        for view in (augment.framing(left, np.random.default_rng(seed)) for seed in range(200))
    ]
    assert 70 < sum(mirrored) < 130


def test_most_views_keep_the_mask_visible() -> None:
    """The mask in the lower half stays brighter than the upper half in nearly every view."""
    face = drawn_face(True, np.random.default_rng(0), 96)
    views = [augment.doorway(face, np.random.default_rng(seed)) for seed in range(200)]
    brighter = [float(v[52:72, 36:60].mean()) > float(v[24:44, 36:60].mean()) for v in views]
    assert sum(brighter) > 170
