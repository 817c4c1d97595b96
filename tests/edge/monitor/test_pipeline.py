"""edge.monitor.pipeline: from when on a new detector is used, and when frames are not searched."""

import cv2
import numpy as np
import pytest

from edge.camera.frames import Frame
from edge.config.schema import Config, DecideConfig, DetectConfig
from edge.errors import ModelError
from edge.faces.classifier import MaskClassifier
from edge.faces.opening import open_classifier, open_detector
from edge.monitor.pipeline import Pipeline


@pytest.fixture(scope="module")
def classifier() -> MaskClassifier:
    return open_classifier(Config())


def frame(number: int = 0) -> Frame:
    return Frame(np.full((480, 640, 3), 90, np.uint8), None, number / 10, number)


def regions(pipeline: Pipeline, number: int) -> list[int]:
    return [region.min_face for region in pipeline.plan(frame(number), (), lambda track: True)]


def test_a_changed_detector_and_planner_are_used_together_from_the_next_frame_on(classifier: MaskClassifier) -> None:
    small, large = DetectConfig(gate=False, min_face=48), DetectConfig(gate=False, min_face=200)
    pipeline = Pipeline(small, DecideConfig(), classifier)
    assert regions(pipeline, 0) == [48]
    before = pipeline._detector
    pipeline.change(large)
    assert pipeline._detector is before, "the present frame is searched by the detector for which it was planned"
    assert regions(pipeline, 1) == [200]
    assert pipeline._detector is not before


def test_a_change_that_cannot_be_opened_changes_nothing(classifier: MaskClassifier) -> None:
    pipeline = Pipeline(DetectConfig(gate=False), DecideConfig(), classifier)
    with pytest.raises(ModelError, match="nowhere.xml"):
        pipeline.change(DetectConfig(cascade="/nowhere.xml", min_face=200))
    assert regions(pipeline, 0) == [48]


def test_no_region_is_searched_while_frames_do_not_count(classifier: MaskClassifier) -> None:
    counting = True
    pipeline = Pipeline(DetectConfig(gate=False), DecideConfig(), classifier, watching=lambda: counting)
    assert regions(pipeline, 0)
    counting = False
    assert regions(pipeline, 1) == []


@pytest.mark.parametrize("detector", ["haar", "yunet"])
def test_opening_a_detector_sets_the_threads_of_opencv(detector: str) -> None:
    """``maskwatch image`` and ``bench --stage`` open only a detector, and must apply the option too."""
    before = cv2.getNumThreads()
    try:
        for threads in (2, 1):
            open_detector(DetectConfig(detector=detector, threads=threads))
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
