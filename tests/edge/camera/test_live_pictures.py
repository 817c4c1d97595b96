"""What a live camera may show: the same picture for ever, nothing, no picture at all, another size."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from support import PATIENCE, until
from support.cameras import Image, NetworkCamera, black, picture
from support.viewer import QUICK, watching

from edge.camera.capture import Capture
from edge.camera.frames import Picture, as_image, as_luma
from edge.camera.live import ConditionWatch, Live
from edge.config.schema import SourceConfig


def impatient() -> ConditionWatch:
    return ConditionWatch(frozen=0.6, dark=0.4)


@pytest.fixture
def network_camera() -> Iterator[NetworkCamera]:
    camera = NetworkCamera()
    yield camera
    camera.close()


def live(camera: NetworkCamera, **more: Any) -> Live:
    return Live(lambda: Capture(camera.url, SourceConfig()), "door", pauses=QUICK, **more)


def test_a_frozen_picture_is_told_and_clears(network_camera: NetworkCamera) -> None:
    with watching(live(network_camera, sight=impatient)) as viewer:
        viewer.sees()
        network_camera.freeze()
        viewer.hears("frozen", "the same picture again and again")
        network_camera.show(picture)
        viewer.hears("ok", "None")
    assert [condition for condition, _ in viewer.told] == ["frozen", "ok"]


def test_a_covered_lens_is_told_and_clears(network_camera: NetworkCamera) -> None:
    with watching(live(network_camera, sight=impatient)) as viewer:
        viewer.sees()
        network_camera.show(black)
        viewer.hears("dark", "is the lens covered")
        network_camera.show(picture)
        viewer.hears("ok", "None")
    assert [condition for condition, _ in viewer.told] == ["dark", "ok"]


def test_a_camera_that_was_dark_and_lost_comes_back_without_its_past(network_camera: NetworkCamera) -> None:
    """The first pictures after a replug are often black: exposure has to settle."""
    with watching(live(network_camera, sight=lambda: ConditionWatch(dark=0.5))) as viewer:
        network_camera.show(black)
        viewer.hears("dark")
        network_camera.unplug()
        viewer.hears("lost")
        assert not threading.Event().wait(0.7)
        network_camera.plug_in()
        until(lambda: viewer.told[-1][0] != "lost", "its return")
    assert [condition for condition, _ in viewer.told][:3] == ["dark", "lost", "ok"]


def test_a_stream_that_changes_its_size_goes_on(network_camera: NetworkCamera) -> None:
    """Portrait, larger, tiny: as a camera does whose settings somebody changes. OpenCV keeps to the first size."""
    with watching(live(network_camera)) as viewer:
        viewer.sees()
        for size in ((240, 320), (640, 480), (32, 16), (160, 120)):
            sent = network_camera.sent

            def resized(number: int, size: tuple[int, int] = size) -> Image:
                return np.asarray(cv2.resize(picture(number), size), np.uint8)

            network_camera.show(resized)
            assert network_camera.wait_for(sent + 10)
            viewer.sees()
        assert viewer.told == []
    assert {frame.image.shape for frame in viewer.frames} == {picture(0).shape}


def test_a_driver_that_changes_its_size_is_followed() -> None:
    shapes = [(240, 320, 3), (480, 640, 3), (16, 32, 3), (1, 1, 3)]
    with watching(Live(lambda: Odd([np.zeros(shape, np.uint8) for shape in shapes]), "odd", pauses=QUICK)) as viewer:
        until(lambda: {frame.image.shape for frame in viewer.frames} >= set(shapes), "every size")
        assert viewer.told == []


def test_parts_that_are_no_jpeg_do_not_end_it(network_camera: NetworkCamera) -> None:
    good = [cv2.imencode(".jpg", picture(number))[1].tobytes() for number in range(9)]
    with watching(live(network_camera)) as viewer:
        viewer.sees()
        network_camera.show([good[0], b"", good[1], b"no picture", good[2], good[3][:99], good[4], bytes(999), good[5]])
        viewer.sees(20)
        assert viewer.told == []
        network_camera.show(picture)
        viewer.sees()


class Odd:
    """A driver that gives a good picture, something odd, and so on in a circle."""

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


NONE = [
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
"""What is no picture."""
SOME: list[tuple[Any, tuple[int, int, int]]] = [
    (np.full((6, 8), 9, np.uint8), (6, 8, 3)),
    (np.full((6, 8, 1), 9, np.uint8), (6, 8, 3)),
    (np.full((6, 8, 4), 9, np.uint8), (6, 8, 3)),
    (np.full((1, 1, 3), 9, np.uint8), (1, 1, 3)),
    (np.full((1, 1), 9, np.uint8), (1, 1, 3)),
    (np.full((6, 8, 3), 9, np.uint8)[::-1, ::-2], (6, 4, 3)),
    (np.full((3, 6, 8), 9, np.uint8).transpose(1, 2, 0), (6, 8, 3)),
]
"""What can be made one, and its shape."""


def test_odd_pictures_never_escape_and_the_good_ones_between_them_come_through() -> None:
    driver = Odd([*NONE, *(image for image, _ in SOME)])
    with watching(Live(lambda: driver, "odd", pauses=QUICK)) as viewer:
        viewer.sees(120)
        assert viewer.told == []
    good = {picture(0).shape, *(shape for _, shape in SOME)}
    assert {frame.image.shape for frame in viewer.frames} <= good
    assert sum(frame.image.shape == picture(0).shape for frame in viewer.frames) > 20
    for frame in viewer.frames:
        assert frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous
        assert frame.luma is None


def test_nothing_but_odd_pictures_is_a_lost_camera() -> None:
    class Only(Odd):
        def read(self) -> Picture | None:
            self.closed.wait(0.01)
            return Picture(np.zeros((8, 8, 3), np.float32))  # type: ignore[arg-type]

    with watching(Live(lambda: Only([]), "odd", silence=0.3, pauses=QUICK)) as viewer:
        viewer.hears("lost", "no picture for 0.3 s")


@pytest.mark.parametrize("image", NONE, ids=lambda image: f"{getattr(image, 'dtype', image)}{np.shape(image)}")
def test_what_is_no_picture(image: Any) -> None:
    assert as_image(image) is None


@pytest.mark.parametrize(("image", "shape"), SOME, ids=lambda part: str(np.shape(part)))
def test_what_can_be_made_a_picture(image: Any, shape: tuple[int, int, int]) -> None:
    made = as_image(image)
    assert made is not None and made.shape == shape and (made == 9).all()
    assert made.dtype == np.uint8 and made.flags.c_contiguous


def test_what_is_luma() -> None:
    assert as_luma(np.zeros((4, 6), np.uint8)) is not None
    for odd in (None, np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6)), np.zeros((0, 6), np.uint8), b"luma"):
        assert as_luma(odd) is None


def test_a_hang_between_good_pictures_is_short_for_the_loop() -> None:
    """The loop is told and goes on idling while a read hangs, however long."""
    freed = threading.Event()

    class Slow(Odd):
        def read(self) -> Picture | None:
            if self._next > 10:
                freed.wait(PATIENCE)
            return super().read()

    waiting: Callable[[], bool] = freed.is_set
    with watching(Live(lambda: Slow([None]), "slow", silence=0.3, pauses=QUICK)) as viewer:
        viewer.sees(4)
        viewer.hears("lost")
        idled = viewer.idled
        until(lambda: viewer.idled > idled + 3, "idling")
        assert not waiting()
        freed.set()
