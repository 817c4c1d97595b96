"""convert.training.experiments: real, short trainings on drawn faces, measured on a source that is left out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.tiny import RECIPE, draw_tree, drawn_face, saved

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

from convert.data.splits import DRAWN_SUFFIX  # noqa: E402
from convert.data.trees import Sample  # noqa: E402
from convert.errors import DataError  # noqa: E402
from convert.evaluation.crops import CropReport  # noqa: E402
from convert.training.experiments import face_samples, leave_one_out, measure, search  # noqa: E402
from edge.faces.card import Card  # noqa: E402

SHORT = replace(RECIPE, epochs=1, size=48)


def two_sources(root: Path) -> Path:
    """Writes ``root/split/{street,office,street-drawn}/label/*.png``."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("val", 6)):
        for source in ("street", "office"):
            for label in ("mask", "no_mask"):
                for number in range(count):
                    path = root / split / source / label / f"{source}{number}-1.png"
                    saved(drawn_face(label == "mask", rng), path)
    saved(drawn_face(True, rng), root / "train" / f"street{DRAWN_SUFFIX}" / "mask" / "street0-2.png")
    return root


@pytest.mark.timeout(300)
def test_each_source_is_left_out_once_and_a_stopped_run_resumes(tmp_path: Path) -> None:
    data, out, lines = two_sources(tmp_path / "data"), tmp_path / "figures" / "loo.json", list[str]()
    figures = leave_one_out(data, SHORT, out, ("mask", "no_mask"), lines.append)
    assert set(figures["sources"]) == {"street", "office"} and json.loads(out.read_text()) == figures
    about = json.loads((out.parent / "without-street.labels.json").read_text())
    assert set(about["data"]["train"]) == {"office"}, "drawings on a source's faces belong to that source"
    street = figures["sources"]["street"]
    assert street["faces"] == 60 and street["binary"]["of"] == 60 and 0 <= street["binary"]["value"] <= 1

    del figures["sources"]["office"]  # as if the run was stopped in between
    out.write_text(json.dumps(figures))
    lines.clear()
    assert set(leave_one_out(data, SHORT, out, ("mask", "no_mask"), lines.append)["sources"]) == {"street", "office"}
    assert not any(text.startswith("epoch") or "street" in text for text in lines), "finished sources are not repeated"


@pytest.mark.timeout(300)
def test_search_measures_every_shape_on_the_held_out_source(tmp_path: Path) -> None:
    data, out = two_sources(tmp_path / "data"), tmp_path / "search.json"
    recipe = replace(SHORT, exclude=("office",))
    shapes: dict[str, dict[str, object]] = {"full": {"size": 48}, "small": {"size": 48, "width": 0.5, "colour": "luma"}}
    figures = search(data, recipe, out, ("mask", "no_mask"), lambda text: None, shapes)["sources"]
    full, small = figures["full"], figures["small"]
    assert small["multiply_adds"] < full["multiply_adds"] and small["bytes"] < full["bytes"]
    assert set(full["held_out"]) == {"office"} and full["milliseconds"] > 0
    assert json.loads((tmp_path / "shape-1.json").read_text())["input"]["colour"] == "luma"


def test_search_needs_sources_that_exist(tmp_path: Path) -> None:
    data = two_sources(tmp_path / "data")
    for exclude in ((), ("nowhere",)):
        with pytest.raises(DataError, match="--held-out needs sources of"):
            search(data, replace(SHORT, exclude=exclude), tmp_path / "s.json", ("mask", "no_mask"))


def test_one_source_cannot_be_left_out(tmp_path: Path) -> None:
    data = draw_tree(tmp_path / "data", {"train": 2, "val": 2})
    with pytest.raises(DataError, match="one source only"):
        leave_one_out(data, SHORT, tmp_path / "x.json", ("mask", "no_mask"))


def test_figures_of_another_recipe_are_refused(tmp_path: Path) -> None:
    data, out = two_sources(tmp_path / "data"), tmp_path / "x.json"
    out.write_text('{"recipe": {"epochs": 99}, "sources": {}}')
    with pytest.raises(DataError, match="figures of another recipe"):
        leave_one_out(data, SHORT, out, ("mask", "no_mask"))


def test_both_faults_count_as_not_masked_and_photos_are_the_unit() -> None:
    samples = [
        Sample(Path(f"photo{n}-{copy}.jpg"), label, "s")
        for n, label in enumerate(("mask", "no_mask", "incorrect_mask"))
        for copy in (1, 2)
    ]
    card = Card("x", ("mask", "no_mask", "incorrect_mask", "not_face"), 64, "rgb", "")
    rows = [(0.9, 0.1, 0, 0), (0.45, 0.3, 0.25, 0), (0.1, 0.4, 0.5, 0), (0.1, 0.1, 0.1, 0.7)] + [(0.8, 0.1, 0.1, 0)] * 2
    figures = measure(CropReport(card, samples, np.array(rows, np.float32)))
    assert figures["faces"] == 6 and figures["binary"]["of"] == 4, "incorrect masks do not count"
    assert figures["binary"]["value"] == 0.75 and figures["rejected"]["value"] == pytest.approx(1 / 6, abs=1e-4)
    assert [s.label for s in face_samples([*samples, Sample(Path("a"), "not_face", "s")], "s")].count("not_face") == 0
