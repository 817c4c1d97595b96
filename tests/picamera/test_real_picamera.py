"""The Pi camera's driver and the real picamera2, over a camera that libcamera's pipeline ``virtual`` plays.

Runs in the Debian that ``run`` makes. Each camera is opened in a process of its own, as libcamera reads its
configuration once a process.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.picamera

CAMERAS = Path("/usr/share/libcamera/pipeline/virtual/virtual.yaml")
STOPPED = Path("/run/virtual-camera.stopped")
"""While it is there the virtual camera cancels what is asked of it, as a Pi's does after a timeout."""
ROOT = Path(__file__).parents[2]
HEAD = """
import gc, json, os, threading, time
import cv2, numpy as np
from edge.config.schema import SourceConfig
from edge.camera.picamera import PiCamera
from edge.errors import SourceError
"""


def camera(what: str) -> None:
    """Connects one camera that shows ``what``, or none for an empty text."""
    size = "  supported_formats:\n  - {width: 1920, height: 1080, frame_rates: [1, 120]}\n"
    CAMERAS.write_text(
        f'%YAML 1.1\n---\n"/base/virtual":\n{size}  model: "virtual"\n  {what}\n' if what else "%YAML 1.1\n---\n{}\n"
    )


@pytest.fixture(autouse=True)
def bars() -> Iterator[None]:
    STOPPED.unlink(missing_ok=True)
    camera('test_pattern: "bars"')
    yield
    STOPPED.unlink(missing_ok=True)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """The first seconds of the bundled clip: one bare person."""
    import cv2

    capture = cv2.VideoCapture(str(ROOT / "edge" / "camera" / "door.mp4"))
    for number in range(90):
        assert cv2.imwrite(str(tmp_path / f"{number}.jpg"), capture.read()[1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return tmp_path


def python(code: str, timeout: float = 90) -> Any:
    """What a program that ends with ``answer = ...`` answers."""
    program = f"{HEAD}\n{code}\nprint('answer', json.dumps(answer))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.rpartition("answer ")[2])


def test_sizes_are_what_the_camera_makes_of_them_and_padding_is_cut_off(clip: Path) -> None:
    """650 x 490 is no size that it has; a luma of 320 lies in rows of 384."""
    camera(f'frames: {{path: "{clip}/"}}')
    found = python("""
camera = PiCamera(SourceConfig(width=650, height=490, fps=60))
picture = camera.read()
grey = cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY)
apart = cv2.absdiff(cv2.resize(grey, picture.luma.shape[::-1], interpolation=cv2.INTER_AREA), picture.luma)
answer = {"image": picture.image.shape, "luma": picture.luma.shape, "apart": float(apart.mean()),
          "edge": float(apart[:, -4:].mean())}
camera.close()
""")
    assert found["image"] == [490, 640, 3] and found["luma"] == [244, 320]
    assert found["apart"] < 16, "the luma is of the same moment (limited range, so up to 16 levels apart)"
    assert found["edge"] < 20, "no padding at the right edge"


def test_colours_lie_in_memory_as_opencv_wants_them() -> None:
    """Of the bars' colours blue, green and red are pure: B, G, R each once at 255 with the others at 0."""
    found = python("""
camera = PiCamera(SourceConfig(fps=60))
row = camera.read().image[240]
answer = sorted({tuple(int(v) for v in pixel) for pixel in row})
camera.close()
""")
    assert [255, 0, 0] in found and [0, 255, 0] in found and [0, 0, 255] in found


def test_yellow_is_yellow(tmp_path: Path) -> None:
    """The test above cannot tell red from blue. This can."""
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "0.jpg"), np.full((480, 640, 3), (20, 60, 200), np.uint8))
    camera(f'frames: {{path: "{tmp_path}/0.jpg"}}')
    blue, green, red = python("""
camera = PiCamera(SourceConfig(fps=60))
answer = camera.read().image.reshape(-1, 3).mean(axis=0).tolist()
camera.close()
""")
    assert abs(blue - 20) < 8 and abs(green - 60) < 8 and abs(red - 200) < 8


def test_hundreds_of_pictures_and_openings_leave_nothing_behind() -> None:
    """There are 4 buffers: unreleased requests would stall it, unclosed cameras leave descriptors and threads."""
    found = python(
        """
def opened():
    gc.collect()  # picamera2's objects refer to each other
    return len(os.listdir("/proc/self/fd")), threading.active_count()
def use(count):
    camera = PiCamera(SourceConfig(fps=120))
    for _ in range(count):
        camera.read()
    camera.close()
use(300)
before = opened()
for _ in range(20):
    use(3)
answer = [before, opened()]
""",
        timeout=110,
    )
    assert found[0] == found[1]


def test_no_camera_is_said() -> None:
    camera("")
    said = python("""
try:
    PiCamera(SourceConfig())
    answer = "opened"
except SourceError as error:
    answer = str(error)
""")
    assert "no Pi camera found" in said


def test_a_camera_in_use_is_said() -> None:
    said = python('''
import subprocess, sys
camera = PiCamera(SourceConfig())
code = """
import gc, os
from edge.camera.picamera import PiCamera; from edge.config.schema import SourceConfig
from edge.errors import SourceError
open = []
for _ in range(21):
    try:
        PiCamera(SourceConfig())
    except SourceError as error:
        said = str(error)
    gc.collect()
    open.append(len(os.listdir("/proc/self/fd")))
print(said, open[0] == open[-1])
"""
answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
camera.close()
''')
    assert "picamera: Failed to acquire camera: Device or resource busy" in said and "another program" in said
    assert said.strip().endswith("True"), "trying for hours leaves nothing open"


class Run:
    """A ``maskwatch run`` with this camera."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        environ = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--source", "picamera", "--print", *options],
                cwd=ROOT, stdout=out, stderr=err, env=environ,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self._out.read_text() + self._err.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 60
        while text not in self.said:
            assert self.popen.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.1)


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    started: list[Run] = []

    def start(*options: str) -> Run:
        started.append(Run(tmp_path_factory.mktemp("run"), *options))
        return started[-1]

    yield start
    for each in started:
        each.popen.kill()
        each.popen.wait(10)


def test_an_alert_comes_through_the_real_library_and_sigterm_ends_well(clip: Path, run: Any) -> None:
    camera(f'frames: {{path: "{clip}/"}}')
    process = run()
    process.wait_for('"event_type":"no_mask"')
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(20) == 0, process.said


def test_a_camera_that_stops_is_lost_and_comes_back(run: Any) -> None:
    process = run("--show-stats")
    process.wait_for("watching picamera")
    process.wait_for("fps")
    STOPPED.touch()
    process.wait_for("camera lost")
    STOPPED.unlink()
    process.wait_for("camera well again")
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(20) == 0, process.said
