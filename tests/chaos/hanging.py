"""A door with one part that hangs for ever as soon as FLAG exists: ``hanging.py PART FLAG PORT FOLDER``.

PART is ``capture`` (every read and every opening of the driver), ``inference``, ``lock`` (inference that holds
Python's global interpreter lock), ``mqtt`` (a callback in the publisher's thread, at the next broker fault) or
``outputs`` (the driver of a lamp, at its next change).
"""

import ctypes
import logging
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from edge.camera.frames import Driver, Image, Picture
from edge.camera.live import Live
from edge.camera.source import DEMO
from edge.config.outputs import SITUATIONS, PinConfig
from edge.config.schema import Config, DetectConfig, DeviceConfig, MqttConfig
from edge.faces.detector import Region
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_classifier
from edge.monitor.answering import Answering
from edge.monitor.door import Door
from edge.monitor.health import HealthMonitor
from edge.monitor.outlet import Outlet
from edge.monitor.recording import open_record
from edge.monitor.run import watch
from edge.monitor.state import StateFiles
from edge.monitor.systemd import Notifier
from edge.mqtt.publisher import MqttPublisher


def hang() -> None:
    threading.Event().wait()


class Camera:
    """A driver that repeats the bundled clip at ten frames per second; it hangs while the file ``flag`` exists."""

    name = "camera"

    def __init__(self, flag: Path | None) -> None:
        self._flag = flag
        self._hang_if_flagged()
        self._capture = cv2.VideoCapture(str(DEMO))

    def _hang_if_flagged(self) -> None:
        if self._flag is not None and self._flag.exists():
            hang()

    def read(self) -> Picture | None:
        self._hang_if_flagged()
        time.sleep(0.1)
        complete, image = self._capture.read()
        if not complete:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            complete, image = self._capture.read()
        return Picture(np.asarray(image, np.uint8)) if complete else None

    def close(self) -> None:
        self._capture.release()


class Detector(HaarDetector):
    """Detects faces, and hangs once the flag exists if ``part`` is ``inference`` or ``lock``."""

    def __init__(self, part: str, flag: Path) -> None:
        super().__init__(DetectConfig())
        self._part, self._flag = part, flag

    def detect(self, image: Image, luma: Image | None = None, regions: Sequence[Region] | None = None) -> list[Box]:
        if self._flag.exists() and self._part == "inference":
            hang()
        if self._flag.exists() and self._part == "lock":
            ctypes.PyDLL(None).pause()
        return super().detect(image, luma, regions)


def main(part: str, flag: Path, port: int, folder: Path) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    lamp = PinConfig(name="lamp", when=SITUATIONS, hold=0.0, release=0.0)
    config = Config(device=DeviceConfig(part), mqtt=MqttConfig(host="127.0.0.1", port=port), outputs=(lamp,))

    def opener() -> Driver:
        return Camera(flag if part == "capture" else None)

    classifier = open_classifier(config)
    health = HealthMonitor(classifier.card.id)

    def report(of: str, problem: str | None) -> None:
        if part == "mqtt" and of == "broker" and flag.exists():
            hang()
        health.report(of, problem)

    def show(text: str) -> None:
        if part == "outputs" and flag.exists():
            hang()

    files = StateFiles(folder)
    answering = Answering(config, show).connected(health.report)
    publisher = MqttPublisher(config.mqtt, part, files.outbox, report=report)
    source = Live(opener, "camera", retry_opening=True)
    detector = Detector(part, flag)
    outlet = Outlet(publisher, files)
    with ExitStack() as stack:
        record = open_record(config, classifier.card.id, health, outlet, stack)
        door = Door(config, source, classifier, outlet, health, record, detector=detector, answering=answering)
        watch(door, Notifier())
    print("ended by itself", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
