"""Cameras that are pulled out, fall silent, freeze or are covered, under real maskwatch processes."""

import gc
import os
import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from chaos.doors import Door, bare_face
from support import until
from support.cameras import NetworkCamera, black
from support.viewer import watching

from edge.camera.capture import Capture
from edge.camera.live import Live
from edge.config.schema import SourceConfig

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

NOTICED, BACK = 10.0, 10.0
"""Seconds, as promised."""
INTERVAL = 1 / 12
CYCLES = 50


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    made = NetworkCamera(bare_face(), INTERVAL)
    yield made
    made.close()


@pytest.fixture
def door(maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera) -> Door:
    """One that has already seen the person before it."""
    broker = mosquitto().start()
    opened = Door(maskwatch, subscriber(broker.port), camera, "--broker", broker.address)
    opened.sees_somebody()
    return opened


def test_an_unplugged_camera_is_noticed_costs_nothing_and_comes_back(door: Door, camera: NetworkCamera) -> None:
    camera.unplug()
    noticed = door.becomes("lost", NOTICED)
    door.empties(2)
    share = door.cpu(10)
    told = len(door.said("health"))
    camera.plug_in()
    back = door.becomes("ok", BACK)
    door.sees_somebody(10)
    print(f"unplugged: noticed in {noticed:.1f} s, {share:.1%} of a core while absent, back in {back:.1f} s")
    assert share <= 0.1
    assert told == 2, "ok and lost, each said once"
    assert door.health["problem"] is None
    assert door.run.err.count("camera lost") == 1 and door.run.popen.poll() is None


def test_a_stream_that_hangs_is_noticed_and_opened_again(door: Door, camera: NetworkCamera) -> None:
    """The connection stays open; new ones are served once the camera has recovered."""
    camera.fall_silent()
    noticed = door.becomes("lost", NOTICED)
    assert "no picture" in door.health["problem"]
    camera.send()
    back = door.becomes("ok", 20 - noticed)
    print(f"hanging stream: noticed in {noticed:.1f} s, back {back:.1f} s after its recovery")
    door.sees_somebody(10)


@pytest.mark.parametrize("condition", ["frozen", "dark"])
def test_a_picture_that_shows_nothing_new_is_told_and_counts_nobody(
    condition: str, door: Door, camera: NetworkCamera
) -> None:
    """The frozen picture shows a bare face for as long as it lasts."""
    before = len(door.said("alert"))
    camera.freeze() if condition == "frozen" else camera.show(black)
    noticed = door.becomes(condition, NOTICED)
    emptied = door.empties(8)
    states = len(door.said("state"))
    threading.Event().wait(6)
    assert not any(state["people"] for state in door.said("state")[states:]), "nobody, and that remains so"
    assert len(door.said("alert")) == before
    camera.show(bare_face())
    cleared = door.becomes("ok", 10)
    door.sees_somebody(10)
    print(f"{condition}: told in {noticed:.1f} s, nobody counted {emptied:.1f} s later, cleared in {cleared:.1f} s")
    assert door.run.err.count(f"camera {condition}") == 1


def test_fifty_replugs_leak_no_descriptor_no_thread_and_no_memory() -> None:
    """In this process, with short pauses; the first ten fill every cache."""
    camera, process = NetworkCamera(bare_face()[:2], 0.005), psutil.Process()

    def weigh() -> tuple[int, int, float]:
        gc.collect()
        return len(os.listdir("/proc/self/fd")), threading.active_count(), process.memory_info().rss / 2**20

    live = Live(lambda: Capture(camera.url, SourceConfig()), "door", lost_after=5, pauses=(0.02, 0.1))
    with watching(live) as viewer:
        before = (0, 0, 0.0)
        for cycle in range(CYCLES + 10):
            viewer.wait_for_frames(2)
            viewer.frames.clear()
            if cycle == 10:
                until(lambda: threading.active_count() <= 6, "the camera's own threads ending")
                before = weigh()
            camera.unplug()
            until(lambda: live.condition == "lost", "the loss")
            camera.plug_in()
        viewer.wait_for_frames(2)
        viewer.frames.clear()
        until(lambda: len(os.listdir("/proc/self/fd")) <= before[0], f"{weigh()} after {before}")
        until(lambda: threading.active_count() <= before[1], f"{threading.enumerate()}")
        after = weigh()
        print(f"{CYCLES} replugs: descriptors, threads, MiB {before} -> {after}")
        assert after[2] - before[2] < 10
        assert [condition for condition, _ in viewer.conditions] == ["lost", "ok"] * (CYCLES + 10)
    camera.close()
