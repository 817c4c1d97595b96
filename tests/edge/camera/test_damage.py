"""Tests that pictures of which a decoder made up a part are left out, with a stream that really loses bytes."""

import ctypes
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cameras import Image, NetworkCamera, as_jpeg, clip_pictures
from support.streams import StreamServer, frames_of, h264_units, with_losses
from support.viewer import watching

from edge.camera import pictures
from edge.camera.damage import ACCEPTED_AFTER_S, DamageGuard
from edge.camera.decoder_log import loaded_library
from edge.camera.frames import Picture
from edge.camera.recordings import VideoFile
from edge.camera.source import DEMO, open_source

GREY, GREEN = (128, 128, 128), (0, 135, 0)
TEXT = "pictures are damaged in part (lost packets?); they are left out"


def decoded(clip: Path) -> Iterator[Image]:
    with closing(VideoFile(clip)) as video:
        while (picture := video.read()) is not None:
            yield picture.image


@pytest.fixture(scope="module")
def whole() -> set[bytes]:
    """The pictures of the bundled clip."""
    return {fingerprint(image) for image in decoded(DEMO)}


def fingerprint(image: Image) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def lost_key_pictures(units: list[bytes]) -> list[bytes]:
    return with_losses(units, (2, 5, 8))


def lost_pieces(units: list[bytes]) -> list[bytes]:
    """Takes a quarter out of 2 % of the pictures."""
    rng = np.random.default_rng(1)
    return [
        unit
        if number < 40 or rng.random() > 0.02
        else unit[: len(unit) // 3] + unit[len(unit) // 3 + len(unit) // 4 + 1 :]
        for number, unit in enumerate(units)
    ]


def lost_pictures(units: list[bytes]) -> list[bytes]:
    rng = np.random.default_rng(2)
    return [unit for number, unit in enumerate(units) if number < 40 or rng.random() > 0.01]


@pytest.mark.parametrize("loss", [lambda units: units, lost_key_pictures, lost_pieces, lost_pictures])
def test_a_stream_gives_only_what_was_coded(
    loss: Callable[[list[bytes]], list[bytes]], door: Path, whole: set[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Every picture of the damaged stream that comes is one of the whole stream, bit for bit, to the last but two.

    The last pictures come when the stream ends: FFmpeg gives them before it knows that one is missing.
    """
    units = h264_units(door)
    with StreamServer(frames_of(loss(units)), 0.004, ends=True, Content_Type="video/h264") as server:
        with watching(open_source(server.url)) as viewer:
            viewer.wait_for("lost", "no pictures any more")
            frames = [fingerprint(frame.image) for frame in viewer.frames]
    assert len(frames) > 50
    assert whole.issuperset(frames[:-2])
    assert caplog.text.count(TEXT) == (loss(units) != units), "once"


def test_a_stream_that_loses_every_key_picture_is_lost(door: Path) -> None:
    """It begins well; then no picture can be trusted."""
    units = h264_units(door)
    with StreamServer(frames_of(with_losses(units, range(1, 40))), 0.01, Content_Type="video/h264") as server:
        with watching(open_source(server.url, lost_after=2)) as viewer:
            viewer.wait_for("lost", "only damaged pictures for 2 s")


def painted(door: Path, colour: tuple[int, int, int]) -> list[bytes]:
    """Frames of a person, as JPEG, the lower part of which is filled with a colour."""
    jpegs = []
    for jpeg in clip_pictures(door, 120, 160):
        image = pictures.decode(jpeg)
        image[200:, 150:] = colour
        jpegs.append(as_jpeg(image))
    return jpegs


@pytest.mark.parametrize("colour", [GREY, (130, 130, 130), GREEN, (0, 255, 0)], ids=str)
def test_a_part_that_is_green_or_grey_is_not_shown(colour: tuple[int, int, int], door: Path) -> None:
    good, bad = clip_pictures(door, 120, 160), painted(door, colour)
    camera = NetworkCamera(good, 0.01)
    with watching(open_source(camera.url)) as viewer:
        viewer.wait_for_frames(5)
        sent = camera.sent
        camera.show(bad)
        assert camera.wait_for(sent + 30)
        camera.show(good)
        viewer.wait_for_frames(5)
        assert viewer.conditions == []
    camera.close()
    shown = {fingerprint(frame.image) for frame in viewer.frames}
    assert shown <= {fingerprint(pictures.decode(jpeg)) for jpeg in good}


def test_a_recording_leaves_them_out_too(door: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 15, (640, 480))
    for jpeg in [*clip_pictures(door, 120, 160), *painted(door, GREY), *clip_pictures(door, 120, 160)]:
        writer.write(pictures.decode(jpeg))
    writer.release()
    with caplog.at_level(logging.WARNING), closing(open_source(str(tmp_path / "a.avi"))) as source:
        frames = list(source)
    assert [frame.number for frame in frames] == list(range(40))
    assert frames[20].time - frames[19].time > 1, "what is left out leaves a gap in time"
    assert caplog.text.count(TEXT) == 1


def test_the_bundled_clip_loses_nothing(door: Path) -> None:
    with closing(open_source(str(door))) as source:
        assert sum(1 for _ in source) == 438


def scene(noise: int = 0) -> Image:
    rng = np.random.default_rng(noise)
    ramp = np.linspace(90, 170, 320)[None, :, None] + rng.normal(0, 2, (240, 320, 3))
    return np.asarray(ramp.clip(0, 255), np.uint8)


def filled_scene(noise: int = 0) -> Image:
    image = scene(noise)
    image[120:] = GREY
    return image


def test_a_grey_wall_is_no_damage() -> None:
    guard = DamageGuard()
    for number in range(20):
        dim = np.asarray(scene(number) * (0.8 + 0.02 * number), np.uint8)
        assert not guard.is_damaged(Picture(dim, time=number / 15), "door")


def test_damage_before_a_grey_wall_is_found() -> None:
    wall = np.asarray(np.linspace(120, 136, 320)[None, :, None].repeat(240, 0).repeat(3, 2), np.uint8)
    door = wall.copy()
    door[60:, 100:220] = (30, 60, 90)
    damaged = door.copy()
    damaged[160:200] = GREY
    guard = DamageGuard()
    assert not guard.is_damaged(Picture(door, time=0), "door")
    assert guard.is_damaged(Picture(damaged, time=0.1), "door")
    assert not guard.is_damaged(Picture(wall, time=0.2), "door"), "somebody left"


def test_what_was_there_from_the_start_is_part_of_the_scene() -> None:
    guard = DamageGuard()
    assert not any(guard.is_damaged(Picture(filled_scene(n), time=n / 15), "door") for n in range(20))


def test_what_stays_becomes_part_of_the_scene() -> None:
    guard, step = DamageGuard(), 0.5
    assert not guard.is_damaged(Picture(scene(), time=0), "door")
    damaged = [guard.is_damaged(Picture(filled_scene(n), time=n * step), "door") for n in range(1, 100)]
    assert sum(damaged) == pytest.approx(ACCEPTED_AFTER_S / step, abs=1) and not any(damaged[-30:])


def test_a_camera_that_is_opened_again_does_not_begin_with_damage() -> None:
    """The guard outlives the driver."""
    guard = DamageGuard()
    assert not guard.is_damaged(Picture(scene(), time=0), "door")
    assert guard.is_damaged(Picture(filled_scene(), time=9), "door")


def test_waiting_for_a_whole_picture_ends() -> None:
    """A decoder may complain about every picture of a camera that is well."""
    guard = DamageGuard()
    damaged = [guard.is_damaged(Picture(scene(n), time=float(n), is_damaged=True), "door") for n in range(40)]
    assert all(damaged[:30]) and not any(damaged[31:])


def test_a_library_is_found_in_a_folder_of_any_name(tmp_path: Path) -> None:
    library = tmp_path / "my door" / "libmaskwatch-test.so.1"
    library.parent.mkdir()
    shutil.copy(loaded_library("libavutil"), library)
    with pytest.raises(FileNotFoundError):
        loaded_library(library.name)
    ctypes.CDLL(str(library))
    assert loaded_library("libmaskwatch-test") == str(library)
