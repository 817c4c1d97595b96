"""Checks the camera, and whether camera and machine are fast enough to judge anybody."""

import time
from contextlib import closing
from dataclasses import dataclass

from ..camera.frames import Frame
from ..camera.source import Source, open_source
from ..config.schema import Config
from ..errors import ModelError, SourceError
from ..faces.opening import open_detector
from ..monitor.rate import MEASURED, MIN_MEASURED, camera_problem, machine_problem
from ..monitor.state import StateFiles, running_health
from ..people.pace import Pace
from ..people.planner import open_planner
from ..people.policy import longest_look
from .check import Result, State

CAMERA_LIMIT_S = 45.0
"""Seconds for all of this: opening the camera, its frames, and two searches."""
FIRST_FRAME_S = 12.0
"""Seconds within which an open camera must give a frame."""
SETTLING_S = 1.0
"""Seconds of a live camera that are not measured: a stream begins with frames that it has kept."""
SHORTEST_S, LONGEST_S = 3.0, 9.0
"""Seconds after the first frame within which the frame rate is measured."""
MIN_BRIGHTNESS = 8
"""Mean level (0..255) of a frame below which the lens is probably covered."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """The last frame that was seen, the seconds between two looks, and the frames per second; 0 if not known."""

    frame: Frame
    interval: float = 0.0
    rate: float = 0.0


def check_camera(config: Config, files: StateFiles) -> Result:
    """Uses what the running maskwatch reports, else watches the camera for a moment. Raises ``SourceError``."""
    if running := running_health(files.folder):
        condition = running.get("camera", "unknown")
        state: State = "ok" if condition in ("ok", "starting") else "FAIL"
        return state, f"the running maskwatch reports: {condition}"
    with closing(open_source(config.source.source, config.source)) as source:
        measured = _measure(source)
        return _judge(source.name, measured, _search_time(config, measured.frame), longest_look(config.decide))


def _judge(name: str, measured: _Measured, search: float, longest: float) -> Result:
    image, interval = measured.frame.image, measured.interval
    rate = f", {measured.rate:.1f} frames per second" if measured.rate else ""
    text = f"{name}: {image.shape[1]} x {image.shape[0]}{rate}"
    if interval > longest:
        return "FAIL", camera_problem(name, interval, longest)
    if search > longest:
        return "FAIL", f"{text}, but {machine_problem(search, longest)}"
    if float(image.mean()) < MIN_BRIGHTNESS:
        return "warn", f"{text}, but almost black; is the lens covered?"
    return "ok", text


def _measure(source: Source) -> _Measured:
    """Watches a source for a moment. Raises ``SourceError`` if it gives no frame."""
    started, reasons = time.monotonic(), list[str]()
    pace, first, settled, last = Pace(MEASURED), None, None, None

    def stop_when_late() -> None:
        waited = time.monotonic() - started
        if waited > (FIRST_FRAME_S if first is None else LONGEST_S):
            source.stop()

    source.on_idle = stop_when_late
    source.on_condition = lambda condition, reason: reasons.append(reason or condition)
    for last in source:
        if first is None:
            first, started = last, time.monotonic()
        watched = last.time - first.time
        if watched >= (SETTLING_S if source.live else 0.0):
            settled = settled or last
            pace.update(last.time)
        if watched >= SHORTEST_S and pace.count >= MIN_MEASURED:
            break
        stop_when_late()
    if first is None or last is None:
        raise SourceError(reasons[0] if reasons else f"{source.name} gives no picture within {FIRST_FRAME_S:g} s")
    if settled and pace.count >= MIN_MEASURED:
        return _Measured(last, pace.interval, (last.number - settled.number) / (last.time - settled.time))
    if not source.live:  # a short recording
        return _Measured(last)
    return _Measured(last, (time.monotonic() - first.time) / (last.number + 1))  # too slow to be measured here


def _search_time(config: Config, frame: Frame) -> float:
    """Returns how many seconds this machine needs to search a frame; 0 without a detector, which is another finding."""
    try:
        detector = open_detector(config.detect)
    except ModelError:
        return 0.0
    regions = open_planner(config.detect, config.decide).plan(frame, [], lambda track: False)
    times = []
    for _ in range(2):  # the first search warms up
        started = time.monotonic()
        detector.detect(frame.image, frame.luma, regions)
        times.append(time.monotonic() - started)
    return min(times)
