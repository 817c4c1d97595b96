"""Tests that arrays of any shape and type go through the whole pipeline without an exception."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import DOOR
from support.cameras import clip_pictures

from edge.camera.condition import ConditionWatch
from edge.camera.frames import as_image, as_luma
from edge.config.schema import Config, DecideConfig, DetectConfig, TrackConfig
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_classifier
from edge.people.policy import Policy
from edge.people.tracker import Tracker

FEW_EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
TYPES = st.sampled_from([np.uint8, np.int8, np.uint16, np.int32, np.float16, np.float32, np.float64, np.bool_])
SIDES = st.integers(0, 70)
CHANNELS = st.sampled_from([(), (0,), (1,), (2,), (3,), (4,), (5,)])


@st.composite
def anything(draw: st.DrawFn) -> Any:
    """Draws arrays of any type, number of channels and memory order, and sometimes a value that is not an array."""
    if draw(st.integers(0, 30)) == 0:
        return draw(st.sampled_from([None, b"", "picture", 7, [[1, 2], [3, 4]], np.uint8(7)]))
    dtype, shape = draw(TYPES), (draw(SIDES), draw(SIDES), *draw(CHANNELS))
    if draw(st.booleans()):
        dtype = np.uint8
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = draw(st.sampled_from([(0, 256), (0, 1), (255, 256), (-1e6, 1e6)]))
    with np.errstate(all="ignore"):
        array = rng.uniform(low, high, shape).astype(dtype)
    if array.size and np.issubdtype(dtype, np.floating):
        array.flat[0] = draw(st.sampled_from([0.0, np.nan, np.inf]))
    return array[:: draw(st.sampled_from([1, -1, 2])), :: draw(st.sampled_from([1, -1]))]


class Pipeline:
    """Does what the loop does with each picture, with the real parts."""

    def __init__(self) -> None:
        self.detector = HaarDetector(DetectConfig(min_face=24, neighbours=0))
        self.classifier = open_classifier(Config())
        self.reset()

    def reset(self) -> None:
        self.watch = ConditionWatch()
        self.tracker = Tracker(forget=TrackConfig().forget)
        self.policy = Policy(DecideConfig(frames=1, seconds=0, persistence=0))
        self.now = 0.0

    def process(self, given: Any, luma: Any = None, extra: tuple[Box, ...] = ()) -> int:
        """Takes one picture; returns the number of people, or -1 if it was not a picture."""
        if (image := as_image(given)) is None:
            return -1
        self.now += 0.1
        assert self.watch.update(image, self.now) in ("ok", "dark", "frozen")
        boxes = [*self.detector.detect(image, as_luma(luma)), *extra]
        tracks = self.tracker.update(self.classifier.classify(image, boxes), self.now)
        self.policy.update(tracks, self.now)
        assert set(self.policy.states.values()) <= {"unknown", "unsure", "mask", "no_mask", "incorrect_mask"}
        return len(tracks)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@FEW_EXAMPLES
@given(pictures=st.lists(anything(), min_size=1, max_size=5), luma=anything())
def test_arrays_of_any_shape_and_type_pass_through(pipeline: Pipeline, pictures: list[Any], luma: Any) -> None:
    pipeline.reset()
    for array in pictures:
        people = pipeline.process(array, luma)
        is_picture = isinstance(array, np.ndarray) and array.dtype == np.uint8 and array.size > 0
        assert is_picture or people == -1


@FEW_EXAMPLES
@given(
    width=st.integers(1, 300), height=st.integers(1, 300), data=st.data(), moves=st.integers(1, 4)
)  # as if a detector had found a face there
def test_faces_anywhere_in_pictures_of_any_size_pass_through(
    pipeline: Pipeline, width: int, height: int, data: st.DataObject, moves: int
) -> None:
    pipeline.reset()
    for _ in range(moves):
        x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        box = Box(x, y, data.draw(st.integers(x + 1, width + 50)), data.draw(st.integers(y + 1, height + 50)))
        assert pipeline.process(np.full((height, width, 3), 128, np.uint8), None, (box,)) >= 0


@FEW_EXAMPLES
@given(
    width=st.integers(1, 400), height=st.integers(1, 400), form=st.sampled_from(["bgr", "grey", "bgra", "upside down"])
)
def test_a_real_face_in_any_proportions_passes_through(pipeline: Pipeline, width: int, height: int, form: str) -> None:
    pipeline.reset()
    image = np.asarray(cv2.resize(face(), (width, height)), np.uint8)
    if form == "grey":
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if form == "bgra":
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
    for _ in range(2):
        assert pipeline.process(image[::-1, ::-1] if form == "upside down" else image) >= 0


def test_a_whole_face_is_found_whatever_its_form(pipeline: Pipeline) -> None:
    """This makes sure that the tests above do process faces."""
    pipeline.reset()
    assert pipeline.process(face()) >= 1
    assert pipeline.process(cv2.cvtColor(face(), cv2.COLOR_BGR2GRAY)) >= 1
    assert pipeline.process(cv2.cvtColor(face(), cv2.COLOR_BGR2BGRA)) >= 1


def face() -> Any:
    (jpeg,) = clip_pictures(DOOR, 60, 61)
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
