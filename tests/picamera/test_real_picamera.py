"""The Pi camera's driver with the real picamera2, over a virtual camera of libcamera's pipeline ``virtual``.

The tests run in the Debian that ``run`` makes. Each camera is opened in a process of its own, because libcamera reads
its configuration once per process.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import DOOR, ROOT, until

pytestmark = pytest.mark.picamera

CAMERAS = Path("/usr/share/libcamera/pipeline/virtual/virtual.yaml")
STOPPED = Path("/run/virtual-camera.stopped")
"""While this file exists, the virtual camera cancels all requests, as a Pi's camera does after a timeout."""
HEAD = """
import gc, json, os, threading, time
import cv2, numpy as np
from edge.config.schema import SourceConfig
from edge.camera.picamera import PiCamera
from edge.errors import SourceError
"""


def connect_camera(content: str) -> None:
    """Connects one camera that shows ``content`` (a line of libcamera's configuration), or none if it is empty."""
    size = "  supported_formats:\n  - {width: 1920, height: 1080, frame_rates: [1, 120]}\n"
    camera = f'"/base/virtual":\n{size}  model: "virtual"\n  {content}' if content else "{}"
    CAMERAS.write_text(f"%YAML 1.1\n---\n{camera}\n")


@pytest.fixture(autouse=True)
def bars() -> Iterator[None]:
    STOPPED.unlink(missing_ok=True)
    connect_camera('test_pattern: "bars"')
    yield
    STOPPED.unlink(missing_ok=True)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """The first seconds of the bundled clip as images: one person without a mask."""
    capture = cv2.VideoCapture(str(DOOR))
    for number in range(90):
        assert cv2.imwrite(str(tmp_path / f"{number}.jpg"), capture.read()[1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return tmp_path


def python(code: str, timeout: float = 90) -> Any:
    """Runs a program that ends by assigning ``answer``; returns its value."""
    program = f"{HEAD}\n{code}\nprint('answer', json.dumps(answer))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.rpartition("answer ")[2])


def test_the_camera_adjusts_sizes_and_padding_is_removed(clip: Path) -> None:
    """The camera does not have the size 650 x 490; the rows of a luma with 320 pixels have 384 bytes."""
    connect_camera(f'frames: {{path: "{clip}/"}}')
    answer = python("""
camera = PiCamera(SourceConfig(width=650, height=490, fps=60))
picture = camera.read()
grey = cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY)
apart = cv2.absdiff(cv2.resize(grey, picture.luma.shape[::-1], interpolation=cv2.INTER_AREA), picture.luma)
answer = {"image": picture.image.shape, "luma": picture.luma.shape, "apart": float(apart.mean()),
          "edge": float(apart[:, -4:].mean())}
camera.close()
""")
    assert answer["image"] == [490, 640, 3] and answer["luma"] == [244, 320]
    assert answer["apart"] < 16, "the luma belongs to the same frame; its limited range differs by up to 16 levels"
    assert answer["edge"] < 20, "no padding at the right edge"


def test_images_are_bgr() -> None:
    """The bars have pure blue, green and red: one channel is 255 and the other two are 0."""
    answer = python("""
camera = PiCamera(SourceConfig(fps=60))
row = camera.read().image[240]
answer = sorted({tuple(int(v) for v in pixel) for pixel in row})
camera.close()
""")
    assert [255, 0, 0] in answer and [0, 255, 0] in answer and [0, 0, 255] in answer


def test_red_and_blue_are_not_swapped(tmp_path: Path) -> None:
    """The test above would not notice it, because the bars have both colours."""
    cv2.imwrite(str(tmp_path / "0.jpg"), np.full((480, 640, 3), (20, 60, 200), np.uint8))
    connect_camera(f'frames: {{path: "{tmp_path}/0.jpg"}}')
    blue, green, red = python("""
camera = PiCamera(SourceConfig(fps=60))
answer = camera.read().image.reshape(-1, 3).mean(axis=0).tolist()
camera.close()
""")
    assert abs(blue - 20) < 8 and abs(green - 60) < 8 and abs(red - 200) < 8


def test_hundreds_of_frames_and_openings_leak_nothing() -> None:
    """There are 4 buffers: requests that are not released would stall the camera, cameras that are not closed would
    leave descriptors and threads."""
    answer = python(
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
    assert answer[0] == answer[1]


def test_a_missing_camera_is_reported() -> None:
    connect_camera("")
    message = python("""
try:
    PiCamera(SourceConfig())
    answer = "opened"
except SourceError as error:
    answer = str(error)
""")
    assert "no Pi camera found" in message


def test_a_camera_in_use_is_reported() -> None:
    message = python('''
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
        message = str(error)
    gc.collect()
    open.append(len(os.listdir("/proc/self/fd")))
print(message, open[0] == open[-1])
"""
answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
camera.close()
''')
    assert "picamera: Failed to acquire camera: Device or resource busy" in message and "another program" in message
    assert message.strip().endswith("True"), "repeated attempts leave no descriptor open"


class Run:
    """A process of ``maskwatch run`` with the virtual camera."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        environ = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--source", "picamera", "--print", *options],
                cwd=ROOT, stdout=out, stderr=err, env=environ,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self._out.read_text() + self._err.read_text()

    def wait_for(self, text: str) -> None:
        """Waits until the process has printed ``text``."""

        def printed() -> bool:
            assert self.popen.poll() is None, self.output
            return text in self.output

        until(printed, lambda: f"'{text}'; it printed:\n{self.output}", 60, 0.1)


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    started: list[Run] = []

    def start(*options: str) -> Run:
        started.append(Run(tmp_path_factory.mktemp("run"), *options))
        return started[-1]

    yield start
    for process in started:
        process.popen.kill()
        process.popen.wait(10)


def test_a_run_with_the_real_library_raises_an_alert_and_ends_by_sigterm(clip: Path, run: Any) -> None:
    connect_camera(f'frames: {{path: "{clip}/"}}')
    process = run()
    process.wait_for('"event_type":"no_mask"')
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(20) == 0, process.output


def test_a_camera_that_stops_is_reported_lost_until_it_returns(run: Any) -> None:
    process = run("--show-stats")
    process.wait_for("watching picamera")
    process.wait_for("fps")
    STOPPED.touch()
    process.wait_for("camera lost")
    STOPPED.unlink()
    process.wait_for("camera recovered")
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(20) == 0, process.output
