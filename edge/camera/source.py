"""Opens a source of frames: the Pi camera, a USB or network camera, a video file or a folder of pictures.

A ``Driver`` reads one picture at a time from a device or file. ``Live`` supervises a camera and gives only the newest
frame: a slow loop drops frames, it never falls behind. ``Playback`` gives every picture in order with times from the
recording, so that a replay produces the same alerts at any speed.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from ..addresses import HIDDEN, printable, shown
from ..config.schema import SourceConfig
from ..errors import ConfigError, SourceError
from . import pictures
from .access import check_access
from .capture import STREAMS, Capture
from .damage import DamageGuard, GuardedDriver
from .folder import Folder
from .frames import Condition, Driver, Frame
from .http_camera import HttpCamera
from .live import LOST_AFTER_S, Live
from .picamera import PiCamera
from .playback import Playback
from .recordings import VideoFile
from .usb import UsbCamera, usb_nodes
from .wrappers import RepeatedDriver, RotatedDriver

DEMO = Path(__file__).with_name("door.mp4")
"""The bundled clip, drawn from two public-domain portraits by tests/support/make_clip.py."""
CAMERAS = ("auto", "picamera")
"""Names of cameras; a file of such a name is opened as ./auto."""
ANIMATIONS = {".gif", ".avif"}
"""Endings of the names of picture files that are played as videos too."""
DEFAULTS = SourceConfig()


class Source(Protocol):
    """Iterates over frames.

    ``condition`` is the condition of the camera; ``on_condition`` receives each change of it with the reason.
    ``on_idle`` is called at least once per second while there is no frame. ``dropped`` counts frames that the camera
    gave and the loop did not take.
    """

    name: str
    live: bool
    dropped: int
    condition: Condition
    on_idle: Callable[[], None]
    on_condition: Callable[[Condition, str | None], None]

    @property
    def unchanged_s(self) -> float:
        """Returns the seconds since the last picture that showed something new; 0 for a recording."""
        ...

    def alive(self) -> bool:
        """Returns False when only a new process can bring frames back."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def stop(self) -> None:
        """Ends the iteration. May be called from any thread and from a signal handler."""
        ...

    def close(self) -> None:
        """Releases the camera or file."""
        ...


def open_source(
    spec: str, config: SourceConfig = DEFAULTS, *, lost_after: float = LOST_AFTER_S, retry_opening: bool = False
) -> "Live | Playback":
    """Opens the source that ``spec`` names.

    ``spec`` is ``auto`` (Pi camera, else the first USB camera), ``picamera``, ``usb:N``, ``/dev/videoN``,
    ``rtsp://...`` (also http), a video file, a folder of pictures, or ``demo`` (the bundled clip). Raises
    ``ConfigError`` if ``spec`` names none of them, and ``SourceError`` if the source cannot be opened; with
    ``retry_opening`` a camera that cannot be opened yet is tried again and again instead. A live camera counts as lost
    after ``lost_after`` seconds without a picture.
    """
    path = _path(spec)
    is_folder, is_file = _kind(path)
    if not (is_folder or is_file) or spec in CAMERAS:
        if (opener := _camera_opener(spec, config)) is not None:
            opener = _rotated(_guarded(opener), config)
            return Live(opener, shown(spec), lost_after=lost_after, retry_opening=retry_opening)
        if _is_locked(path):
            raise SourceError(f"{_named(spec)} cannot be read: Permission denied")
        raise ConfigError(
            f"{_named(spec)} is not a file, folder or camera; use auto, picamera, usb:0, /dev/video0, "
            "rtsp://..., a video file, a folder of pictures, or demo"
        )
    if is_folder:
        logged: set[str] = set()
        return _playback(lambda: Folder(path, config.fps, logged), config)
    if path.suffix.lower() in pictures.PICTURE_SUFFIXES - ANIMATIONS or pictures.is_single_jpeg(path):
        raise ConfigError(f"source '{printable(path)}' is a single picture; `maskwatch image` checks pictures")
    told: set[str] = set()
    return _playback(_guarded(lambda: VideoFile(path, told)), config)


