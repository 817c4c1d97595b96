"""Where the faces are: OpenCV's Haar cascade on a reduced luma picture.

Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001; the cascade
files are OpenCV's own (Lienhart et al.). ``alt2`` is the default because on 354 street and room pictures (faces
of 40 pixels and more) it found more bare faces than ``default`` (0.71 against 0.66), fired half as often on
things that are no face, and cost less; CHANGELOG.md keeps such choices, convert/README.md the commands that measure.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .detector import Region, Zones, equalized, new_equalizer, search, whole_picture
from .geometry import Box

SYSTEM_CASCADES = Path("/usr/share/opencv4/haarcascades")
"""Where Debian's package opencv-data keeps the cascades that apt's python3-opencv does not carry."""
WINDOW = 24
"""Smallest face, in pixels of the reduced picture, that the cascade is asked for (it was trained at 20 to 24)."""
CONTRAST = 3.0
"""Clip limit of the cascade's local contrast stretch. Of the bare faces in a simulated backlit doorway (condition
``edge_camera`` of ``maskwatch-convert evaluate-scenes``) it found a fifth without and two thirds with it, and in plain
light as many as before."""


def find_cascade(name: str) -> Path:
    """The cascade file for a path or a short name such as ``alt2``. Raises ``ModelError`` saying where it looked."""
    given = Path(os.path.expanduser(name))
    if given.suffix == ".xml" and given.is_file():
        return given
    stem = given.name if given.suffix == ".xml" else f"haarcascade_frontalface_{name}.xml"
    shipped = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
    for folder in (shipped, SYSTEM_CASCADES):
        if (folder / stem).is_file():
            return folder / stem
    raise ModelError(
        f"no cascade '{name}': looked for {given}, {shipped / stem} and {SYSTEM_CASCADES / stem}; use default, alt, "
        "alt2, alt_tree or the path of an .xml file, or install Debian's package opencv-data"
    )


def load_cascade(name: str) -> Any:
    """A ready ``cv2.CascadeClassifier``. Raises ``ModelError`` for a missing, damaged or empty file."""
    path = find_cascade(name)
    if not hasattr(cv2, "CascadeClassifier"):
        raise ModelError(f"OpenCV {cv2.__version__} has no Haar cascades any more; install opencv-python-headless<5")
    try:
        cascade = cv2.CascadeClassifier(str(path))
    except (cv2.error, SystemError) as error:  # a damaged file raises SystemError in OpenCV 4.x
        raise ModelError(f"cascade {path} is damaged or no cascade; install it again") from error
    if cascade.empty():
        raise ModelError(f"cascade {path} is damaged or no cascade; install it again")
    return cascade


class HaarDetector:
    """Finds faces of at least ``min_face`` pixels.

    The picture is shrunk until the smallest wanted face is as small as the cascade can see, which is where the
    speed comes from: cost grows with the number of windows, not with the camera's resolution.

    ``scale_step`` is the pyramid's factor (> 1), ``neighbours`` the number of overlapping hits a face needs. With
    ``zones`` (polygons, corners as shares 0..1 of width and height) only faces centred in one of them count.
    """

    def __init__(
        self,
        cascade: str = "alt2",
        *,
        min_face: int = 40,
        scale_step: float = 1.1,
        neighbours: int = 2,
        zones: Sequence[Sequence[tuple[float, float]]] = (),
    ) -> None:
        self._cascade = load_cascade(cascade)
        self._zones = Zones(zones)
        self._equalizer = new_equalizer(CONTRAST)
        self._min_face = min_face
        self._scale_step = scale_step
        self._neighbours = neighbours

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``Detector``."""
        height, width = image.shape[:2]
        if min(height, width) < self._min_face:
            return []
        if regions is None:
            found = sorted(self._find(image, luma, whole_picture(image, self._min_face)))
        else:
            found = search(lambda region: self._find(image, luma, region), regions, Box(0, 0, width, height))
        return [box for box in found if self._zones.watch(box, width, height)]

    def _find(self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None, region: Region) -> Iterator[Box]:
        plane, wanted = image, WINDOW / region.least  # so much smaller, the smallest face fills the window
        if luma is not None and luma.shape[1] >= wanted * image.shape[1]:
            plane = luma
        sx, sy = plane.shape[1] / image.shape[1], plane.shape[0] / image.shape[0]
        x, y = round(region.box.x0 * sx), round(region.box.y0 * sy)
        part = plane[y : round(region.box.y1 * sy), x : round(region.box.x1 * sx)]
        small = self._reduced(part, wanted / sx, whole=part.shape == plane.shape)
        most = (0, 0) if region.most >= min(image.shape[:2]) else 2 * (round(region.most * wanted),)
        step, neighbours = self._scale_step, self._neighbours
        if region.coarse:
            step, neighbours = step**2, min(neighbours, max(1, neighbours - 1))
        hits = self._cascade.detectMultiScale(
            small, scaleFactor=step, minNeighbors=neighbours, minSize=(WINDOW, WINDOW), maxSize=most
        )
        fx, fy = part.shape[1] / small.shape[1], part.shape[0] / small.shape[0]
        for left, top, w, h in hits:
            x0, y0, x1, y1 = x + left * fx, y + top * fy, x + (left + w) * fx, y + (top + h) * fy
            yield Box(round(x0 / sx), round(y0 / sy), round(x1 / sx), round(y1 / sy))

    def _reduced(self, part: NDArray[np.uint8], factor: float, whole: bool) -> Any:
        """The part so much smaller (never larger), grey, its contrast evened."""
        # grey first would take half the time, but rounds twice: three of 317 bare faces of the scenes were lost by it
        small: Any = part
        if factor < 1.0:
            size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
            small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        return equalized(self._equalizer, grey, whole)
