"""edge.monitor.answering: what the outputs are told of the loop's frames, and health of the outputs."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ROOT, until

from edge.camera.frames import Frame
from edge.camera.source import open_source
from edge.config.outputs import CommandConfig, PinConfig, RelayConfig
from edge.config.schema import Config
from edge.errors import OutputError
from edge.faces.geometry import Box
from edge.monitor.answering import Answering
from edge.monitor.scene import Scene
from edge.outputs.control import ask
from edge.people.tracker import Track

PERSON = Track(1, Box(100, 100, 160, 160), 0.0, 0.0, None)
NEWCOMER = Track(2, Box(300, 100, 360, 160), 10.0, 10.0, None)
Opened = Callable[..., tuple[Answering, list[str]]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens outputs that print what they would do; returns them with the lines."""
    made: list[Answering] = []

    def open_them(**options: Any) -> tuple[Answering, list[str]]:
        lines: list[str] = []
        config = Config(outputs=(PinConfig(**{"name": "lamp", "pin": 17, "hold": 0.0, "release": 0.0, **options}),))
        made.append(Answering(config, lines.append))
        return made[-1], lines

    yield open_them
    for answering in made:
        answering.close()


def saw(
    answering: Answering, states: dict[int, str], searched: bool = False, at: float = 0.0, unchanged: float = 0.0
) -> None:
    """Shows a frame of the time ``at``; the first person is there since 0, the second since 10."""
    scene = Scene(Frame(np.zeros((480, 640, 3), np.uint8), None, at, 0), tracks=[PERSON, NEWCOMER])
    answering.frame_done(states, scene, searched, unchanged)


def test_people_of_before_a_pause_do_not_count_until_somebody_has_looked(opened: Opened) -> None:
    answering, lines = opened(when=("no_mask", "nobody"))
    saw(answering, {1: "no_mask"})
    saw(answering, {1: "mask"}, searched=True)
    answering.blind()
    saw(answering, {1: "no_mask"})
    saw(answering, {}, searched=True)
    until(lambda: lines, "somebody has looked")
    assert lines == ["lamp  is on: nobody is there"]


def test_a_person_stays_through_frames_that_are_not_searched(opened: Opened) -> None:
    answering, lines = opened()
    saw(answering, {1: "no_mask"}, searched=True)
    until(lambda: lines)
    saw(answering, {1: "no_mask"})
    saw(answering, {1: "unsure"})
    until(lambda: len(lines) == 2)
    assert lines == ["lamp  is on: no mask", "lamp  is off"]


def test_a_door_begins_to_open_only_by_new_pictures_and_when_everybody_is_judged() -> None:
    lines: list[str] = []
    door = RelayConfig(name="door", pin=17, open_when="mask", open_for=600)
    with closing(Answering(Config(outputs=(door,)), lines.append)) as answering:
        saw(answering, {1: "mask"}, searched=True, unchanged=1.2)  # frozen, perhaps
        saw(answering, {1: "mask", 2: "unknown"}, at=11.5)
        time.sleep(0.1)
        assert lines == []
        saw(answering, {1: "mask", 2: "unsure"}, at=12)
        until(lambda: lines)
        saw(answering, {1: "mask", 2: "unknown"}, at=11.5, unchanged=5)
        time.sleep(0.1)
        assert len(lines) == 1, "it stays open"


def test_everything_is_off_when_the_loop_ends_and_alerts_are_still_delivered(opened: Opened) -> None:
    answering, lines = opened()
    saw(answering, {1: "no_mask"}, searched=True)
    until(lambda: lines)
    answering.rest()
    assert lines == ["lamp  is on: no mask", "lamp  is off"]
    answering.close()


def test_what_was_wrong_before_there_was_health_is_passed_on(opened: Opened) -> None:
    answering, _ = opened(zone="left")
    problems: dict[str, str | None] = {}
    until(lambda: answering.outputs.alive)
    assert answering.connected(problems.__setitem__) is answering
    until(lambda: problems)
    assert problems["output lamp"] == "output lamp: there is no zone 'left'; choose one of [detect] zones"


def test_a_clip_in_place_of_the_camera_drives_nothing(opened: Opened) -> None:
    demo, _ = opened()
    real = Answering(Config(outputs=(CommandConfig(name="tell", program=("/bin/true",)),)))
    problems: dict[str, str | None] = {}
    assert demo.connected(problems.__setitem__, is_clip=True) is demo
    assert real.connected(problems.__setitem__, is_clip=True) is None


def test_outputs_are_opened_before_opencv_is_loaded() -> None:
    """A relay must be in its safe state within a second of a restart."""
    code = "import sys, edge.cli.run, edge.monitor.answering; print({'cv2', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stdout + done.stderr


def test_a_demo_fires_nothing_and_says_so(opened: Opened, tmp_path: Path) -> None:
    answering, lines = opened()
    with closing(answering.listen(tmp_path / "control")):
        until((tmp_path / "control").is_socket)
        with pytest.raises(OutputError, match="only prints what its outputs would do"):
            ask(tmp_path / "control", "lamp")
    assert answering.outputs.names == ["lamp"] and lines == []


def test_the_log_names_the_outputs_and_warns_of_a_recording(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = open_source("demo")
    answering = Answering(Config(outputs=(CommandConfig(name="tell", program=("/bin/true", "secret")),)))
    with caplog.at_level("INFO", "maskwatch"):
        assert answering.connected(lambda part, problem: None, source) is answering
    answering.close()
    assert [record.getMessage() for record in caplog.records] == [
        "outputs: tell (program /bin/true)",
        f"{source.name} is no camera, and drives the outputs; --outputs-demo only prints",
    ]