def _named(spec: str) -> str:
    name = printable(spec)
    return f"source '{name}'" if name != HIDDEN else "source (not shown, because it may contain a password)"


def _path(spec: str) -> Path:
    """Returns the path that ``spec`` names, if it names one: ``demo``, a path, or a ``file:`` address."""
    if spec == "demo":
        return DEMO
    path = Path(os.path.expanduser(spec))
    if not spec.lower().startswith("file:") or any(_kind(path)):
        return path
    rest = re.sub("^//(localhost(?=/))?", "", spec[5:], flags=re.IGNORECASE)
    if not rest:  # which is no name for this folder
        return path
    path = Path(os.path.expanduser(rest))  # people write addresses by hand, with a raw % too
    return path if any(_kind(path)) else Path(os.path.expanduser(unquote(rest, errors="surrogateescape")))


def _kind(path: Path) -> tuple[bool, bool]:
    """Returns whether there is a folder or a regular file at a path."""
    try:
        return path.is_dir(), path.is_file()
    except (OSError, ValueError):  # the text is too long for a file name, or has a zero byte
        return False, False


def _is_locked(path: Path) -> bool:
    """Returns whether this user may not see what is at a path."""
    try:
        os.stat(path)
    except (OSError, ValueError) as error:
        return isinstance(error, PermissionError)
    return False


def _playback(opener: Callable[[], Driver], config: SourceConfig) -> Playback:
    opener = _rotated(opener, config)
    return Playback(RepeatedDriver(opener) if config.repeat else opener(), realtime=config.realtime)


def _guarded(opener: Callable[[], Driver]) -> Callable[[], Driver]:
    guard = DamageGuard()
    return lambda: GuardedDriver(opener(), guard)


def _rotated(opener: Callable[[], Driver], config: SourceConfig) -> Callable[[], Driver]:
    return (lambda: RotatedDriver(opener(), config.rotate)) if config.rotate else opener


def _camera_opener(spec: str, config: SourceConfig) -> Callable[[], Driver] | None:
    """Returns what opens the camera that ``spec`` names, also after it was lost; None if ``spec`` names no camera."""
    if spec == "auto":
        return FirstCamera(config)
    if spec == "picamera":
        return lambda: PiCamera(config)
    if spec.startswith("usb:"):
        if not re.fullmatch("[0-9]{1,3}", spec[4:]):
            raise ConfigError(f"source '{shown(spec)}': usb: takes a number, as in usb:0")
        return UsbCamera(Path(f"/dev/video{int(spec[4:])}"), config)
    if spec.startswith("/dev/") and not spec.startswith("/dev/shm/"):
        return UsbCamera(Path(spec), config)
    scheme, separator, rest = spec.partition("://")
    address = f"{scheme.lower()}{separator}{rest}"
    if address.startswith(STREAMS):
        check_access(address, config)
        return lambda: _network_camera(address, config)
    return None


def _network_camera(address: str, config: SourceConfig) -> Driver:
    """Opens what answers with pictures over HTTP, else a stream. Raises ``SourceError``."""
    if address.startswith("http"):
        camera = HttpCamera(address, config)
        if camera.gives_pictures:
            return camera
        camera.close()
    return Capture(address, config)


class FirstCamera:
    """Opens the Pi camera, else the first USB camera; later calls open the same camera only.

    Another camera of this machine may watch another door. A call raises ``SourceError``.
    """

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._chosen: Callable[[], Driver] | None = None

    def __call__(self) -> Driver:
        if self._chosen is not None:
            return self._chosen()
        reasons = []
        openers: list[Callable[[], Driver]] = [lambda: PiCamera(self._config)]
        openers += [UsbCamera(node, self._config) for node in usb_nodes()]
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
