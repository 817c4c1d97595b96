"""Tests how a live camera is supervised when it is absent, ends, goes silent, hangs or comes back.

``test_live_pictures.py`` tests the pictures themselves.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from support import PATIENCE, ROOT, until
from support.cameras import NetworkCamera, picture
from support.viewer import SHORT_PAUSES, CountingDriver, Viewer, watching

from edge.camera.capture import Capture
from edge.camera.frames import Driver, Picture
from edge.camera.live import Live
from edge.camera.source import open_source
from edge.config.schema import SourceConfig
from edge.errors import SourceError

STUCK = """
import sys, threading
sys.path.insert(0, {tests!r})
from support.cameras import NetworkCamera
from edge.camera.source import open_source
camera = NetworkCamera()
source = open_source(camera.url, lost_after=0.5)
def on_condition(condition, reason):
    print(condition, reason)
    source.stop()
source.on_condition = on_condition
for frame in source:
    camera.fall_silent()
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


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_slow_consumer_gets_the_newest_picture() -> None:
    driver = CountingDriver(50)
    source = Live(lambda: driver, "counting")
    assert driver.exhausted.wait(PATIENCE)
    frame = next(iter(source))
    assert frame.number == 49 and source.dropped == 49
    assert np.array_equal(frame.image, picture(49))
    driver.closed.set()
    source.close()


def test_it_is_known_for_how_long_the_pictures_have_shown_nothing_new(network_camera: NetworkCamera) -> None:
    network_camera.freeze()
    source = Live(lambda: Capture(network_camera.url, SourceConfig()), "door")
    with watching(source) as viewer:
        viewer.wait_for_frames()
        assert source.unchanged_s == float("inf")
        network_camera.show(picture)
        until(lambda: source.unchanged_s < 1)
        network_camera.freeze()
        until(lambda: 0.3 < source.unchanged_s < PATIENCE)
    assert open_source("demo").unchanged_s == 0


