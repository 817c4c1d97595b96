"""Tests what a live camera may give: a frozen picture, darkness, invalid pictures, another size."""

import threading
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from support import PATIENCE, until
from support.cameras import Image, NetworkCamera, black, picture
from support.viewer import SHORT_PAUSES, watching

from edge.camera.capture import Capture
from edge.camera.condition import ConditionWatch
from edge.camera.frames import Picture, as_image, as_luma
from edge.camera.live import Live
from edge.config.schema import SourceConfig


def short_limits() -> ConditionWatch:
    return ConditionWatch(frozen_after=0.6, dark_after=0.4, settling=0)


@pytest.fixture
def network_camera() -> Iterator[NetworkCamera]:
    camera = NetworkCamera()
    yield camera
    camera.close()


def live(camera: NetworkCamera, **more: Any) -> Live:
    return Live(lambda: Capture(camera.url, SourceConfig()), "door", pauses=SHORT_PAUSES, **more)


def test_a_frozen_picture_is_reported_and_clears(network_camera: NetworkCamera) -> None:
    with watching(live(network_camera, new_watch=short_limits)) as viewer:
        viewer.wait_for_frames()
        network_camera.freeze()
        viewer.wait_for("frozen", "the same picture again and again")
        network_camera.show(picture)
        viewer.wait_for("ok", "None")
    assert [condition for condition, _ in viewer.conditions] == ["frozen", "ok"]


def test_a_covered_lens_is_reported_and_clears(network_camera: NetworkCamera) -> None:
    with watching(live(network_camera, new_watch=short_limits)) as viewer:
        viewer.wait_for_frames()
        network_camera.show(black)
        viewer.wait_for("dark", "is the lens covered")
        network_camera.show(picture)
        viewer.wait_for("ok", "None")
    assert [condition for condition, _ in viewer.conditions] == ["dark", "ok"]


def test_a_dark_camera_that_was_lost_starts_anew(network_camera: NetworkCamera) -> None:
    """The first pictures after a replug are often black, because the exposure has to settle."""
    with watching(live(network_camera, new_watch=lambda: ConditionWatch(dark_after=0.5, settling=0))) as viewer:
        network_camera.show(black)
        viewer.wait_for("dark")
        network_camera.unplug()
        viewer.wait_for("lost")
        assert not threading.Event().wait(0.7)
        network_camera.plug_in()
        until(lambda: viewer.conditions[-1][0] != "lost", "the camera's return")
    assert [condition for condition, _ in viewer.conditions][:3] == ["dark", "lost", "ok"]


def test_a_stream_that_changes_its_size_goes_on(network_camera: NetworkCamera) -> None:
    """Somebody may change a camera's settings. OpenCV keeps giving the first size."""
    with watching(live(network_camera)) as viewer:
        viewer.wait_for_frames()
        for size in ((240, 320), (640, 480), (32, 16), (160, 120)):
            sent = network_camera.sent

            def resized(number: int, size: tuple[int, int] = size) -> Image:
                return np.asarray(cv2.resize(picture(number), size), np.uint8)

            network_camera.show(resized)
            assert network_camera.wait_for(sent + 10)
            viewer.wait_for_frames()
        assert viewer.conditions == []
    assert {frame.image.shape for frame in viewer.frames} == {picture(0).shape}


def test_a_driver_that_changes_its_size_is_followed() -> None:
    shapes = [(240, 320, 3), (480, 640, 3), (16, 32, 3), (1, 1, 3)]
    with watching(
        Live(lambda: OddDriver([np.zeros(shape, np.uint8) for shape in shapes]), "odd", pauses=SHORT_PAUSES)
    ) as viewer:
        until(lambda: {frame.image.shape for frame in viewer.frames} >= set(shapes), "every size")
        assert viewer.conditions == []


def test_parts_that_are_not_jpeg_do_not_end_the_stream(network_camera: NetworkCamera) -> None:
    good = [cv2.imencode(".jpg", picture(number))[1].tobytes() for number in range(9)]
    with watching(live(network_camera)) as viewer:
        viewer.wait_for_frames()
        network_camera.show([good[0], b"", good[1], b"no picture", good[2], good[3][:99], good[4], bytes(999), good[5]])
        viewer.wait_for_frames(20)
        assert viewer.conditions == []
        network_camera.show(picture)
        viewer.wait_for_frames()


