"""Tests the Pi camera on a stand-in for picamera2 that misbehaves as the real one does."""

import os
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from support import PATIENCE, STANDINS
from support.viewer import SHORT_PAUSES, watching

from edge.camera.live import Live
from edge.camera.picamera import PiCamera
from edge.camera.source import FirstCamera, open_source
from edge.config.schema import SourceConfig
from edge.errors import SourceError


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns the stand-in's class ``Picamera2``, with no fault set."""
    monkeypatch.syspath_prepend(STANDINS)
    from picamera2 import Picamera2

    Picamera2.reset()
    return Picamera2


def test_pi_camera_colours_sizes_and_free_luma(pi: Any) -> None:
    """The camera aligns the size 650x490, and the padding of its luma rows is removed."""
    import picamera2

    with closing(open_source("picamera", SourceConfig(width=650, height=490))) as source:
        frame = next(iter(source))
    assert frame.image.shape == (490, 640, 3)
    assert tuple(frame.image[5, 5]) == picamera2.BGR
    assert frame.luma is not None and frame.luma.shape == (244, 320)
    assert (frame.luma == picamera2.LUMA).all()


def test_pi_camera_releases_every_buffer(pi: Any) -> None:
    """More pictures are read than there are buffers; a reader that kept them would get no more."""
    with closing(open_source("picamera")) as source:
        assert pi.opened[-1].wait_for(40, PATIENCE)
        assert next(iter(source)).number >= 38
    assert pi.opened[-1].outstanding == 0


def test_pi_camera_that_stops_silently_is_closed_and_opened_again(pi: Any) -> None:
    pi.freeze_after = 3
    with watching(Live(lambda: PiCamera(SourceConfig(), 0.3), "picamera", pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for("lost", "picamera: no picture for 0.3 s; is the ribbon cable loose?")
        pi.freeze_after = None
        viewer.wait_for_frames()
    assert [camera.is_open for camera in pi.opened] == [False] * len(pi.opened) and len(pi.opened) >= 2


def test_pi_camera_that_hangs_in_a_call_is_opened_again_when_the_call_returns(pi: Any) -> None:
    pi.freeze_after = 3
    with watching(Live(lambda: PiCamera(SourceConfig()), "picamera", lost_after=0.5, pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for("lost", "picamera: no picture for 0.5 s")
        pi.freeze_after = None
        pi.opened[0].cancel_all_and_flush()  # the hanging call returns
        viewer.wait_for_frames()
    assert [camera.is_open for camera in pi.opened] == [False] * len(pi.opened) and len(pi.opened) >= 2


def test_pi_camera_that_is_pulled_out_is_lost_and_opened_again(pi: Any) -> None:
    pi.unplug_after = 3
    with watching(Live(lambda: PiCamera(SourceConfig()), "picamera", pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for("lost", "picamera: RuntimeError: Camera frontend has timed out!")
        assert not pi.opened[0].is_open
        pi.unplug_after = None
        viewer.wait_for_frames()


def test_no_pi_camera_on_the_ribbon(pi: Any) -> None:
    pi.cameras = []
    with pytest.raises(SourceError, match="no Pi camera found"):
        open_source("picamera")


def test_pi_camera_in_use_by_another_program(pi: Any) -> None:
    pi.busy = True
    with pytest.raises(SourceError, match="picamera: Failed to acquire camera: Device or resource busy"):
        open_source("picamera")


def test_pi_camera_that_stays_in_use_leaves_nothing_open(pi: Any) -> None:
    """It is tried every 4 s for ever; one open descriptor per attempt would end the process within the hour."""
    pi.busy = True
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(30):
        with pytest.raises(SourceError):
            PiCamera(SourceConfig())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_usb_camera_that_libcamera_lists_is_not_a_pi_camera(pi: Any) -> None:
    pi.cameras = [{"Model": "webcam", "Num": 0, "Id": "/base/scb/pcie@7d500000/usb@0,0-1:1.0"}]
    with pytest.raises(SourceError, match="no Pi camera found"):
        open_source("picamera")


def test_a_libcamera_that_cannot_start_is_reported(pi: Any) -> None:
    pi.broken = True
    with pytest.raises(SourceError, match="picamera: Failed to start CameraManager; libcamera cannot start"):
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


def test_auto_keeps_to_the_camera_that_it_opened_first(pi: Any) -> None:
    """Another camera of this machine may watch another door."""
    opener: Callable[[], Any] = FirstCamera(SourceConfig())
    opener().close()
    pi.cameras = []
    with pytest.raises(SourceError, match="^no Pi camera found"):
        opener()
    pi.reset()
    opener().close()


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="this machine has cameras")
def test_auto_without_any_camera_reports_what_it_tried(pi: Any) -> None:
    pi.cameras = []
    with pytest.raises(SourceError, match="no camera: no Pi camera found.*no USB camera"):
        open_source("auto")