def test_a_stream_that_ends_is_reported_and_opened_again(network_camera: NetworkCamera) -> None:
    with watching(Live(lambda: Capture(network_camera.url, SourceConfig()), "door", pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for_frames()
        network_camera.hang_up()
        viewer.wait_for("lost", f"{network_camera.url}: the camera gives no pictures any more")
        network_camera.send()
        viewer.wait_for("ok", "None")
        viewer.wait_for_frames()
    assert [condition for condition, _ in viewer.conditions] == ["lost", "ok"], "each change is reported once"


def test_an_unplugged_camera_is_reported_and_found_again(network_camera: NetworkCamera) -> None:
    with watching(Live(lambda: Capture(network_camera.url, SourceConfig()), "door", pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for_frames()
        network_camera.unplug()
        viewer.wait_for("lost", "no pictures any more")
        idle_calls = viewer.idle_calls
        until(lambda: viewer.idle_calls > idle_calls + 5, "idle calls while there is no camera")
        assert viewer.source.alive(), "an absent camera does not hang"
        network_camera.plug_in()
        viewer.wait_for_frames()
    assert [condition for condition, _ in viewer.conditions] == ["lost", "ok"]
    assert [frame.number for frame in viewer.frames] == sorted({frame.number for frame in viewer.frames})


def test_a_stream_that_goes_silent_is_reported_and_opened_again(network_camera: NetworkCamera) -> None:
    source = Live(lambda: Capture(network_camera.url, SourceConfig()), "door", lost_after=0.5, pauses=SHORT_PAUSES)
    with watching(source) as viewer:
        viewer.wait_for_frames()
        network_camera.fall_silent()
        viewer.wait_for("lost", "no picture for 0.5 s")
        network_camera.send()  # new connections get pictures; the old one stays silent
        viewer.wait_for_frames()
        network_camera.hang_up()  # the readers that hang return


def test_a_camera_that_is_absent_at_first_is_waited_for_on_request(network_camera: NetworkCamera) -> None:
    network_camera.unplug()
    with pytest.raises(SourceError, match="does not answer"):
        open_source(network_camera.url)
    with watching(
        Live(lambda: Capture(network_camera.url, SourceConfig()), "door", pauses=SHORT_PAUSES, retry_opening=True)
    ) as viewer:
        viewer.wait_for("lost", "door: http://127.0.0.1")
        assert viewer.frames == []
        network_camera.plug_in()
        viewer.wait_for_frames()


def test_hanging_readers_are_left_behind_and_leak_nothing(network_camera: NetworkCamera) -> None:
    """After each silence the camera serves new connections; at the end all of the old ones return at once."""
    source = Live(lambda: Capture(network_camera.url, SourceConfig()), "door", lost_after=0.4, pauses=SHORT_PAUSES)
    with watching(source) as viewer:
        viewer.wait_for_frames()
        before, threads = descriptors(), threading.active_count()
        for _ in range(5):
            network_camera.fall_silent()
            viewer.wait_for("lost")
            network_camera.send()
            viewer.wait_for("ok")
        network_camera.hang_up()
        viewer.wait_for("lost")
        network_camera.send()
        viewer.wait_for_frames()
        until(lambda: threading.active_count() <= threads, "the end of the threads that hung")
        until(lambda: descriptors() <= before, "the closing of their descriptors")


class HangingDriver:
    """A driver whose ``read`` hangs until ``freed`` is set."""

    name = "hanging"

    def __init__(self) -> None:
        self.freed = threading.Event()
        self.opened = self.closed = 0

    def open(self) -> Driver:
        self.opened += 1
        return self

    def read(self) -> Picture | None:
        self.freed.wait(PATIENCE)
        return Picture(picture(self.opened))

    def close(self) -> None:
        self.closed += 1


def test_a_camera_whose_every_read_hangs_is_not_alive_until_one_returns() -> None:
    camera = HangingDriver()
    with watching(Live(camera.open, "hanging", lost_after=0.2, pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for("lost", "no picture for 0.2 s")
        until(lambda: not viewer.source.alive(), "the source to need a new process")
        camera.freed.set()
        viewer.wait_for_frames()
        assert viewer.source.alive()
        until(lambda: camera.closed == camera.opened - 1, "the readers that hung to close their drivers")


def test_an_opening_that_hangs_is_reported() -> None:
    camera, freed = CountingDriver(5), threading.Event()

    def opener() -> Driver:
        freed.wait(PATIENCE)
        return camera

    with watching(Live(opener, "hanging", lost_after=0.2, pauses=SHORT_PAUSES, retry_opening=True)) as viewer:
        viewer.wait_for("lost", "hanging: no picture for 0.2 s")
        until(lambda: not viewer.source.alive(), "the source to need a new process")
        freed.set()
        camera.closed.set()


@pytest.mark.parametrize("fault", [RuntimeError("bus error"), OSError(19, "No such device"), MemoryError()], ids=repr)
def test_any_error_of_a_driver_is_reported_with_its_reason(fault: Exception) -> None:
    class Failing(CountingDriver):
        def read(self) -> Picture | None:
            raise fault

    with watching(Live(lambda: Failing(0), "failing", pauses=SHORT_PAUSES)) as viewer:
        viewer.wait_for("lost", f"{type(fault).__name__}: {fault}")


def test_attempts_to_open_a_loose_contact_become_rarer() -> None:
    """A camera that gives one picture each time must not fill the log."""
    opened: list[CountingDriver] = []

    def opener() -> Driver:
        opened.append(CountingDriver(1))
        opened[-1].closed.set()
        return opened[-1]

    with watching(Live(opener, "loose contact", pauses=(0.05, 30.0))) as viewer:
        until(lambda: len(opened) >= 4, "four attempts")
        assert not threading.Event().wait(1.0)
        assert len(opened) <= 7, "0.05 + 0.1 + 0.2 + 0.4 + 0.8 + ..."
        assert len(viewer.conditions) <= 2 * len(opened)


def test_closing_a_stream_that_is_stuck_does_not_crash() -> None:
    """Runs in a separate process: releasing a capture while a thread reads from it is a segmentation fault."""
    script = STUCK.format(tests=str(ROOT / "tests"))
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert "lost" in ran.stdout and "no picture for 0.5 s" in ran.stdout
    assert "closed" in ran.stdout and ran.returncode == 0, f"exit code {ran.returncode}: {ran.stdout} {ran.stderr}"


@pytest.mark.parametrize("patient", [False, True])
def test_an_address_is_shown_without_its_password(patient: bool) -> None:
    shown: list[str] = []
    address = "http://cam:hunter2@127.0.0.1:9/video?user=cam&pwd=hunter2"
    try:
        source = open_source(address, retry_opening=patient)
        viewer = Viewer(source)
        viewer.wait_for("lost", "does not answer with a video stream")
        source.close()
        shown = [source.name, str(viewer.conditions)]
    except SourceError as error:
        shown = [str(error)]
    assert "http://127.0.0.1:9/..." in shown[0] and "hunter2" not in str(shown)


def test_a_v4l2_camera_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="/dev/video97 cannot be opened"):
        open_source("usb:97")
