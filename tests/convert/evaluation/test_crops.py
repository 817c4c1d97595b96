"""convert.evaluation.crops: every figure against a count by hand, the table, and models on real faces."""

from pathlib import Path

import numpy as np
import pytest
from support.known import LABELS, ROWS, known
from support.tiny import MODEL, door_faces, door_frames, saved, tiny_tree, trained

from convert.data.splits import held_out
from convert.data.trees import Sample, read_tree
from convert.errors import DataError
from convert.evaluation.crops import CropReport, evaluate, summary, table
from convert.evaluation.networks import open_network
from edge.errors import ModelError
from edge.faces.crop import crop


def test_confusion_and_accuracy(report: CropReport) -> None:
    assert report.confusion.tolist() == [[2, 1, 0], [1, 3, 0], [0, 0, 1]]
    assert report.accuracy == 6 / 8
    assert report.answers.tolist() == [0, 0, 1, 1, 1, 1, 0, 2]


@pytest.mark.parametrize(
    ("label", "precision", "recall", "count"),
    [("mask", 2 / 3, 2 / 3, 3), ("no_mask", 3 / 4, 3 / 4, 4), ("not_face", 1, 1, 1)],
)
def test_precision_recall_and_f1(report: CropReport, label: str, precision: float, recall: float, count: int) -> None:
    figures = report.label_figures(label)
    f1 = 2 * precision * recall / (precision + recall)
    assert figures == pytest.approx({"precision": precision, "recall": recall, "f1": f1, "count": count})


def test_f1_where_precision_and_recall_differ(samples: list[Sample]) -> None:
    always = evaluate(known(tuple((0.9, 0.1, 0.0) for _ in ROWS)), samples)
    assert always.label_figures("mask") == pytest.approx({"precision": 3 / 8, "recall": 1, "f1": 6 / 11, "count": 3})
    assert always.label_figures("no_mask") == pytest.approx({"precision": 0, "recall": 0, "f1": 0, "count": 4})


def test_calibration_error_by_hand(report: CropReport) -> None:
    """Confidences 0.9 x3 and 0.8 x2 (all right), 0.7 x2 (both wrong), 0.6 (right), each in a bin of its own."""
    by_hand = 3 / 8 * (1 - 0.9) + 2 / 8 * (1 - 0.8) + 2 / 8 * 0.7 + 1 / 8 * (1 - 0.6)
    assert report.calibration_error == pytest.approx(by_hand, abs=1e-6)


def test_the_calibration_error_is_0_if_confidence_equals_accuracy(samples: list[Sample]) -> None:
    rows = ((0.75, 0.25, 0.0),) * len(ROWS)  # right for 3 of the first 4
    assert evaluate(known(rows), samples[:4]).calibration_error == pytest.approx(0, abs=1e-6)


def test_figures_by_source(report: CropReport) -> None:
    assert report.by_source() == {"room": (2, 0.5), "street": (6, pytest.approx(5 / 6))}


def test_samples_with_a_label_that_the_model_lacks_are_left_out(samples: list[Sample]) -> None:
    two = known(tuple((row[0], row[1]) for row in ROWS), LABELS[:2])
    assert len(evaluate(two, samples).samples) == 7
    with pytest.raises(DataError, match=r"none of these pictures has a label that the model has \(mask, no_mask\)"):
        evaluate(two, samples[7:])


def test_several_batches_keep_their_order(samples: list[Sample]) -> None:
    many = evaluate(known(), samples * 20)
    assert len(many.samples) == 160
    assert (many.confusion == 20 * evaluate(known(), samples).confusion).all()


def test_table_text(report: CropReport) -> None:
    lines = table(report).splitlines()
    assert lines[0] == "known@01234567: 8 pictures, accuracy 0.7500, expected calibration error 0.3125"
    assert [line.split() for line in lines[2:6]] == [
        ["label", "precision", "recall", "F1", "pictures"],
        ["mask", "0.6667", "0.6667", "0.6667", "3"],
        ["no_mask", "0.7500", "0.7500", "0.7500", "4"],
        ["not_face", "1.0000", "1.0000", "1.0000", "1"],
    ]
    assert [line.split() for line in lines[8:11]] == [
        ["mask", "2", "1", "0"],
        ["no_mask", "1", "3", "0"],
        ["not_face", "0", "0", "1"],
    ]
    assert [line.split() for line in lines[13:]] == [["room", "2", "0.5000"], ["street", "6", "0.8333"]]


def test_the_table_has_no_labels_without_pictures_and_no_single_source(samples: list[Sample]) -> None:
    text = table(evaluate(known(), samples[:6]))
    assert "source" not in text
    assert not any(line.startswith("not_face") for line in text.splitlines())


def test_summary_has_the_tables_figures(report: CropReport) -> None:
    assert summary(report) == {
        "pictures": 8,
        "accuracy": 0.75,
        "calibration_error": 0.3125,
        "labels": {
            "mask": {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "count": 3},
            "no_mask": {"precision": 0.75, "recall": 0.75, "f1": 0.75, "count": 4},
            "not_face": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "count": 1},
        },
        "sources": {"room": 0.5, "street": 0.8333},
    }


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("m.h5", DataError, r"m\.h5 is not a model; expected a \.tflite or a \.keras file"),
        ("m.tflite", ModelError, r"model .*m\.tflite does not exist"),
        ("m.keras", DataError, r"m\.keras does not exist"),
    ],
)
def test_the_error_names_a_file_that_is_not_a_model(
    tmp_path: Path, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        open_network(tmp_path / name)


def test_the_shipped_model_classifies_the_faces_of_the_clip(tmp_path: Path) -> None:
    for number, (frame, label, box) in enumerate(door_faces()):
        saved(crop(door_frames()[frame], box), tmp_path / "door" / label / f"{number}.png")
    report = evaluate(open_network(MODEL), held_out(tmp_path))
    assert len(report.samples) == len(door_faces())
    assert report.accuracy > 0.8, table(report)


@pytest.mark.timeout(240)
def test_a_keras_model_is_evaluated_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")
    model, data = trained(tmp_path_factory), tiny_tree(tmp_path_factory)
    report = evaluate(open_network(model), read_tree(data))
    assert report.card.id == "tiny@float" and len(report.samples) == 224
    assert np.allclose(report.probabilities.sum(axis=1), 1, atol=1e-5)
    assert report.accuracy >= 0.5, table(report)
