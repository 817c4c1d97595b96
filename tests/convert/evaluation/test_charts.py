"""convert.evaluation.charts: the files of a report, the threshold curve, and the contact sheet of mistakes."""

import json
from pathlib import Path

import pytest
from support.known import ROWS, known
from support.tiny import readable

from convert.data.trees import Sample
from convert.evaluation.charts import mistakes, threshold_curve, write_report
from convert.evaluation.crops import CropReport, evaluate, summary


def test_report_charts_and_contact_sheet_are_written(report: CropReport, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    files = write_report(report, tmp_path / "new" / "out")
    assert [path.name for path in files] == ["report.json", "confusion.png", "threshold.png", "mistakes.jpg"]
    assert json.loads(files[0].read_text("utf-8")) == summary(report)
    for path in files[1:]:
        picture = readable(path)
        assert min(picture.shape[:2]) > 100 and picture.std() > 1


def test_without_mistakes_there_is_no_contact_sheet(samples: list[Sample], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    right = [sample for n, sample in enumerate(samples) if n not in (2, 6)]
    written = write_report(evaluate(known(), right), tmp_path)
    assert {path.name for path in written} == {"report.json", "confusion.png", "threshold.png"}


def test_the_contact_sheet_begins_with_the_mistake_of_highest_confidence(samples: list[Sample]) -> None:
    rows = (*ROWS[:2], (0.05, 0.95, 0.0), *ROWS[3:])
    sheet = mistakes(evaluate(known(rows), samples))
    assert sheet is not None and sheet.shape == (146, 256, 3)
    assert (sheet[64, 64, 0], sheet[64, 192, 0]) == (20, 60)  # grey levels of pictures 2 and 6


def test_the_contact_sheet_has_rows_of_eight(samples: list[Sample]) -> None:
    sheet = mistakes(evaluate(known(), samples * 5), most=9, side=32)
    assert sheet is not None and sheet.shape == (2 * 50, 8 * 32, 3)


def test_threshold_curve_by_hand(report: CropReport) -> None:
    curve = {round(t, 2): (p, r) for t, p, r in threshold_curve(report).tolist()}
    assert curve[0.5] == (3 / 4, 3 / 4)
    assert curve[0.76] == (1.0, 2 / 4)
    assert curve[0.98] == (1.0, 0.0)  # never answered, so never wrong


def test_charts_of_a_model_without_no_mask(samples: list[Sample], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    model = known(tuple((row[0], 1 - row[0]) for row in ROWS), ("mask", "not_face"))
    assert write_report(evaluate(model, samples), tmp_path)
