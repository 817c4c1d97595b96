"""Frames in: one seam over the Pi camera, USB and network cameras, video files and folders of pictures.

A ``Driver`` reads one picture at a time from something real. ``Live`` (its own module) supervises a camera and hands
out only the newest picture: a slow loop drops frames, it never lags behind. ``Playback`` plays every picture in
order, with times from the recording, so that a replay gives the same alerts at any speed.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from ..config.schema import SourceConfig
from ..errors import ConfigError, SourceError
from .capture import STREAMS, Capture, without_secrets
from .frames import Condition, Driver, Frame
from .live import SILENCE, Live
from .picamera import PiCamera
from .pictures import PICTURES
from .playback import Playback
from .recordings import Folder, VideoFile
from .usb import UsbCamera, usb_nodes
from .wrappers import Repeated, Turned

DEMO = Path(__file__).with_name("door.mp4")
"""The bundled clip, drawn from two public-domain portraits by tests/support/make_clip.py."""
DEFAULTS = SourceConfig()


class Source(Protocol):
    """Iterable frames. ``stop`` (from a signal handler or another thread) ends the iteration, ``close`` releases.

    ``condition`` is ``ok``, or why nothing can be seen: ``lost``, ``frozen``, ``dark``; ``told`` hears of every change.
    ``idle`` is called at least once a second while there is no frame, ``alive`` is False when only a new process helps.
    """

    name: str
    live: bool
    dropped: int
    condition: Condition
    idle: Callable[[], None]
    told: Callable[[Condition, str | None], None]

    def alive(self) -> bool: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


def open_source(
    spec: str, wanted: SourceConfig = DEFAULTS, *, silence: float = SILENCE, patient: bool = False
) -> "Live | Playback":
    """The source that ``spec`` names.

    ``auto`` (Pi camera, else the first USB camera), ``picamera``, ``usb:N``, ``/dev/videoN``, ``rtsp://...`` (also
    http), a video file, a folder of pictures, or ``demo`` (the bundled clip). Raises ``ConfigError`` for a ``spec``
    that names nothing, ``SourceError`` for what is there but cannot be opened; a ``patient`` camera is waited for.
    """
    if (opener := _camera(spec, wanted)) is not None:
        return Live(_upright(opener, wanted), without_secrets(spec), silence=silence, patient=patient)
    path = DEMO if spec == "demo" else Path(os.path.expanduser(spec))
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError:  # a text too long for a file name names none
        is_folder = is_file = False
    if is_folder:
        return _playback(lambda: Folder(path, wanted.fps), wanted)
    if is_file and path.suffix.lower() in PICTURES:
        raise ConfigError(f"source '{spec}' is a single picture; `maskwatch image` checks pictures")
    if is_file:
        return _playback(lambda: VideoFile(path), wanted)
    raise ConfigError(
        f"source '{without_secrets(spec)}' is no file, folder or camera; use auto, picamera, usb:0, /dev/video0, "
        "rtsp://..., a video file, a folder of pictures, or demo"
    )


def _playback(opener: Callable[[], Driver], wanted: SourceConfig) -> Playback:
    opener = _upright(opener, wanted)
    return Playback(Repeated(opener) if wanted.repeat else opener(), realtime=wanted.realtime)


def _upright(opener: Callable[[], Driver], wanted: SourceConfig) -> Callable[[], Driver]:
    return (lambda: Turned(opener(), wanted.rotate)) if wanted.rotate else opener


def _camera(spec: str, wanted: SourceConfig) -> Callable[[], Driver] | None:
    """What opens the camera that ``spec`` names, now and whenever it is lost; None if it names no camera."""
    if spec == "auto":
        return FirstCamera(wanted)
    if spec == "picamera":
        return lambda: PiCamera(wanted)
    if spec.startswith("usb:"):
        if not re.fullmatch("[0-9]{1,3}", spec[4:]):
            raise ConfigError(f"source '{spec}': usb: takes a number, as in usb:0")
        return UsbCamera(Path(f"/dev/video{int(spec[4:])}"), wanted)
    if spec.startswith("/dev/"):
        return UsbCamera(Path(spec), wanted)
    return (lambda: Capture(spec, wanted)) if spec.startswith(STREAMS) else None


class FirstCamera:
    """Opens the Pi camera, else the first USB camera, and from then on that one only: the next may be another door's.

    Raises ``SourceError``.
    """

    def __init__(self, wanted: SourceConfig) -> None:
        self._wanted = wanted
        self._chosen: Callable[[], Driver] | None = None

    def __call__(self) -> Driver:
        if self._chosen is not None:
            return self._chosen()
        reasons = []
        openers: list[Callable[[], Driver]] = [lambda: PiCamera(self._wanted)]
        openers += [UsbCamera(node, self._wanted) for node in usb_nodes()]
        for opener in openers:
            try:
                driver = opener()
            except SourceError as error:
                reasons.append(str(error))
                continue
            self._chosen = opener
            return driver
        if len(reasons) == 1:
            reasons.append("no USB camera (/dev/video*)")
        raise SourceError("no camera: " + "; ".join(reasons))
