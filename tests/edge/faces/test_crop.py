"""Tests ``edge.faces.crop``: contrast stretched for the face, and the input format that the card asks for."""

import numpy as np
import pytest
from support.tiny import door_faces, door_frames

from edge.camera.frames import Image
from edge.faces.card import Card
from edge.faces.crop import MAX_GAIN, as_network_input, crop, expose, prepare

FACES = [face for face in door_faces() if face[2].width > 90][::60]


def face(number: int = 0) -> Image:
    frame, _, box = FACES[number]
    return crop(door_frames()[frame], box)


def card(exposure: str, colour: str = "rgb", size: int = 64) -> Card:
    return Card("x", ("mask", "no_mask"), size, colour, "", exposure)


def middle(picture: Image) -> Image:
    size = len(picture)
    return picture[size // 4 : size - size // 8, size // 4 : size - size // 4]


@pytest.mark.parametrize("number", range(len(FACES)))
def test_a_dark_face_uses_all_levels_again(number: int) -> None:
    square = prepare(face(number), card("camera"))
    dark = (square * 0.2 + 10).astype(np.uint8)
    low, high = np.percentile(middle(expose(dark)), (3, 97))
    assert low < 30 and high > 190
    assert np.percentile(middle(dark), 97) < 60, "otherwise the test proves nothing"


def test_a_dark_and_a_bright_exposure_of_one_face_look_alike() -> None:
    square = prepare(face(), card("camera"))
    dark = (square * 0.25 + 5).astype(np.uint8)
    assert np.abs(expose(square).astype(int) - expose(dark)).mean() < 8


def test_the_window_behind_the_face_is_ignored() -> None:
    square = prepare(face(), card("camera"))
    dark = (square * 0.2).astype(np.uint8)
    window = dark.copy()
    window[:, :8] = window[:, -8:] = window[:8] = 255
    assert (middle(expose(dark)) == middle(expose(window))).all()


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_a_flat_image_stays_flat(level: int) -> None:
    done = expose(np.full((64, 64, 3), level, np.uint8))
    assert done.shape == (64, 64, 3) and done.dtype == np.uint8 and done.std() == 0


def test_noise_is_stretched_by_the_maximum_gain_at_most() -> None:
    noise = np.random.default_rng(0).integers(100, 104, (64, 64, 3)).astype(np.uint8)
    assert expose(noise).std() <= MAX_GAIN * noise.std() + 1e-9


@pytest.mark.parametrize("size", [32, 48, 63, 64, 150])
def test_a_copy_is_returned(size: int) -> None:
    square = prepare(face(), card("camera", size=size))
    before = square.copy()
    assert expose(square).shape == square.shape and (square == before).all()


def test_the_card_chooses_exposure_and_colour() -> None:
    square = np.ascontiguousarray(prepare(face(), card("camera", "bgr")))
    assert (as_network_input(square, card("camera", "bgr")) == square).all()
    assert (as_network_input(square, card("face", "bgr")) == expose(square)).all()
    assert (as_network_input(square, card("face", "rgb")) == expose(square)[..., ::-1]).all()
    grey = as_network_input(square, card("camera", "luma"))
    assert grey.shape == square.shape and (grey[..., 0] == grey[..., 1]).all() and (grey[..., 1] == grey[..., 2]).all()