class OddDriver:
    """A driver that alternates between a valid picture and the next of ``oddities``."""

    name = "odd"

    def __init__(self, oddities: list[Any]) -> None:
        self.closed = threading.Event()
        self._oddities, self._next = oddities, 0

    def read(self) -> Picture | None:
        self.closed.wait(0.002)
        self._next += 1
        if self._next % 2:
            return Picture(picture(self._next))
        return Picture(self._oddities[self._next // 2 % len(self._oddities)], luma=self._luma())

    def _luma(self) -> Any:
        return [None, np.zeros((2, 2), np.float32), np.zeros((0, 0), np.uint8), "luma"][self._next // 2 % 4]

    def close(self) -> None:
        self.closed.set()


INVALID = [
    None,
    "picture",
    np.zeros((0, 0, 3), np.uint8),
    np.zeros((0, 5), np.uint8),
    np.zeros((8, 8, 3), np.float32),
    np.full((8, 8, 3), np.nan),
    np.zeros((8, 8, 3), np.uint16),
    np.zeros((8, 8, 3), bool),
    np.zeros((8, 8, 2), np.uint8),
    np.zeros((8, 8, 5), np.uint8),
    np.zeros((8,), np.uint8),
    np.zeros((2, 8, 8, 3), np.uint8),
    np.array(7, np.uint8),
]
"""Values that are not pictures."""
CONVERTIBLE: list[tuple[Any, tuple[int, int, int]]] = [
    (np.full((6, 8), 9, np.uint8), (6, 8, 3)),
    (np.full((6, 8, 1), 9, np.uint8), (6, 8, 3)),
    (np.full((6, 8, 4), 9, np.uint8), (6, 8, 3)),
    (np.full((1, 1, 3), 9, np.uint8), (1, 1, 3)),
    (np.full((1, 1), 9, np.uint8), (1, 1, 3)),
    (np.full((6, 8, 3), 9, np.uint8)[::-1, ::-2], (6, 4, 3)),
    (np.full((3, 6, 8), 9, np.uint8).transpose(1, 2, 0), (6, 8, 3)),
]
"""Arrays that can be converted to pictures, and the shape of the result."""


def test_invalid_pictures_are_dropped_and_the_valid_ones_between_them_kept() -> None:
    driver = OddDriver([*INVALID, *(image for image, _ in CONVERTIBLE)])
    with watching(Live(lambda: driver, "odd", pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for_frames(120)
        assert viewer.conditions == []
    good = {picture(0).shape, *(shape for _, shape in CONVERTIBLE)}
    assert {frame.image.shape for frame in viewer.frames} <= good
    assert sum(frame.image.shape == picture(0).shape for frame in viewer.frames) > 20
    for frame in viewer.frames:
        assert frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous
        assert frame.luma is None


def test_a_camera_that_gives_only_invalid_pictures_is_lost() -> None:
    class Only(OddDriver):
        def read(self) -> Picture | None:
            self.closed.wait(0.01)
            return Picture(np.zeros((8, 8, 3), np.float32))  # type: ignore[arg-type]

    with watching(Live(lambda: Only([]), "odd", lost_after=0.3, pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for("lost", "no picture for 0.3 s")


@pytest.mark.parametrize("image", INVALID, ids=lambda image: f"{getattr(image, 'dtype', image)}{np.shape(image)}")
def test_invalid_pictures_are_refused(image: Any) -> None:
    assert as_image(image) is None


@pytest.mark.parametrize(("image", "shape"), CONVERTIBLE, ids=lambda part: str(np.shape(part)))
def test_convertible_arrays_become_pictures(image: Any, shape: tuple[int, int, int]) -> None:
    made = as_image(image)
    assert made is not None and made.shape == shape and (made == 9).all()
    assert made.dtype == np.uint8 and made.flags.c_contiguous


def test_only_a_plane_of_bytes_is_luma() -> None:
    assert as_luma(np.zeros((4, 6), np.uint8)) is not None
    for odd in (None, np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6)), np.zeros((0, 6), np.uint8), b"luma"):
        assert as_luma(odd) is None


def test_a_hanging_read_does_not_block_the_loop() -> None:
    """The loop learns of the loss and its idle calls continue, however long a read hangs."""
    freed = threading.Event()

    class Slow(OddDriver):
        def read(self) -> Picture | None:
            if self._next > 10:
                freed.wait(PATIENCE)
            return super().read()

    with watching(Live(lambda: Slow([None]), "slow", lost_after=0.3, pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for_frames(4)
        viewer.wait_for("lost")
        idle_calls = viewer.idle_calls
        until(lambda: viewer.idle_calls > idle_calls + 3, "idle calls")
        assert not freed.is_set()
        freed.set()
