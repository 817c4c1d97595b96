"""Whatever a camera may give: an array of any shape and type goes through the whole pipeline without an exception."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import DOOR, ROOT
from support.cameras import clip_pictures

from edge.camera.frames import as_image, as_luma
from edge.camera.live import ConditionWatch
from edge.config.schema import DecideConfig
from edge.faces.classifier import MaskClassifier
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.tflite import TfliteNetwork
from edge.people.policy import Policy
from edge.people.tracker import Tracker

QUICKLY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
KINDS = st.sampled_from([np.uint8, np.int8, np.uint16, np.int32, np.float16, np.float32, np.float64, np.bool_])
SIDES = st.integers(0, 70)
CHANNELS = st.sampled_from([(), (0,), (1,), (2,), (3,), (4,), (5,)])


@st.composite
def anything(draw: st.DrawFn) -> Any:
    """Arrays of any type with any number of channels, in any order in memory; now and then no array at all."""
    if draw(st.integers(0, 30)) == 0:
        return draw(st.sampled_from([None, b"", "picture", 7, [[1, 2], [3, 4]], np.uint8(7)]))
    kind, shape = draw(KINDS), (draw(SIDES), draw(SIDES), *draw(CHANNELS))
    if draw(st.booleans()):
        kind = np.uint8
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = draw(st.sampled_from([(0, 256), (0, 1), (255, 256), (-1e6, 1e6)]))
    with np.errstate(all="ignore"):
        array = rng.uniform(low, high, shape).astype(kind)
    if array.size and np.issubdtype(kind, np.floating):
        array.flat[0] = draw(st.sampled_from([0.0, np.nan, np.inf]))
    return array[:: draw(st.sampled_from([1, -1, 2])), :: draw(st.sampled_from([1, -1]))]


class Pipeline:
    """What the loop does with each picture, on the real parts."""

    def __init__(self) -> None:
        self.detector = HaarDetector("alt2", min_face=24, neighbours=0)
        self.classifier = MaskClassifier(TfliteNetwork(ROOT / "models" / "mask.tflite"))
        self.begin()

    def begin(self) -> None:
        self.sight, self.tracker = ConditionWatch(), Tracker()
        self.policy, self.now = Policy(DecideConfig(frames=1, seconds=0, persistence=0)), 0.0

    def see(self, given: Any, luma: Any = None, extra: tuple[Box, ...] = ()) -> int:
        """The number of people after one picture; -1 if it was none."""
        if (image := as_image(given)) is None:
            return -1
        self.now += 0.1
        assert self.sight.look(image, self.now) in ("ok", "dark", "frozen")
        boxes = [*self.detector.detect(image, as_luma(luma)), *extra]
        tracks = self.tracker.update(self.classifier.classify(image, boxes), self.now)
        self.policy.update(tracks, self.now)
        assert set(self.policy.states.values()) <= {"unknown", "mask", "no_mask", "incorrect_mask"}
        return len(tracks)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@QUICKLY
@given(pictures=st.lists(anything(), min_size=1, max_size=5), luma=anything())
def test_arrays_of_any_shape_and_type_pass_through(pipeline: Pipeline, pictures: list[Any], luma: Any) -> None:
    pipeline.begin()
    for given_one in pictures:
        people = pipeline.see(given_one, luma)
        is_picture = isinstance(given_one, np.ndarray) and given_one.dtype == np.uint8 and given_one.size > 0
        assert is_picture or people == -1


@QUICKLY
@given(
    width=st.integers(1, 300), height=st.integers(1, 300), data=st.data(), moves=st.integers(1, 4)
)  # as if the detector found something there
def test_faces_anywhere_in_pictures_of_any_size_pass_through(
    pipeline: Pipeline, width: int, height: int, data: st.DataObject, moves: int
) -> None:
    pipeline.begin()
    for _ in range(moves):
        x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        box = Box(x, y, data.draw(st.integers(x + 1, width + 50)), data.draw(st.integers(y + 1, height + 50)))
        assert pipeline.see(np.full((height, width, 3), 128, np.uint8), None, (box,)) >= 0


@QUICKLY
@given(
    width=st.integers(1, 400), height=st.integers(1, 400), form=st.sampled_from(["bgr", "grey", "bgra", "upside down"])
)
def test_a_real_face_in_any_proportions_passes_through(pipeline: Pipeline, width: int, height: int, form: str) -> None:
    pipeline.begin()
    image = np.asarray(cv2.resize(face(), (width, height)), np.uint8)
    if form == "grey":
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if form == "bgra":
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
    for _ in range(2):
        assert pipeline.see(image[::-1, ::-1] if form == "upside down" else image) >= 0


def test_a_whole_face_is_found_whatever_its_form(pipeline: Pipeline) -> None:
    """So that the tests above do look at faces."""
    pipeline.begin()
    assert pipeline.see(face()) >= 1
    assert pipeline.see(cv2.cvtColor(face(), cv2.COLOR_BGR2GRAY)) >= 1
    assert pipeline.see(cv2.cvtColor(face(), cv2.COLOR_BGR2BGRA)) >= 1


def face() -> Any:
    (jpeg,) = clip_pictures(DOOR, 60, 61)
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
