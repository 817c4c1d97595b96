"""A long run faster than real time: ``python tests/chaos/soak.py --frames 100000``.

Runs the whole monitor with a camera that repeats the bundled clip at 320x240, with faults: the camera is lost, gives
invalid images, gives black images; the broker is killed and started again. Prints a line after every tenth of the
frames, and at the end the growth of memory per 100,000 frames, the numbers of descriptors and threads, the bytes
written, and the numbers of alerts raised, undelivered and lost.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.brokers import Mosquitto  # noqa: E402

from edge.camera.frames import Image, Picture  # noqa: E402
from edge.camera.live import Live  # noqa: E402
from edge.camera.source import DEMO  # noqa: E402
from edge.config.schema import Config  # noqa: E402
from edge.faces.opening import open_classifier  # noqa: E402
from edge.monitor.door import Door  # noqa: E402
from edge.monitor.health import HealthMonitor  # noqa: E402
from edge.monitor.outlet import Outlet  # noqa: E402
from edge.monitor.recording import open_record  # noqa: E402
from edge.monitor.run import watch  # noqa: E402
from edge.monitor.state import StateFolder  # noqa: E402
from edge.monitor.systemd import Notifier  # noqa: E402
from edge.mqtt.publisher import MqttPublisher  # noqa: E402

PACE = 25
"""Frames per second by the frames' times, however fast this machine is."""
FAULTS = ("lost", "invalid", "black", "none", "none", "none")
"""The camera's fault in each repetition of the clip, in turn."""


def clip() -> list[Image]:
    capture, images = cv2.VideoCapture(str(DEMO)), []
    while (read := capture.read())[0]:
        images.append(np.asarray(cv2.resize(read[1], (320, 240), interpolation=cv2.INTER_AREA), np.uint8))
    return images


class Camera:
    """A driver that repeats the clip, and gives the next image only when the loop has taken the last one."""

    name = "soak"

    def __init__(self, images: list[Image], taken: threading.Semaphore, position: list[int]) -> None:
        self._images, self._taken, self._position = images, taken, position
        taken.release()

    def read(self) -> Picture | None:
        self._taken.acquire(timeout=1)
        number = self._position[0]
        self._position[0] += 1
        repetition, at = divmod(number, len(self._images))
        fault = FAULTS[repetition % len(FAULTS)]
        if fault == "lost" and at == 0:
            return None
        if fault == "invalid" and at % 50 == 0:
            self._taken.release()
            return Picture(np.zeros((0, 3, 3), np.float64))  # type: ignore[arg-type]
        if fault == "black" and at % 2:
            return Picture(np.zeros((240, 320, 3), np.uint8))
        image = self._images[at].copy()
        image[number % 240, number % 320] = number % 251  # a sensor never gives two equal images
        return Picture(image)

    def close(self) -> None:
        pass


class Soak(Live):
    """The supervised camera. It breaks the broker and takes samples of the process after certain numbers of frames."""

    def __init__(self, frames: int, broker: Mosquitto) -> None:
        self.samples: list[dict[str, float]] = []
        self._frames, self._broker = frames, broker
        self.reopened = -1
        images, position, self._ready = clip(), [0], threading.Semaphore(0)

        def opener() -> Camera:
            self.reopened += 1
            return Camera(images, self._ready, position)

        super().__init__(opener, "soak", lost_after=5.0)

    def __iter__(self) -> Any:
        process = psutil.Process()
        for number, frame in enumerate(super().__iter__()):
            yield replace(frame, time=number / PACE)
            self._ready.release()
            if number % (self._frames // 10) == self._frames // 20:
                self._broker.kill()
            if number % (self._frames // 10) == self._frames // 10 - 1:
                self._broker.start()
                self.sample(process, number + 1)
            if number + 1 >= self._frames:
                self.stop()

    def sample(self, process: Any, frames: int) -> None:
        self.samples.append(
            {
                "frames": frames,
                "rss_mib": round(process.memory_info().rss / 2**20, 1),
                "descriptors": process.num_fds(),
                "threads": process.num_threads(),
                "written_mb": round(process.io_counters().write_bytes / 1e6, 2),
            }
        )
        print("  ".join(f"{name} {value}" for name, value in self.samples[-1].items()), flush=True)


def soak(frames: int) -> dict[str, Any]:
    """Runs the monitor and returns the figures. The slope leaves out the first quarter, in which caches fill."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder).start()
        config = Config()
        config = replace(config, detect=replace(config.detect, min_face=24))
        config = replace(config, mqtt=replace(config.mqtt, host="127.0.0.1", port=broker.port))
        classifier = open_classifier(config)
        health = HealthMonitor(classifier.card.id)
        state = StateFolder(folder / "state", f"soak {os.getpid()}")
        source = Soak(frames, broker)
        publisher = MqttPublisher(config.mqtt, config.device.name, state.files.outbox, report=health.report)
        outlet = Outlet(publisher, state.files, state, days=publisher)
        with ExitStack() as stack:
            record = open_record(config, classifier.card.id, health, outlet, stack)
            door = Door(config, source, classifier, outlet, health, record)
            kept = watch(door, Notifier({}))
        source.close()
        state.close()
        broker.kill()
    rows = [row for row in source.samples if row["frames"] > frames / 4]
    slope = np.polyfit([row["frames"] for row in rows], [row["rss_mib"] for row in rows], 1)[0] * 1e5
    return {
        "frames": door.statistics.frames,
        "alerts_raised": door.statistics.alerts,
        "alerts_undelivered": publisher.waiting,
        "alerts_lost": not kept,
        "camera_reopened": source.reopened,
        "rss_mib": max(row["rss_mib"] for row in rows),
        "mib_per_100000_frames": round(float(slope), 2),
        "descriptors": sorted({row["descriptors"] for row in rows}),
        "threads": sorted({row["threads"] for row in rows}),
        "written_kb_per_alert": round(1000 * source.samples[-1]["written_mb"] / max(1, door.statistics.alerts), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    args = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    print(json.dumps(soak(args.frames), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
