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
from ..errors import ModelError
from ..paths import check_file, opencv_path
from .detector import Region, Zones, detect_in_regions, equalize, full_frame_region, new_equalizer
from .geometry import Box

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


class YuNetDetector:
    """Detects faces of at least ``min_face`` pixels and at least the confidence ``score`` of the configuration.

    Only faces centred in a zone count. The constructor raises ``ModelError`` if the network is missing or damaged.
    """

    def __init__(self, config: DetectConfig, candidates: int = MAX_CANDIDATES) -> None:
        path = find_network(config.network)
        if not hasattr(cv2, "FaceDetectorYN"):
            raise ModelError(f"OpenCV {cv2.__version__} has no FaceDetectorYN; install opencv-python-headless>=4.10,<5")
        limits = (config.score, NMS_IOU_THRESHOLD, candidates)
        try:
            self._network: Any = cv2.FaceDetectorYN.create(opencv_path(path), "", (320, 320), *limits)
            self._network.detect(np.zeros((320, 320, 3), np.uint8))  # a wrong file must fail here, not at the door
        except OSError as error:
            raise ModelError(f"{printable(path)} cannot be read: {error.strerror}") from error
        except (cv2.error, SystemError) as error:
            raise ModelError(
                f"{path} is damaged or not a YuNet network; leave detect.network empty, or install maskwatch again"
            ) from error
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
        rows = self._run(image)
        for row in [] if rows is None else rows:
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
        rows = self._run(self._equalize(small, part.shape == image.shape))
        scale = np.array([box.width / small.shape[1], box.height / small.shape[0]], np.float32)
        for row in [] if rows is None else rows:
            detection = _as_detection(row, scale, np.array(box[:2], np.float32))
            if self._counts(detection.box, image.shape[1], image.shape[0]):
                yield detection

    def _run(self, small: Any) -> Any:
        """Runs the network. Returns a row per face, or None."""
        height, width = small.shape[:2]
        if min(height, width) < MIN_INPUT_SIDE:
            edges = (0, max(0, MIN_INPUT_SIDE - height), 0, max(0, MIN_INPUT_SIDE - width))
            small = cv2.copyMakeBorder(small, *edges, cv2.BORDER_CONSTANT)
        self._network.setInputSize((small.shape[1], small.shape[0]))
        return self._network.detect(small)[1]

    def _equalize(self, small: Any, full_frame: bool) -> Any:
        ycc = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)
        ycc[..., 0] = equalize(self._equalizer, ycc[..., 0], full_frame)
        return cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR)

    def _counts(self, box: Box, width: int, height: int) -> bool:
        large = max(box.width, box.height) >= SIZE_TOLERANCE * self._min_face
        return large and self._zones.contains(box, width, height)


def _as_detection(row: NDArray[np.float32], scale: NDArray[np.float32], corner: NDArray[np.float32]) -> Detection:
    x0, y0 = row[:2] * scale + corner
    x1, y1 = (row[:2] + row[2:4]) * scale + corner
    box = Box(round(float(x0)), round(float(y0)), round(float(x1)), round(float(y1)))
    return Detection(box, row[4:14].reshape(5, 2) * scale + corner, float(row[14]))
