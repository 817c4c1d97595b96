"""Detects faces, masked ones too, with YuNet: a small network that OpenCV runs.

Wu et al., "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 2023. The network file (MIT,
232 KB) is beside this file, or the configuration names another one; OpenCV 4.8 and newer run it. YuNet finds what a
frontal cascade misses, above all masked faces; models/README.md compares both on the same pictures.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..addresses import printable
from ..config.schema import DetectConfig
from ..errors import FileError, ModelError
from ..paths import check_file, read_bytes
from .detector import Region, Zones, detect_in_regions, equalize, full_frame_region, new_equalizer
from .geometry import Box
from .onnx_file import MAX_BYTES
from .proving import prove

NETWORK_FILE = "face_detection_yunet_2023mar.onnx"
REDUCED_FACE_WIDTH = 24
"""Width, in pixels of the reduced image, of the smallest face. Of the masked faces of 40 pixels and more in 420 of the
development scenes, YuNet found 0.85 at a width of 20, and 0.91 at 24 at 1.4 times the cost."""
CLAHE_CLIP_LIMIT = 2.0
"""Clip limit of the local contrast stretch. With the cascade's limit (3) YuNet gave more boxes without a face."""
SIZE_TOLERANCE = 0.85
"""Fraction of ``min_face`` that a box must have. YuNet's boxes are tight, so a face of just over ``min_face`` may get a
smaller one. On the same scenes 0.976 of the bare faces were found with this tolerance, and 0.944 without it."""
MIN_INPUT_SIDE = 33
"""Smallest side of the network's input. Where a side is 32 or less, OpenCV 4.11 to 4.14 reads memory outside the image:
the faces differ each time, and some are infinite (tried with 5,000 random sizes)."""
NMS_IOU_THRESHOLD = 0.3
"""IoU from which two detections are the same face (the authors' own value)."""
MAX_CANDIDATES = 100
"""Detections that OpenCV considers, those with the highest score. A face has several, which become one."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected face.

    ``landmarks`` are ``(5, 2)`` pixels: right eye, left eye, nose, right and left corner of the mouth; right and left
    are the person's own. ``score`` is the network's confidence.
    """

    box: Box
    landmarks: NDArray[np.float32]
    score: float


def find_network(path: str = "") -> Path:
    """Returns the network's file: ``path``, or the one of maskwatch if empty. Raises ``ModelError``."""
    if path:
        given = Path(os.path.expanduser(path))
        try:
            check_file(given)
        except OSError as error:
            raise ModelError(
                f"no YuNet network {printable(given)}: {error.strerror}; name {NETWORK_FILE}, or leave detect.network "
                "empty to use the one of maskwatch"
            ) from error
        return given
    own = Path(__file__).with_name(NETWORK_FILE)
    if not own.is_file():
        raise ModelError(f"YuNet's network is missing: {printable(own)}; install maskwatch again")
    return own


