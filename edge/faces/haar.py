"""Detects faces with OpenCV's Haar cascade on a reduced luma image.

Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001. The cascade files are
OpenCV's own (Lienhart et al.). ``alt2`` is the default because of a measurement on 354 street and room pictures, with
faces of 40 pixels and more: it found more bare faces than ``default`` (0.71 against 0.66), gave half as many boxes
without a face, and cost less. CHANGELOG.md records such choices; README.md has the command that measures.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..addresses import printable
from ..config.schema import DetectConfig
from ..errors import FileError, ModelError
from ..paths import check_file, read_bytes
from .cascade_file import MAX_BYTES
from .detector import Region, Zones, detect_in_regions, equalize, full_frame_region, new_equalizer
from .geometry import Box
from .proving import prove

SYSTEM_CASCADES = Path("/usr/share/opencv4/haarcascades")
"""Where Debian's package opencv-data keeps the cascades that apt's python3-opencv does not carry."""
SHORT_NAMES = "default, alt, alt2, alt_tree"
WINDOW = 24
"""Side, in pixels of the reduced image, of the cascade's smallest detection window. It was trained at 20 to 24."""
CLAHE_CLIP_LIMIT = 3.0
"""Clip limit of the local contrast stretch. Of the bare faces in a simulated backlit doorway (condition ``edge_camera``
of ``maskwatch-convert evaluate-scenes``) the cascade found a fifth without the stretch and two thirds with it. In plain
light it found as many as before."""


def find_cascade(name: str) -> Path:
    """Returns the cascade file for a path or a short name such as ``alt2``.

    Raises ``ModelError`` that names the places that were searched.
    """
    given = Path(os.path.expanduser(name))
    if given.suffix == ".xml":
        try:
            check_file(given)
            return given
        except FileNotFoundError:  # it may be the name of a file of OpenCV
            pass
        except OSError as error:
            raise ModelError(f"cascade {printable(given)} cannot be read: {error.strerror}") from error
    stem = given.name if given.suffix == ".xml" else f"haarcascade_frontalface_{name}.xml"
    shipped = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
    for folder in (shipped, SYSTEM_CASCADES):
        if os.path.isfile(folder / stem):
            return folder / stem
    raise ModelError(
        f"no cascade '{printable(given)}', neither there nor in {shipped} and {SYSTEM_CASCADES}; use "
        f"{SHORT_NAMES} or the path of an .xml file, or install Debian's package opencv-data"
    )


def load_cascade(name: str) -> Any:
    """Loads a ``cv2.CascadeClassifier``; a file that is not known is tried first.

    Raises ``ModelError`` for a missing, damaged or empty file, and ``FileError`` like ``prove``.
    """
    path = find_cascade(name)
    if not hasattr(cv2, "CascadeClassifier"):
        raise ModelError(f"OpenCV {cv2.__version__} has no Haar cascades any more; install opencv-python-headless<5")
    try:
        content = read_bytes(path, MAX_BYTES)
        prove("cascade", content)
        return load_unproved(content)
    except OSError as error:
        raise ModelError(f"cascade {printable(path)} cannot be read: {error.strerror}") from error
    except FileError as error:
        raise FileError(f"cascade {printable(path)}: {error}") from error
    except ModelError as error:
        reason = f"cascade {printable(path)} is damaged or not a cascade: {error}"
        raise ModelError(f"{reason}; install it again, or use {SHORT_NAMES}") from error


def load_unproved(content: bytes) -> Any:
    """Loads a cascade from the content of its file. A hostile one can end the process. Raises ``ModelError``."""
    cascade = cv2.CascadeClassifier()
    try:
        storage = cv2.FileStorage(content.decode("utf-8"), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        loaded = cascade.read(storage.getFirstTopLevelNode())
        storage.release()
    except (cv2.error, SystemError, UnicodeDecodeError):  # OpenCV 4.x raises SystemError for a damaged file
        loaded = False
    if not loaded or cascade.empty():
        raise ModelError("OpenCV cannot load it")
    return cascade


class HaarDetector:
    """Detects faces of at least ``min_face`` pixels with the cascade that the configuration names.

    The image is reduced until the smallest face fills the cascade's smallest window. The cost therefore grows with the
    number of windows, not with the resolution of the camera. Only faces centred in a zone count. The constructor
    raises ``ModelError`` like ``load_cascade``.
    """

    def __init__(self, config: DetectConfig) -> None:
        self._cascade = load_cascade(config.cascade)
        self._zones = Zones(config.zones)
        self._equalizer = new_equalizer(CLAHE_CLIP_LIMIT)
        self._min_face = config.min_face
        self._scale_step = config.scale_step
        self._neighbours = config.neighbours

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``Detector``."""
        height, width = image.shape[:2]
        if min(height, width) < self._min_face:
            return []
        if regions is None:
            boxes = sorted(self._detect(image, luma, full_frame_region(image, self._min_face)))
        else:
            full_frame = Box(0, 0, width, height)
            boxes = detect_in_regions(lambda region: self._detect(image, luma, region), regions, full_frame)
        return [box for box in boxes if self._zones.contains(box, width, height)]

    def _detect(self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None, region: Region) -> Iterator[Box]:
        plane, scale = image, WINDOW / region.min_face
        if luma is not None and luma.shape[1] >= scale * image.shape[1]:
            plane = luma
        sx, sy = plane.shape[1] / image.shape[1], plane.shape[0] / image.shape[0]
        x, y = round(region.box.x0 * sx), round(region.box.y0 * sy)
        part = plane[y : round(region.box.y1 * sy), x : round(region.box.x1 * sx)]
        small = self._reduce(part, scale / sx, full_frame=part.shape == plane.shape)
        max_size = (0, 0) if region.max_face >= min(image.shape[:2]) else 2 * (round(region.max_face * scale),)
        step, neighbours = self._scale_step, self._neighbours
        if region.coarse:
            step, neighbours = step**2, min(neighbours, max(1, neighbours - 1))
        hits = self._cascade.detectMultiScale(
            small, scaleFactor=step, minNeighbors=neighbours, minSize=(WINDOW, WINDOW), maxSize=max_size
        )
        fx, fy = part.shape[1] / small.shape[1], part.shape[0] / small.shape[0]
        for left, top, w, h in hits:
            x0, y0, x1, y1 = x + left * fx, y + top * fy, x + (left + w) * fx, y + (top + h) * fy
            yield Box(round(x0 / sx), round(y0 / sy), round(x1 / sx), round(y1 / sy))

    def _reduce(self, part: NDArray[np.uint8], factor: float, full_frame: bool) -> Any:
        """Scales a part by ``factor`` (never above 1), converts it to grey and equalizes it."""
        # Converting to grey first would take half the time, but it rounds twice: that lost three of the 317 bare faces
        # of the scenes.
        small: Any = part
        if factor < 1.0:
            size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
            small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        return equalize(self._equalizer, grey, full_frame)
