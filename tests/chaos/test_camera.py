"""Cameras that are unplugged, stop sending, freeze or are covered, with real maskwatch processes."""

import gc
import os
import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from chaos.doors import Door, unmasked_person
from support import DOOR, until
from support.cameras import NetworkCamera, as_jpeg, black, clip_pictures
from support.viewer import watching

from edge.camera import pictures
from edge.camera.capture import Capture
from edge.camera.live import Live
from edge.config.schema import SourceConfig

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

NOTICED, BACK = 10.0, 10.0
"""Seconds within which a fault and its end are reported, as documented."""
INTERVAL = 1 / 12
CYCLES = 50


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    made = NetworkCamera(unmasked_person(), INTERVAL)
    yield made
    made.close()


@pytest.fixture
def door(maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera) -> Door:
    """A door that has already counted the person in front of it."""
    broker = mosquitto().start()
    started = Door(maskwatch, subscriber(broker.port), camera, "--broker", broker.address)
    started.wait_for_person()
    return started


def test_an_unplugged_camera_is_reported_takes_little_cpu_and_returns(door: Door, camera: NetworkCamera) -> None:
    camera.unplug()
    noticed = door.wait_for_camera("lost", NOTICED)
    door.wait_until_empty(2)
    share = door.cpu(10)
    published = len(door.published("health"))
    camera.plug_in()
    back = door.wait_for_camera("ok", BACK)
    door.wait_for_person(10)
    print(f"unplugged: noticed in {noticed:.1f} s, {share:.1%} of a core while absent, back in {back:.1f} s")
    assert share <= 0.1
    assert published == 2, "ok and lost, once each"
    assert door.health["problem"] is None
    assert door.process.err.count("camera lost") == 1 and door.process.popen.poll() is None


def test_a_stream_that_hangs_is_reported_and_opened_again(door: Door, camera: NetworkCamera) -> None:
    """The connection stays open; new ones are served once the camera has recovered."""
    camera.fall_silent()
    noticed = door.wait_for_camera("lost", NOTICED)
    assert "no picture" in door.health["problem"]
    camera.send()
    back = door.wait_for_camera("ok", 20 - noticed)
    print(f"hanging stream: noticed in {noticed:.1f} s, back {back:.1f} s after its recovery")
    door.wait_for_person(10)


@pytest.mark.parametrize("condition", ["frozen", "dark"])
def test_a_frozen_or_dark_image_is_reported_and_counts_nobody(
    condition: str, door: Door, camera: NetworkCamera
) -> None:
    """The frozen image shows a face without a mask the whole time."""
    before = len(door.published("alert"))
    camera.freeze() if condition == "frozen" else camera.show(black)
    noticed = door.wait_for_camera(condition, NOTICED)
    emptied = door.wait_until_empty(8)
    states = len(door.published("state"))
    threading.Event().wait(6)
    assert not any(state["people"] for state in door.published("state")[states:]), "nobody is counted again"
    assert len(door.published("alert")) == before
    camera.show(unmasked_person())
    cleared = door.wait_for_camera("ok", 10)
    door.wait_for_person(10)
    print(f"{condition}: reported in {noticed:.1f} s, count 0 {emptied:.1f} s later, cleared in {cleared:.1f} s")
    assert door.process.err.count(f"camera {condition}") == 1


def masked_person(colour: tuple[int, int, int] | None = None) -> list[bytes]:
    """Frames of a person with a mask; with ``colour`` the part from the mouth down is filled with it."""
    jpegs = clip_pictures(DOOR, 132, 160)
    if colour is None:
        return jpegs
    images = [pictures.decode(jpeg) for jpeg in jpegs]
    for image in images:
        image[230:] = colour
    return [as_jpeg(image) for image in images]


def test_damaged_pictures_raise_no_alert(
    maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera
) -> None:
    """One second of them did: without what covers mouth and nose, the mask counts as badly worn or missing."""
    camera.show(masked_person())
    broker = mosquitto().start()
    door = Door(maskwatch, subscriber(broker.port), camera, "--broker", broker.address)
    door.wait_for_person()
    for colour in ((128, 128, 128), (0, 135, 0)):
        camera.show(masked_person(colour))
        threading.Event().wait(2)
        camera.show(masked_person())
        threading.Event().wait(2)
    assert door.people > 0, "what came between is enough to go on"
    assert door.published("alert") == []
    assert door.process.err.count("pictures are damaged in part") == 1 and door.health["camera"] == "ok"


def test_fifty_replugs_leak_no_descriptor_no_thread_and_no_memory() -> None:
    """The camera runs in this process, with short pauses. The first ten replugs fill every cache."""
    threads = threading.active_count()
    camera, process = NetworkCamera(unmasked_person()[:2], 0.005), psutil.Process()

    def measure() -> tuple[int, int, float]:
        """The numbers of descriptors and threads, and the resident memory in MiB."""
        gc.collect()
        return len(os.listdir("/proc/self/fd")), threading.active_count(), process.memory_info().rss / 2**20

    live = Live(lambda: Capture(camera.url, SourceConfig()), "door", lost_after=5, pauses=(0.02, 0.1))
    with watching(live) as viewer:
        before = (0, 0, 0.0)
        for cycle in range(CYCLES + 10):
            viewer.wait_for_frames(2)
            viewer.frames.clear()
            if cycle == 10:
                until(lambda: threading.active_count() <= threads + 5, "the threads of earlier connections end")
                before = measure()
            camera.unplug()
            until(lambda: live.condition == "lost", "the camera is lost")
            camera.plug_in()
        viewer.wait_for_frames(2)
        viewer.frames.clear()
        until(lambda: len(os.listdir("/proc/self/fd")) <= before[0], f"{measure()} after {before}")
        until(lambda: threading.active_count() <= before[1], f"{threading.enumerate()}")
        after = measure()
        print(f"{CYCLES} replugs: descriptors, threads, MiB {before} -> {after}")
        assert after[2] - before[2] < 10
        assert [condition for condition, _ in viewer.conditions] == ["lost", "ok"] * (CYCLES + 10)
    camera.close()
