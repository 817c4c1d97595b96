"""Frames in: one seam over the Pi camera, USB and network cameras, video files and folders of pictures.

A ``Driver`` reads one picture at a time from something real. ``Live`` runs a driver in a reader thread and hands
out only the newest picture: a slow loop drops frames, it never lags behind. ``Playback`` plays every picture in
order, with times from the recording, so that a replay gives the same alerts at any speed.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .config import Source as Wanted
from .drivers import PICTURES, STREAMS, Capture, Driver, Folder, Image, PiCamera, VideoFile
from .errors import ConfigError, SourceError

SILENCE = 10.0
"""Seconds without a picture after which a live camera counts as lost."""
DEMO = Path(__file__).with_name("door.mp4")
"""The bundled clip, drawn from two public-domain portraits by tests/make_clip.py."""

DEFAULTS = Wanted()


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, its luma where the camera gives it for free, its time and its number from 0 (gaps: dropped)."""

    image: Image
    luma: Image | None
    time: float
    number: int


class Source(Protocol):
    """Iterable frames. ``stop`` (from a signal handler or another thread) ends the iteration, ``close`` releases."""

    name: str
    live: bool
    dropped: int

    def __iter__(self) -> Iterator[Frame]: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Live:
    """The newest picture of a driver that runs in its own thread.

    Raises ``SourceError`` while iterating when the camera ends or gives nothing for ``silence`` seconds.
    """

    live = True

    def __init__(self, driver: Driver, *, silence: float = SILENCE) -> None:
        self.name = driver.name
        self.dropped = 0
        self._driver = driver
        self._silence = silence
        self._fresh = threading.Event()
        self._stop = threading.Event()
        self._newest: Frame | None = None
        self._ended: str | None = None
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        number = 0
        try:
            while not self._stop.is_set():
                found = self._driver.read()
                if found is None:
                    self._ended = "the camera gives no pictures any more"
                    break
                self._newest = Frame(found.image, found.luma, time.monotonic(), number)
                number += 1
                self._fresh.set()
        except Exception as error:  # a driver may fail in its own ways; the loop must hear of every one
            self._ended = f"{type(error).__name__}: {error}"
        self._fresh.set()

    def __iter__(self) -> Iterator[Frame]:
        last, heard = -1, time.monotonic()
        while not self._stop.is_set():
            arrived = self._fresh.wait(0.2)  # short: a signal must end the loop soon
            self._fresh.clear()
            frame = self._newest
            if arrived and frame is not None and frame.number > last:
                self.dropped += frame.number - last - 1
                last, heard = frame.number, time.monotonic()
                yield frame
            elif self._ended and not self._stop.is_set():
                raise SourceError(f"{self.name}: {self._ended}; check cable, power and address")
            elif time.monotonic() - heard > self._silence:
                raise SourceError(f"{self.name}: no picture for {self._silence:g} s; check cable, power and address")

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2.0)  # stop the reader before the device is released under it
        self._driver.close()


class Playback:
    """Every picture in order; ``realtime`` waits for each picture's time, otherwise as fast as they are taken."""

    live = False

    def __init__(self, driver: Driver, *, realtime: bool = False) -> None:
        self.name = driver.name
        self.dropped = 0
        self._driver = driver
        self._realtime = realtime
        self._stop = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        started = time.monotonic()
        number = 0
        while not self._stop.is_set() and (found := self._driver.read()) is not None:
            moment = found.time or 0.0
            if self._realtime and self._stop.wait(max(0.0, started + moment - time.monotonic())):
                return
            yield Frame(found.image, found.luma, moment, number)
            number += 1
        if number == 0 and not self._stop.is_set():
            raise SourceError(f"{self.name}: not one picture in it can be read; is the file complete?")

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        self._stop.set()
        self._driver.close()


def open_source(spec: str, wanted: Wanted = DEFAULTS, *, silence: float = SILENCE) -> Source:
    """The source that ``spec`` names.

    ``auto`` (Pi camera, else the first USB camera), ``picamera``, ``usb:N``, ``/dev/videoN``, ``rtsp://...`` (also
    http), a video file, a folder of pictures, or ``demo`` (the bundled clip). Raises ``ConfigError`` for a ``spec``
    that names nothing, ``SourceError`` for what is there but cannot be opened.
    """
    if spec == "auto":
        return _auto(wanted, silence)
    if spec == "picamera":
        return Live(PiCamera(wanted), silence=silence)
    if spec.startswith("usb:"):
        if not re.fullmatch("[0-9]{1,3}", spec[4:]):
            raise ConfigError(f"source '{spec}': usb: takes a number, as in usb:0")
        return Live(Capture(int(spec[4:]), wanted), silence=silence)
    if spec.startswith(("/dev/", *STREAMS)):
        return Live(Capture(spec, wanted), silence=silence)
    path = DEMO if spec == "demo" else Path(os.path.expanduser(spec))
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError:  # a text too long for a file name names none
        is_folder = is_file = False
    if is_folder:
        return Playback(Folder(path, wanted.fps), realtime=wanted.realtime)
    if is_file and path.suffix.lower() in PICTURES:
        raise ConfigError(f"source '{spec}' is a single picture; `maskwatch image` checks pictures")
    if is_file:
        return Playback(VideoFile(path), realtime=wanted.realtime)
    raise ConfigError(
        f"source '{spec}' is no file, folder or camera; use auto, picamera, usb:0, /dev/video0, rtsp://..., "
        "a video file, a folder of pictures, or demo"
    )


def _auto(wanted: Wanted, silence: float) -> Source:
    reasons = []
    try:
        return Live(PiCamera(wanted), silence=silence)
    except SourceError as error:
        reasons.append(str(error))
    for node in usb_nodes():
        try:
            return Live(Capture(str(node), wanted), silence=silence)
        except SourceError as error:
            reasons.append(str(error))
    if len(reasons) == 1:
        reasons.append("no USB camera (/dev/video*)")
    raise SourceError("no camera: " + "; ".join(reasons))


def usb_nodes() -> list[Path]:
    """V4L2 nodes in numerical order, without the Pi's own codec, ISP and sensor nodes."""
    nodes = sorted(Path("/dev").glob("video[0-9]*"), key=lambda node: int(node.name[5:]))
    return [node for node in nodes if not _node_name(node).startswith(("bcm2835", "rpi", "unicam", "pispbe"))]


def _node_name(node: Path) -> str:
    try:
        return (Path("/sys/class/video4linux") / node.name / "name").read_text().strip()
    except OSError:
        return ""
