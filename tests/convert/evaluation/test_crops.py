"""convert.evaluation.crops and charts: every figure against a count by hand; text, charts, held-out rules."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.tiny import MODEL, door_faces, door_frames, draw_tree, readable, saved, tiny_tree, trained

from convert.data.trees import DataError, Sample, read_tree
from convert.evaluation.charts import mistakes, pictures, threshold_curve
from convert.evaluation.crops import Report, compare, evaluate, held_out, open_network, summary, table
from edge.camera.frames import Image
from edge.errors import ModelError
from edge.faces.card import Card
from edge.faces.crop import crop

LABELS = ("mask", "no_mask", "not_face")
TRUTH = ("mask", "mask", "mask", "no_mask", "no_mask", "no_mask", "no_mask", "not_face")
ROWS = (
    (0.9, 0.1, 0.0),
    (0.8, 0.2, 0.0),
    (0.3, 0.7, 0.0),  # wrong
    (0.1, 0.9, 0.0),
    (0.2, 0.8, 0.0),
    (0.4, 0.6, 0.0),
    (0.7, 0.3, 0.0),  # wrong
    (0.0, 0.1, 0.9),
)


@dataclass
class Known:
    """A network that knows each picture by its grey level: picture ``n`` is filled with ``10 * n``."""

    card: Card
    rows: tuple[tuple[float, ...], ...]

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        return np.array([self.rows[round(picture.mean() / 10)] for picture in batch], np.float32)


def known(rows: tuple[tuple[float, ...], ...] = ROWS, labels: tuple[str, ...] = LABELS, name: str = "known") -> Known:
    return Known(Card(name, labels, 32, "rgb", "0123456789abcdef"), rows)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    found = []
    for number, label in enumerate(TRUTH):
        picture = np.full((20, 24, 3), 10 * number, np.uint8)
        source = "street" if number < 6 else "room"
        found.append(Sample(saved(picture, tmp_path / source / f"{number}.png"), label, source))
    return found


@pytest.fixture
def report(samples: list[Sample]) -> Report:
    return evaluate(known(), samples)


def test_confusion_and_accuracy(report: Report) -> None:
    assert report.confusion.tolist() == [[2, 1, 0], [1, 3, 0], [0, 0, 1]]
    assert report.accuracy == 6 / 8
    assert report.said.tolist() == [0, 0, 1, 1, 1, 1, 0, 2]


@pytest.mark.parametrize(
    ("label", "precision", "recall", "count"),
    [("mask", 2 / 3, 2 / 3, 3), ("no_mask", 3 / 4, 3 / 4, 4), ("not_face", 1, 1, 1)],
)
def test_precision_recall_and_f1(report: Report, label: str, precision: float, recall: float, count: int) -> None:
    figures = report.of_label(label)
    f1 = 2 * precision * recall / (precision + recall)
    assert figures == pytest.approx({"precision": precision, "recall": recall, "f1": f1, "count": count})


def test_f1_is_the_harmonic_mean_where_the_two_differ(samples: list[Sample]) -> None:
    always = evaluate(known(tuple((0.9, 0.1, 0.0) for _ in ROWS)), samples)
    assert always.of_label("mask") == pytest.approx({"precision": 3 / 8, "recall": 1, "f1": 6 / 11, "count": 3})
    assert always.of_label("no_mask") == pytest.approx({"precision": 0, "recall": 0, "f1": 0, "count": 4})


def test_calibration_error_by_hand(report: Report) -> None:
    """Confidences 0.9 x3 and 0.8 x2 (all right), 0.7 x2 (both wrong), 0.6 (right), each in a bin of its own."""
    by_hand = 3 / 8 * (1 - 0.9) + 2 / 8 * (1 - 0.8) + 2 / 8 * 0.7 + 1 / 8 * (1 - 0.6)
    assert report.calibration_error == pytest.approx(by_hand, abs=1e-6)


def test_a_network_as_right_as_it_is_sure_has_no_calibration_error(samples: list[Sample]) -> None:
    rows = ((0.75, 0.25, 0.0),) * len(ROWS)  # right for 3 of the first 4
    assert evaluate(known(rows), samples[:4]).calibration_error == pytest.approx(0, abs=1e-6)


def test_figures_by_source(report: Report) -> None:
    assert report.by_source() == {"room": (2, 0.5), "street": (6, pytest.approx(5 / 6))}


def test_labels_the_model_does_not_know_are_left_out(samples: list[Sample]) -> None:
    two = known(tuple((row[0], row[1]) for row in ROWS), LABELS[:2])
    assert len(evaluate(two, samples).samples) == 7
    with pytest.raises(DataError, match=r"none of these pictures has a label the model knows \(mask, no_mask\)"):
        evaluate(two, samples[7:])


def test_more_pictures_than_one_batch_keep_their_order(samples: list[Sample]) -> None:
    many = evaluate(known(), samples * 20)
    assert len(many.samples) == 160
    assert (many.confusion == 20 * evaluate(known(), samples).confusion).all()


def test_table_text(report: Report) -> None:
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


def test_table_leaves_out_labels_without_pictures_and_a_lone_source(samples: list[Sample]) -> None:
    text = table(evaluate(known(), samples[:6]))
    assert "source" not in text
    assert not any(line.startswith("not_face") for line in text.splitlines())


def test_summary_has_the_tables_figures(report: Report) -> None:
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


def test_compare_text(samples: list[Sample]) -> None:
    """The other model, of two labels, gets both mistakes right and pictures 0 and 1 wrong."""
    rows = tuple((0.2, 0.8) if n in (0, 1, 3, 4, 5, 6) else (0.9, 0.1) for n in range(8))
    lines = compare(known(), known(rows, LABELS[:2], "other"), samples).splitlines()
    assert lines[0] == "7 pictures"
    assert lines[1].split() == ["known@01234567", "other@01234567"]
    figures = {line[:28].strip(): line[28:].split() for line in lines[2:]}
    assert figures["accuracy"] == [f"{5 / 7:.4f}", f"{5 / 7:.4f}"]
    assert figures["mask recall"] == ["0.6667", "0.3333"]
    assert figures["no_mask precision"] == ["0.7500", "0.6667"]
    assert figures["source street"] == ["0.8333", "0.6667"] and figures["source room"] == ["0.0000", "1.0000"]
    assert figures["only this one is right"] == ["2", "2"]


def test_charts_report_and_mistakes_are_written(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    files = pictures(report, tmp_path / "new" / "out")
    assert [path.name for path in files] == ["report.json", "confusion.png", "threshold.png", "mistakes.jpg"]
    assert json.loads(files[0].read_text("utf-8")) == summary(report)
    for path in files[1:]:
        picture = readable(path)
        assert min(picture.shape[:2]) > 100 and picture.std() > 1


def test_no_mistakes_no_sheet(samples: list[Sample], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    right = [sample for n, sample in enumerate(samples) if n not in (2, 6)]
    written = pictures(evaluate(known(), right), tmp_path)
    assert {path.name for path in written} == {"report.json", "confusion.png", "threshold.png"}


def test_the_sheet_shows_the_surest_mistake_first(samples: list[Sample]) -> None:
    rows = (*ROWS[:2], (0.05, 0.95, 0.0), *ROWS[3:])
    sheet = mistakes(evaluate(known(rows), samples))
    assert sheet is not None and sheet.shape == (146, 256, 3)
    assert (sheet[64, 64, 0], sheet[64, 192, 0]) == (20, 60)  # grey levels of pictures 2 and 6


def test_the_sheet_is_filled_up_in_rows_of_eight(samples: list[Sample]) -> None:
    sheet = mistakes(evaluate(known(), samples * 5), most=9, side=32)
    assert sheet is not None and sheet.shape == (2 * 50, 8 * 32, 3)


def test_threshold_curve_by_hand(report: Report) -> None:
    curve = {round(t, 2): (p, r) for t, p, r in threshold_curve(report).tolist()}
    assert curve[0.5] == (3 / 4, 3 / 4)
    assert curve[0.76] == (1.0, 2 / 4)
    assert curve[0.98] == (1.0, 0.0)  # says it never, so never wrongly


def test_charts_of_a_model_without_no_mask(samples: list[Sample], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    model = known(tuple((row[0], 1 - row[0]) for row in ROWS), ("mask", "not_face"))
    assert pictures(evaluate(model, samples), tmp_path)


@pytest.mark.parametrize(
    ("counts", "part", "number"),
    [
        ({"train": 3, "val": 2, "test": 1}, "test", 2),
        ({"train": 3, "val": 2}, "val", 4),
        ({".": 3}, None, 6),
        ({".": 3, "val": 1}, "val", 2),
    ],
    ids=["test part", "validation part", "no parts", "parts before the rest"],
)
def test_held_out_pictures(tmp_path: Path, counts: dict[str, int], part: str | None, number: int) -> None:
    found = held_out(draw_tree(tmp_path, counts))
    assert {sample.split for sample in found} == {part} and len(found) == number


def test_a_training_part_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only a training part"):
        held_out(draw_tree(tmp_path, {"train": 1}))


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("m.h5", DataError, r"m\.h5: a model is a \.tflite or a \.keras file"),
        ("m.tflite", ModelError, r"model .*m\.tflite is not there"),
        ("m.keras", DataError, r"m\.keras is not there"),
    ],
)
def test_what_is_no_model_is_named(tmp_path: Path, name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_network(tmp_path / name)


def test_the_shipped_model_tells_the_clips_faces_apart(tmp_path: Path) -> None:
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
