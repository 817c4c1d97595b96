"""Checks the structure of a cascade file (XML of OpenCV 3 and 4) before OpenCV loads it.

OpenCV follows the numbers of a cascade without looking: a branch that leads back makes it search for ever, one that
leads elsewhere makes it read anything, and elements that are nested deeply end the process. An element that OpenCV
would not write is refused.
"""

import math
from collections.abc import Sequence
from typing import Any
from xml.parsers import expat

from .flatbuffer import Damaged

MAX_BYTES = 16 * 2**20
"""Largest cascade. The largest of OpenCV has 2.7 MB."""
MAX_ELEMENTS = 400_000
"""The largest of OpenCV has 61,022 elements."""
WINDOW_SIDES = range(8, 129)
"""Sides of the detection window in pixels."""
PATHS = {
    "": ("opencv_storage",),
    "opencv_storage": ("cascade",),
    "cascade": (
        "stageType", "featureType", "height", "width", "stageParams", "featureParams", "stageNum", "stages", "features",
    ),
    "stageParams": ("boostType", "minHitRate", "maxFalseAlarm", "weightTrimRate", "maxDepth", "maxWeakCount"),
    "featureParams": ("maxCatCount", "featSize", "mode"),
    "stages": ("_",),
    "features": ("_",),
    "stages/_": ("maxWeakCount", "stageThreshold", "weakClassifiers"),
    "weakClassifiers": ("_",),
    "weakClassifiers/_": ("internalNodes", "leafValues"),
    "features/_": ("rects", "rect", "tilted"),
    "rects": ("_",),
}  # fmt: skip
"""The elements that may stand in an element."""
DIGITS = frozenset("0123456789.eE+- \t\r\n")
"""Python reads more than OpenCV as a number."""
Numbers = tuple[float, ...]


class _Reader:
    """Reads the elements into nested dictionaries: a list of values by name, or a text."""

    def __init__(self) -> None:
        self.root: dict[str, list[Any]] = {}
        self._open: list[tuple[str, dict[str, list[Any]]]] = [("", self.root)]
        self._text: list[str] = []
        self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.ProcessingInstructionHandler = self._refuse

    def read(self, content: bytes) -> dict[str, list[Any]]:
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            raise Damaged(f"it is not XML: {expat.ErrorString(error.code)}, line {error.lineno}") from None
        return self.root

    def _refuse(self, *_: object) -> None:
        raise Damaged("it has a document type or instructions, which no cascade has")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        parent = self._open[-1][0]
        if name not in PATHS.get(parent, ()) or self._count > MAX_ELEMENTS:
            raise Damaged(f"line {self._parser.CurrentLineNumber} has an element that no cascade of OpenCV 4 has there")
        if attributes not in ({}, {"type_id": "opencv-cascade-classifier"}) or (attributes and name != "cascade"):
            raise Damaged(f"line {self._parser.CurrentLineNumber} has attributes that no cascade has there")
        self._text.clear()
        self._open.append((f"{parent}/_" if name == "_" else name, {}))

    def _end(self, name: str) -> None:
        _, below = self._open.pop()
        self._open[-1][1].setdefault(name, []).append(below or "".join(self._text))
        self._text.clear()


def check_cascade(content: bytes) -> None:
    """Raises ``Damaged`` if a file is not a whole cascade."""
    if len(content) > MAX_BYTES:
        raise Damaged(f"it has more than {MAX_BYTES >> 20} MiB")
    try:
        cascade = _one(_one(_Reader().read(content), "opencv_storage"), "cascade")
        kind, stages = _one(cascade, "featureType").strip(), _one(cascade, "stages")["_"]
        window = int(_one(cascade, "width")), int(_one(cascade, "height"))
        features = _one(cascade, "features")["_"]
        params = _one(cascade, "featureParams")
        if _one(cascade, "stageType").strip() != "BOOST" or kind not in ("HAAR", "LBP"):
            raise Damaged("it is neither a Haar nor an LBP cascade")
        if any(side not in WINDOW_SIDES for side in window) or int(_one(cascade, "stageNum")) != len(stages):
            raise Damaged("the size of its window or the number of its stages is wrong")
        if int(_one(params, "maxCatCount")) != (256 if kind == "LBP" else 0):
            raise Damaged("its categories are not those of its kind")
        for feature in features:
            (_check_rect if kind == "LBP" else _check_haar)(feature, window)
        for stage in stages:
            _check_stage(stage, len(features), 8 if kind == "LBP" else 1)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise error if isinstance(error, Damaged) else Damaged("a part of it is missing or is no number") from None


def _one(parent: Any, name: str) -> Any:
    (value,) = parent[name]
    return value


def _numbers(text: str) -> Numbers:
    numbers = tuple(map(float, text.split()))
    if not DIGITS.issuperset(text) or not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _check_stage(stage: dict[str, list[Any]], features: int, thresholds: int) -> None:
    trees = _one(stage, "weakClassifiers")["_"]
    _numbers(_one(stage, "stageThreshold"))
    if int(_one(stage, "maxWeakCount")) != len(trees):
        raise Damaged("a stage has another number of trees than it says")
    for tree in trees:
        _check_tree(_numbers(_one(tree, "internalNodes")), _numbers(_one(tree, "leafValues")), features, thresholds)


def _check_tree(nodes: Numbers, leaves: Numbers, features: int, thresholds: int) -> None:
    """Checks that each branch leads to a later node or to a leaf, and that each node uses a feature."""
    width = 3 + thresholds
    count = len(nodes) // width
    if len(nodes) != count * width or not count or len(leaves) != count + 1:
        raise Damaged("a tree has another number of nodes or leaves than it must have")
    for node in range(count):
        left, right, feature = nodes[node * width : node * width + 3]
        if not all(node < branch < count or -len(leaves) < branch <= 0 for branch in (left, right)):
            raise Damaged("a branch of a tree leads back, or to what does not exist")
        if not 0 <= feature < features or any(number != int(number) for number in (left, right, feature)):
            raise Damaged("a node uses a feature that does not exist")


def _check_haar(feature: dict[str, list[Any]], window: tuple[int, int]) -> None:
    rects = [_numbers(text) for text in _one(feature, "rects")["_"]]
    tilted = [int(text) for text in feature.get("tilted", ["0"])]
    if tilted not in ([0], [1]) or not 1 <= len(rects) <= 3 or any(len(rect) != 5 for rect in rects):
        raise Damaged("a feature has not 1 to 3 rectangles")
    for x, y, width, height, _ in rects:
        sides = (x - height, y, width + height, width + height) if tilted[0] else (x, y, width, height)
        _check_inside((x, y, width, height), sides, window)


def _check_rect(feature: dict[str, list[Any]], window: tuple[int, int]) -> None:
    """Checks a feature of LBP: three cells of a size along each side."""
    x, y, width, height = _numbers(_one(feature, "rect"))
    _check_inside((x, y, width, height), (x, y, 3 * width, 3 * height), window)


def _check_inside(rect: Sequence[float], sides: Sequence[float], window: tuple[int, int]) -> None:
    x, y, width, height = sides
    if any(number != int(number) for number in rect) or rect[2] <= 0 or rect[3] <= 0:
        raise Damaged("a rectangle is not one of whole pixels")
    if x < 0 or y < 0 or x + width > window[0] or y + height > window[1]:
        raise Damaged("a rectangle lies outside its window")
