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

from ..addresses import shown
from ..config.schema import SourceConfig
from ..errors import ConfigError, SourceError
from .access import log_access
from .capture import STREAMS, Capture
from .folder import Folder
from .frames import Condition, Driver, Frame
from .live import LOST_AFTER_S, Live
from .picamera import PiCamera
from .pictures import PICTURE_SUFFIXES
from .playback import Playback
from .recordings import VideoFile
from .usb import UsbCamera, usb_nodes
from .wrappers import RepeatedDriver, RotatedDriver

DEMO = Path(__file__).with_name("door.mp4")
"""The bundled clip, drawn from two public-domain portraits by tests/support/make_clip.py."""
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
    if (opener := _camera_opener(spec, config)) is not None:
        return Live(_rotated(opener, config), shown(spec), lost_after=lost_after, retry_opening=retry_opening)
    path = DEMO if spec == "demo" else Path(os.path.expanduser(spec))
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError:  # the text is too long for a file name
        is_folder = is_file = False
    if is_folder:
        return _playback(lambda: Folder(path, config.fps), config)
    if is_file and path.suffix.lower() in PICTURE_SUFFIXES:
        raise ConfigError(f"source '{spec}' is a single picture; `maskwatch image` checks pictures")
    if is_file:
        return _playback(lambda: VideoFile(path), config)
    raise ConfigError(
        f"source '{shown(spec)}' is not a file, folder or camera; use auto, picamera, usb:0, /dev/video0, "
        "rtsp://..., a video file, a folder of pictures, or demo"
    )


def _playback(opener: Callable[[], Driver], config: SourceConfig) -> Playback:
    opener = _rotated(opener, config)
    return Playback(RepeatedDriver(opener) if config.repeat else opener(), realtime=config.realtime)


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
    if spec.startswith("/dev/"):
        return UsbCamera(Path(spec), config)
    if spec.startswith(STREAMS):
        log_access(spec, config)
        return lambda: Capture(spec, config)
    return None


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
