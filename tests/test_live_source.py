"""What only a live camera does: go silent, end, be absent; and the traps of picamera2."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cameras import PATIENCE, NetworkCamera, picture

from edge.config import Source as Wanted
from edge.drivers import Picture
from edge.errors import SourceError
from edge.source import Live, open_source

STUCK = """
import sys, threading
sys.path.insert(0, {tests!r})
from cameras import NetworkCamera
from edge.errors import SourceError
from edge.source import open_source
camera = NetworkCamera()
source = open_source(camera.url, silence=0.5)
try:
    for frame in source:
        camera.freeze()
except SourceError as error:
    print(error)
source.close()
camera.hang_up()
for thread in threading.enumerate():
    if thread.name == "camera":
        thread.join(60)
print("closed")
"""


@pytest.fixture
def network_camera() -> Iterator[NetworkCamera]:
    camera = NetworkCamera()
    yield camera
    camera.close()


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class ``Picamera2`` of the stand-in, in working order."""
    monkeypatch.syspath_prepend(Path(__file__).with_name("standins"))
    from picamera2 import Picamera2

    Picamera2.mend()
    return Picamera2


class Counting:
    """A driver with ``count`` pictures, the reader then waits; ``exhausted`` tells that it got there."""

    name = "counting"

    def __init__(self, count: int) -> None:
        self.exhausted, self.closed = threading.Event(), threading.Event()
        self._count, self._next = count, 0

    def read(self) -> Picture | None:
        if self._next == self._count:
            self.exhausted.set()
            self.closed.wait(PATIENCE)
            return None
        self._next += 1
        return Picture(picture(self._next - 1))

    def close(self) -> None:
        self.closed.set()


def test_after_a_pause_comes_the_newest_picture() -> None:
    driver = Counting(50)
    source = Live(driver)
    assert driver.exhausted.wait(PATIENCE)
    frame = next(iter(source))
    assert frame.number == 49 and source.dropped == 49
    assert np.array_equal(frame.image, picture(49))
    driver.closed.set()
    source.close()


def test_a_stream_that_ends_is_an_error(network_camera: NetworkCamera) -> None:
    with closing(open_source(network_camera.url)) as source, pytest.raises(SourceError, match="no pictures any more"):
        for _ in source:
            network_camera.hang_up()


def test_a_stream_that_goes_silent_is_an_error(network_camera: NetworkCamera) -> None:
    source = open_source(network_camera.url, silence=0.5)
    with pytest.raises(SourceError, match="no picture for"):
        for _ in source:
            network_camera.freeze()
    network_camera.hang_up()  # the reader comes back
    source.close()


def test_closing_a_stream_that_is_stuck_does_not_crash() -> None:
    """In a process of its own: releasing a capture under a thread that reads from it is a segmentation fault."""
    here = Path(__file__).parent
    script = STUCK.format(tests=str(here))
    ran = subprocess.run([sys.executable, "-c", script], cwd=here.parent, capture_output=True, text=True, timeout=100)
    assert "closed" in ran.stdout and ran.returncode == 0, f"exit code {ran.returncode}: {ran.stdout} {ran.stderr}"


def test_an_address_without_a_server_hides_its_password() -> None:
    with pytest.raises(SourceError, match="does not answer with a video stream") as caught:
        open_source("http://cam:hunter2@127.0.0.1:9/video")
    assert "hunter2" not in str(caught.value)


def test_a_v4l2_camera_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="/dev/video97 cannot be opened"):
        open_source("usb:97")


def test_pi_camera_colours_sizes_and_free_luma(pi: Any) -> None:
    """The sizes are what the camera made of 650x490, and the luma has none of its rows' padding."""
    import picamera2

    with closing(open_source("picamera", Wanted(width=650, height=490))) as source:
        frame = next(iter(source))
    assert frame.image.shape == (490, 640, 3)
    assert tuple(frame.image[5, 5]) == picamera2.BGR
    assert frame.luma is not None and frame.luma.shape == (244, 320)
    assert (frame.luma == picamera2.LUMA).all()


def test_pi_camera_gives_every_buffer_back(pi: Any) -> None:
    """Many more pictures than there are buffers; a reader that kept them would starve."""
    with closing(open_source("picamera")) as source:
        assert pi.opened[-1].wait_for(40, PATIENCE)
        assert next(iter(source)).number >= 38
    assert pi.opened[-1].outstanding == 0


def test_pi_camera_that_stops_without_a_word(pi: Any) -> None:
    pi.freeze_after = 3
    with (
        closing(open_source("picamera", silence=0.5)) as source,
        pytest.raises(SourceError, match="picamera: no picture for"),
    ):
        list(source)
    assert not pi.opened[-1].is_open


def test_pi_camera_that_is_pulled_out(pi: Any) -> None:
    pi.unplug_after = 3
    with closing(open_source("picamera")) as source, pytest.raises(SourceError, match="frontend has timed out"):
        list(source)


def test_no_pi_camera_on_the_ribbon(pi: Any) -> None:
    pi.cameras = []
    with pytest.raises(SourceError, match="no Pi camera found"):
        open_source("picamera")


def test_pi_camera_in_use_by_another_program(pi: Any) -> None:
    pi.busy = True
    with pytest.raises(SourceError, match="picamera"):
        open_source("picamera")


def test_pi_camera_that_cannot_be_configured_is_closed(pi: Any) -> None:
    pi.unconfigurable = True
    with pytest.raises(SourceError, match="picamera"):
        open_source("picamera")
    assert not pi.opened[-1].is_open


def test_auto_takes_the_pi_camera(pi: Any) -> None:
    with closing(open_source("auto")) as source:
        assert source.name == "picamera"
        assert len(list(islice(source, 2))) == 2


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="this machine has cameras")
def test_auto_without_any_camera_says_what_it_tried(pi: Any) -> None:
    pi.cameras = []
    with pytest.raises(SourceError, match="no camera: no Pi camera found.*no USB camera"):
        open_source("auto")