def _load(path: Path, limits: tuple[float, float, int]) -> Any:
    """Loads a network; a file that is not known is tried first.

    Raises ``ModelError``, and ``FileError`` like ``prove``.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
        prove("network", content)
        return load_unproved(content, limits)
    except OSError as error:
        raise ModelError(f"{printable(path)} cannot be read: {error.strerror}") from error
    except FileError as error:
        raise FileError(f"{printable(path)}: {error}") from error
    except ModelError as error:
        reason = f"{printable(path)} is damaged or not a YuNet network: {error}"
        raise ModelError(f"{reason}; leave detect.network empty, or install maskwatch again") from error


def load_unproved(content: bytes, limits: tuple[float, float, int]) -> Any:
    """Loads a network from the content of its file, and runs it once. A hostile one can end the process.

    ``limits`` are the lowest score, the IoU and the number of candidates. Raises ``ModelError``.
    """
    try:
        buffer, none = np.frombuffer(content, np.uint8), np.zeros(0, np.uint8)
        network = cv2.FaceDetectorYN.create("onnx", buffer, none, (320, 320), *limits)
        network.detect(np.zeros((320, 320, 3), np.uint8))  # a wrong file must fail here, not at the door
    except (cv2.error, SystemError) as error:
        raise ModelError("OpenCV cannot load or run it") from error
    return network


class YuNetDetector:
    """Detects faces of at least ``min_face`` pixels and at least the confidence ``score`` of the configuration.

    Only faces centred in a zone count. The constructor raises ``ModelError`` if the network is missing or damaged.
    """

    def __init__(self, config: DetectConfig, candidates: int = MAX_CANDIDATES) -> None:
        path = find_network(config.network)
        if not hasattr(cv2, "FaceDetectorYN"):
            raise ModelError(f"OpenCV {cv2.__version__} has no FaceDetectorYN; install opencv-python-headless>=4.10,<5")
        self._network = _load(path, (config.score, NMS_IOU_THRESHOLD, candidates))
        self._min_face = config.min_face
        self._zones = Zones(config.zones)
        self._equalizer = new_equalizer(CLAHE_CLIP_LIMIT)

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``detector.Detector``. ``luma`` is not used, because the network needs colour."""
        if regions is None:
            return [detection.box for detection in self.detections(image)]
        full_frame = Box(0, 0, image.shape[1], image.shape[0])
        return detect_in_regions(lambda region: (d.box for d in self._detect(image, region)), regions, full_frame)

    def detections(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Returns the faces of a full frame with their landmarks, left to right."""
        if min(image.shape[:2]) < self._min_face:
            return []
        region = full_frame_region(image, self._min_face)
        return sorted(self._detect(image, region), key=lambda detection: detection.box)

    def raw(self, image: Any, scale: NDArray[np.float32]) -> Iterator[Detection]:
        """Yields what the network finds in an image as it is. The results are multiplied by ``scale``, x and y."""
        for row in self._run(image):
            yield _as_detection(row, scale, np.zeros(2, np.float32))

    def _detect(self, image: NDArray[np.uint8], region: Region) -> Iterator[Detection]:
        box = region.box
        part = image[box.y0 : box.y1, box.x0 : box.x1]
        factor = min(1.0, REDUCED_FACE_WIDTH / region.min_face)
        size = (
            max(REDUCED_FACE_WIDTH, round(box.width * factor)),
            max(REDUCED_FACE_WIDTH, round(box.height * factor)),
        )
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if factor < 1 else part
        scale = np.array([box.width / small.shape[1], box.height / small.shape[0]], np.float32)
        for row in self._run(self._equalize(small, part.shape == image.shape)):
            detection = _as_detection(row, scale, np.array(box[:2], np.float32))
            if self._counts(detection.box, image.shape[1], image.shape[0]):
                yield detection

    def _run(self, small: Any) -> Any:
        """Runs the network. Returns a row per face."""
        height, width = small.shape[:2]
        if min(height, width) < MIN_INPUT_SIDE:
            edges = (0, max(0, MIN_INPUT_SIDE - height), 0, max(0, MIN_INPUT_SIDE - width))
            small = cv2.copyMakeBorder(small, *edges, cv2.BORDER_CONSTANT)
        self._network.setInputSize((small.shape[1], small.shape[0]))
        rows = self._network.detect(small)[1]
        return [] if rows is None else rows[_can_be_faces(rows, width, height)]

    def _equalize(self, small: Any, full_frame: bool) -> Any:
        ycc = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)
        ycc[..., 0] = equalize(self._equalizer, ycc[..., 0], full_frame)
        return cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR)

    def _counts(self, box: Box, width: int, height: int) -> bool:
        large = max(box.width, box.height) >= SIZE_TOLERANCE * self._min_face
        return large and self._zones.contains(box, width, height)


def _can_be_faces(rows: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    """Tells which rows describe something in the picture: a network of the user may find anything."""
    x, y = rows[:, 0] + rows[:, 2] / 2, rows[:, 1] + rows[:, 3] / 2
    bounded = (np.abs(rows) <= 2 * max(width, height)).all(axis=1) & (rows[:, 2:4] > 0).all(axis=1)
    return np.asarray(bounded & (x >= 0) & (x <= width) & (y >= 0) & (y <= height))


def _as_detection(row: NDArray[np.float32], scale: NDArray[np.float32], corner: NDArray[np.float32]) -> Detection:
    x0, y0 = row[:2] * scale + corner
    x1, y1 = (row[:2] + row[2:4]) * scale + corner
    box = Box(round(float(x0)), round(float(y0)), round(float(x1)), round(float(y1)))
    return Detection(box, row[4:14].reshape(5, 2) * scale + corner, float(row[14]))
