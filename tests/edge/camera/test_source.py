"""Tests the contract of a source on every kind of source; ``test_live_source.py`` tests what only cameras do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import PATIENCE, STANDINS
from support.cameras import SIZE, NetworkCamera, write_folder, write_video

from edge.camera.frames import Frame
from edge.camera.source import Source, open_source
from edge.config.schema import SourceConfig
from edge.errors import ConfigError, SourceError

KINDS = ["video", "folder", "stream", "picamera"]
LIVE = ["stream", "picamera"]
RECORDED = ["video", "folder"]


@dataclass
class Rig:
    """A camera or recording under test.

    ``open`` opens it. For a live one ``given`` counts the pictures that it gave and ``wait_for`` waits for a count.
    """

    open: Callable[[], Source]
    given: Callable[[], int] = lambda: 0
    wait_for: Callable[[int], bool] = lambda count: True


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    kind = request.param
    if kind == "video":
        path = write_video(tmp_path / "a.avi")
        yield Rig(lambda: open_source(str(path)))
    elif kind == "folder":
        path = write_folder(tmp_path / "a")
        yield Rig(lambda: open_source(str(path)))
    elif kind == "stream":
        camera = NetworkCamera()
        yield Rig(lambda: open_source(camera.url), lambda: camera.sent, camera.wait_for)
        camera.close()
    else:
        monkeypatch.syspath_prepend(STANDINS)
        from picamera2 import Picamera2

        Picamera2.reset()
        yield Rig(
            lambda: open_source("picamera", SourceConfig(width=160, height=120)),
            lambda: Picamera2.opened[-1].delivered,
            lambda count: Picamera2.opened[-1].wait_for(count, PATIENCE),
        )
        assert all(not camera.is_open and camera.outstanding == 0 for camera in Picamera2.opened)


def first(source: Source, count: int) -> list[Frame]:
    return list(islice(source, count))


@pytest.mark.parametrize("rig", KINDS, indirect=True)
def test_frames_are_pictures_with_growing_numbers_and_times(rig: Rig) -> None:
    with closing(rig.open()) as source:
        frames = first(source, 5)
    assert len(frames) == 5
    for frame in frames:
        assert frame.image.shape == (SIZE[1], SIZE[0], 3)
        assert frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous
        if frame.luma is not None:
            assert frame.luma.ndim == 2 and frame.luma.dtype == np.uint8 and frame.luma.flags.c_contiguous
    assert all(b.number > a.number and b.time > a.time for a, b in zip(frames, frames[1:], strict=False))
    assert frames[0].number >= 0


@pytest.mark.parametrize("rig", KINDS, indirect=True)
def test_closing_twice_is_allowed(rig: Rig) -> None:
    source = rig.open()
    first(source, 2)
    source.close()
    source.close()


@pytest.mark.parametrize("rig", KINDS, indirect=True)
def test_closing_before_the_first_frame_is_allowed(rig: Rig) -> None:
    rig.open().close()


@pytest.mark.parametrize("rig", KINDS, indirect=True)
def test_reopening_works(rig: Rig) -> None:
    for _ in range(3):
        with closing(rig.open()) as source:
            assert len(first(source, 2)) == 2


@pytest.mark.parametrize("rig", KINDS, indirect=True)
def test_stop_ends_the_iteration(rig: Rig) -> None:
    with closing(rig.open()) as source:
        frames = iter(source)
        next(frames)
        source.stop()
        assert next(frames, None) is None


@pytest.mark.parametrize("rig", LIVE, indirect=True)
def test_stop_from_another_thread_ends_a_wait_for_pictures(rig: Rig) -> None:
    with closing(rig.open()) as source:
        going = threading.Event()
        watcher = threading.Thread(target=lambda: [going.set() for _ in source], daemon=True)
        watcher.start()
        assert going.wait(PATIENCE)
        source.stop()
        watcher.join(PATIENCE)
        assert not watcher.is_alive()


@pytest.mark.parametrize("rig", LIVE, indirect=True)
def test_a_live_source_drops_what_a_slow_consumer_misses(rig: Rig) -> None:
    with closing(rig.open()) as source:
        assert source.live
        frames, numbers = iter(source), []
        for _ in range(20):
            numbers.append(next(frames).number)
            assert source.dropped == numbers[-1] + 1 - len(numbers)
            if source.dropped:
                break
            assert rig.wait_for(rig.given() + 10)
        assert source.dropped > 0


@pytest.mark.parametrize("rig", RECORDED, indirect=True)
def test_a_recording_drops_nothing_and_ends(rig: Rig) -> None:
    with closing(rig.open()) as source:
        assert not source.live
        frames = list(source)
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert len(frames) in (6, 12) and source.dropped == 0
    assert frames[0].time == 0


def replay(path: Path, realtime: bool) -> list[tuple[int, float, bytes]]:
    with closing(open_source(str(path), SourceConfig(fps=40, realtime=realtime))) as source:
        return [(frame.number, frame.time, frame.image.tobytes()) for frame in source]


@pytest.mark.parametrize("kind", RECORDED)
def test_a_replay_is_the_same_at_any_speed(kind: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi") if kind == "video" else write_folder(tmp_path / "a")
    fast = replay(path, realtime=False)
    assert len(fast) > 5
    assert fast == replay(path, realtime=True)
    assert fast == replay(path, realtime=False)


def test_the_times_of_a_video_are_those_of_the_recording(tmp_path: Path) -> None:
    with closing(open_source(str(write_video(tmp_path / "a.avi", 5, fps=10)))) as source:
        assert [frame.time for frame in source] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_the_times_of_a_folder_follow_fps(tmp_path: Path) -> None:
    with closing(open_source(str(write_folder(tmp_path / "a", 3)), SourceConfig(fps=4))) as source:
        assert [frame.time for frame in source] == [0, 0.25, 0.5]


def test_stop_ends_the_wait_for_a_recorded_moment(tmp_path: Path) -> None:
    """The second picture is due after ten seconds at ``fps`` 0.1, the third after twenty."""
    with closing(open_source(str(write_folder(tmp_path / "a", 3)), SourceConfig(fps=0.1, realtime=True))) as source:
        seen: list[int] = []
        going = threading.Event()

        def watch() -> None:
            for frame in source:
                seen.append(frame.number)
                going.set()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        assert going.wait(PATIENCE)
        source.stop()
        watcher.join(PATIENCE)
        assert not watcher.is_alive() and len(seen) < 3


def test_a_message_names_a_file_whatever_characters_its_name_has(tmp_path: Path) -> None:
    picture = tmp_path / "a & b, 50% @ noon?.jpg"
    picture.touch()
    with pytest.raises(ConfigError, match="noon.*is a single picture"):
        open_source(str(picture), SourceConfig())
    with pytest.raises(ConfigError, match="50% off.mp4' is not a file, folder or camera"):
        open_source(str(tmp_path / "50% off.mp4"), SourceConfig())


def test_the_demo_is_the_bundled_clip(door: Path) -> None:
    with closing(open_source("demo")) as source, closing(open_source(str(door))) as same:
        assert source.name == same.name
        assert next(iter(source)).image.tobytes() == next(iter(same)).image.tobytes()


@pytest.mark.parametrize(
    "degrees, corner", [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))]
)  # clockwise: the upper left corner goes to the upper right one
def test_pictures_are_rotated_clockwise(degrees: int, corner: tuple[int, int], tmp_path: Path) -> None:
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:8, :8] = 255
    cv2.imwrite(str(tmp_path / "a.png"), image)
    with closing(open_source(str(tmp_path), SourceConfig(rotate=degrees))) as source:
        frame = next(iter(source))
    assert frame.image.shape[:2] == (SIZE if degrees % 180 else SIZE[::-1]) and frame.image.flags.c_contiguous
    assert (frame.image[corner] == 255).all() and frame.image.sum() == image.sum()


@pytest.mark.parametrize("rig", ["picamera"], indirect=True)
def test_a_pi_cameras_luma_is_rotated_with_its_picture(rig: Rig) -> None:
    shapes = {}
    for degrees in (0, 90):
        with closing(open_source("picamera", SourceConfig(width=160, height=120, rotate=degrees))) as source:
            frame = next(iter(source))
        assert frame.luma is not None and frame.luma.flags.c_contiguous and source.name == "picamera"
        shapes[degrees] = frame.image.shape[:2], frame.luma.shape
    assert shapes[90] == tuple(shape[::-1] for shape in shapes[0])


@pytest.mark.parametrize("kind", RECORDED)
def test_a_recording_repeats_with_growing_times(kind: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", 12) if kind == "video" else write_folder(tmp_path / "a", 12)
    with closing(open_source(str(path), SourceConfig(repeat=True, fps=25))) as source:
        frames = first(source, 30)
    assert [frame.number for frame in frames] == list(range(30))
    steps = np.diff([frame.time for frame in frames])
    assert steps.min() > 0 and steps.max() < 2 * steps.min(), "no jump where the recording begins again"
    assert all((frames[n].image == frames[n + 12].image).all() for n in range(18))


def test_a_recording_without_a_picture_is_not_repeated_for_ever(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with (
        closing(open_source(str(tmp_path), SourceConfig(repeat=True))) as source,
        pytest.raises(SourceError, match="no readable picture"),
    ):
        list(source)
