"""What only a live camera does: be absent, end, go silent, hang, come back; ``test_live_pictures.py`` has the rest."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from support import PATIENCE, ROOT, until
from support.cameras import NetworkCamera, picture
from support.viewer import QUICK, Counting, Viewer, watching

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
source = open_source(camera.url, silence=0.5)
def told(condition, text):
    print(condition, text)
    source.stop()
source.told = told
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


def test_after_a_pause_comes_the_newest_picture() -> None:
    driver = Counting(50)
    source = Live(lambda: driver, "counting")
    assert driver.exhausted.wait(PATIENCE)
    frame = next(iter(source))
    assert frame.number == 49 and source.dropped == 49
    assert np.array_equal(frame.image, picture(49))
    driver.closed.set()
    source.close()


def test_a_stream_that_ends_is_told_and_opened_again(network_camera: NetworkCamera) -> None:
    with watching(Live(lambda: Capture(network_camera.url, SourceConfig()), "door", pauses=QUICK)) as viewer:
        viewer.sees()
        network_camera.hang_up()
        viewer.hears("lost", f"{network_camera.url}: the camera gives no pictures any more")
        network_camera.send()
        viewer.hears("ok", "None")
        viewer.sees()
    assert [condition for condition, _ in viewer.told] == ["lost", "ok"], "each change once"


def test_an_unplugged_camera_is_told_and_found_again(network_camera: NetworkCamera) -> None:
    with watching(Live(lambda: Capture(network_camera.url, SourceConfig()), "door", pauses=QUICK)) as viewer:
        viewer.sees()
        network_camera.unplug()
        viewer.hears("lost", "no pictures any more")
        idled = viewer.idled
        until(lambda: viewer.idled > idled + 5, "signs of life while there is no camera")
        assert viewer.source.alive(), "absent is no hang"
        network_camera.plug_in()
        viewer.sees()
    assert [condition for condition, _ in viewer.told] == ["lost", "ok"]
    assert [frame.number for frame in viewer.frames] == sorted({frame.number for frame in viewer.frames})


def test_a_stream_that_goes_silent_is_told_and_opened_again(network_camera: NetworkCamera) -> None:
    source = Live(lambda: Capture(network_camera.url, SourceConfig()), "door", silence=0.5, pauses=QUICK)
    with watching(source) as viewer:
        viewer.sees()
        network_camera.fall_silent()
        viewer.hears("lost", "no picture for 0.5 s")
        network_camera.send()  # new connections get pictures, the old one stays silent
        viewer.sees()
        network_camera.hang_up()  # the readers that hang come back


def test_a_camera_that_is_absent_at_first_is_waited_for_if_so_wished(network_camera: NetworkCamera) -> None:
    network_camera.unplug()
    with pytest.raises(SourceError, match="does not answer"):
        open_source(network_camera.url)
    with watching(
        Live(lambda: Capture(network_camera.url, SourceConfig()), "door", pauses=QUICK, patient=True)
    ) as viewer:
        viewer.hears("lost", "door: http://127.0.0.1")
        assert viewer.frames == []
        network_camera.plug_in()
        viewer.sees()


def test_the_readers_that_hung_are_left_behind_and_nothing_leaks(network_camera: NetworkCamera) -> None:
    """After each silence the camera serves new connections; at the end all of the old ones come back at once."""
    source = Live(lambda: Capture(network_camera.url, SourceConfig()), "door", silence=0.4, pauses=QUICK)
    with watching(source) as viewer:
        viewer.sees()
        before, threads = descriptors(), threading.active_count()
        for _ in range(5):
            network_camera.fall_silent()
            viewer.hears("lost")
            network_camera.send()
            viewer.hears("ok")
        network_camera.hang_up()
        viewer.hears("lost")
        network_camera.send()
        viewer.sees()
        until(lambda: threading.active_count() <= threads, "the threads that hung ending")
        until(lambda: descriptors() <= before, "their descriptors closed")


class Hanging:
    """Every driver's first ``read`` hangs until ``freed``."""

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
    camera = Hanging()
    with watching(Live(camera.open, "hanging", silence=0.2, pauses=QUICK)) as viewer:
        viewer.hears("lost", "no picture for 0.2 s")
        until(lambda: not viewer.source.alive(), "that only a new process can help")
        camera.freed.set()
        viewer.sees()
        assert viewer.source.alive()
        until(lambda: camera.closed == camera.opened - 1, "the readers that hung close their drivers")


def test_an_opening_that_hangs_is_noticed_too() -> None:
    camera, freed = Counting(5), threading.Event()

    def opener() -> Driver:
        freed.wait(PATIENCE)
        return camera

    with watching(Live(opener, "hanging", silence=0.2, pauses=QUICK, patient=True)) as viewer:
        viewer.hears("lost", "hanging: no picture for 0.2 s")
        until(lambda: not viewer.source.alive(), "that only a new process can help")
        freed.set()
        camera.closed.set()


@pytest.mark.parametrize("fault", [RuntimeError("bus error"), OSError(19, "No such device"), MemoryError()], ids=repr)
def test_whatever_a_driver_raises_is_told_with_its_reason(fault: Exception) -> None:
    class Failing(Counting):
        def read(self) -> Picture | None:
            raise fault

    with watching(Live(lambda: Failing(0), "failing", pauses=QUICK)) as viewer:
        viewer.hears("lost", f"{type(fault).__name__}: {fault}")


def test_a_camera_that_comes_and_goes_is_tried_ever_less_often() -> None:
    """One picture, and gone again: that must not fill a log."""
    opened: list[Counting] = []

    def opener() -> Driver:
        opened.append(Counting(1))
        opened[-1].closed.set()
        return opened[-1]

    with watching(Live(opener, "loose contact", pauses=(0.05, 30.0))) as viewer:
        until(lambda: len(opened) >= 4, "some attempts")
        assert not threading.Event().wait(1.0)
        assert len(opened) <= 7, "0.05 + 0.1 + 0.2 + 0.4 + 0.8 + ..."
        assert len(viewer.told) <= 2 * len(opened)


def test_closing_a_stream_that_is_stuck_does_not_crash() -> None:
    """In a process of its own: releasing a capture under a thread that reads from it is a segmentation fault."""
    script = STUCK.format(tests=str(ROOT / "tests"))
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert "lost" in ran.stdout and "no picture for 0.5 s" in ran.stdout
    assert "closed" in ran.stdout and ran.returncode == 0, f"exit code {ran.returncode}: {ran.stdout} {ran.stderr}"


@pytest.mark.parametrize("patient", [False, True])
def test_an_address_hides_its_password_wherever_it_is_shown(patient: bool) -> None:
    told: list[str] = []
    address = "http://cam:hunter2@127.0.0.1:9/video?user=cam&pwd=hunter2"
    try:
        source = open_source(address, patient=patient)
        viewer = Viewer(source)
        viewer.hears("lost", "does not answer with a video stream")
        source.close()
        told = [source.name, str(viewer.told)]
    except SourceError as error:
        told = [str(error)]
    assert "127.0.0.1:9/video" in told[0] and "hunter2" not in str(told)


def test_a_v4l2_camera_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="/dev/video97 cannot be opened"):
        open_source("usb:97")
