"""convert.training.experiments: really trained without a source, really tested on it. Tiny trainings of drawn faces."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.tiny import RECIPE, draw_tree, drawn_face, saved

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

from convert.data.trees import DRAWINGS, DataError, Sample  # noqa: E402
from convert.evaluation.crops import Report  # noqa: E402
from convert.training.experiments import leave_one_out, measure, real, search  # noqa: E402
from edge.faces.card import Card  # noqa: E402

SHORT = replace(RECIPE, epochs=1, size=48)


def two_sources(root: Path) -> Path:
    """``root/split/{street,office,street-drawn}/label/*.png``."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("val", 6)):
        for source in ("street", "office"):
            for label in ("mask", "no_mask"):
                for number in range(count):
                    path = root / split / source / label / f"{source}{number}-1.png"
                    saved(drawn_face(label == "mask", rng), path)
    saved(drawn_face(True, rng), root / "train" / f"street{DRAWINGS}" / "mask" / "street0-2.png")
    return root


@pytest.mark.timeout(300)
def test_each_source_is_left_out_once_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    data, out, said = two_sources(tmp_path / "data"), tmp_path / "figures" / "loo.json", list[str]()
    figures = leave_one_out(data, SHORT, out, ("mask", "no_mask"), said.append)
    assert set(figures["sources"]) == {"street", "office"} and json.loads(out.read_text()) == figures
    about = json.loads((out.parent / "without-street.labels.json").read_text())
    assert set(about["data"]["train"]) == {"office"}, "drawings on a source's faces are of that source"
    street = figures["sources"]["street"]
    assert street["faces"] == 60 and street["binary"]["of"] == 60 and 0 <= street["binary"]["value"] <= 1

    del figures["sources"]["office"]  # as if stopped in between
    out.write_text(json.dumps(figures))
    said.clear()
    assert set(leave_one_out(data, SHORT, out, ("mask", "no_mask"), said.append)["sources"]) == {"street", "office"}
    assert not any(text.startswith("epoch") or "street" in text for text in said), "what was there was not done again"


@pytest.mark.timeout(300)
def test_search_measures_every_shape_on_the_source_held_out(tmp_path: Path) -> None:
    data, out = two_sources(tmp_path / "data"), tmp_path / "search.json"
    recipe = replace(SHORT, exclude=("office",))
    shapes: dict[str, dict[str, object]] = {"own": {"size": 48}, "small": {"size": 48, "width": 0.5, "colour": "luma"}}
    found = search(data, recipe, out, ("mask", "no_mask"), lambda text: None, shapes)["sources"]
    own, small = found["own"], found["small"]
    assert small["multiply_adds"] < own["multiply_adds"] and small["bytes"] < own["bytes"]
    assert set(own["held_out"]) == {"office"} and own["milliseconds"] > 0
    assert json.loads((tmp_path / "shape-1.json").read_text())["input"]["colour"] == "luma"


def test_search_wants_sources_that_are_there(tmp_path: Path) -> None:
    data = two_sources(tmp_path / "data")
    for exclude in ((), ("nowhere",)):
        with pytest.raises(DataError, match="name sources of"):
            search(data, replace(SHORT, exclude=exclude), tmp_path / "s.json", ("mask", "no_mask"))


def test_one_source_cannot_be_left_out(tmp_path: Path) -> None:
    data = draw_tree(tmp_path / "data", {"train": 2, "val": 2})
    with pytest.raises(DataError, match="one source only"):
        leave_one_out(data, SHORT, tmp_path / "x.json", ("mask", "no_mask"))


def test_figures_of_another_recipe_are_not_mixed_in(tmp_path: Path) -> None:
    data, out = two_sources(tmp_path / "data"), tmp_path / "x.json"
    out.write_text('{"recipe": {"epochs": 99}, "sources": {}}')
    with pytest.raises(DataError, match="figures of another recipe"):
        leave_one_out(data, SHORT, out, ("mask", "no_mask"))


def test_the_measure_takes_either_fault_for_not_masked_and_counts_photos() -> None:
    samples = [
        Sample(Path(f"photo{n}-{copy}.jpg"), label, "s")
        for n, label in enumerate(("mask", "no_mask", "incorrect_mask"))
        for copy in (1, 2)
    ]
    card = Card("x", ("mask", "no_mask", "incorrect_mask", "not_face"), 64, "rgb", "")
    rows = [(0.9, 0.1, 0, 0), (0.45, 0.3, 0.25, 0), (0.1, 0.4, 0.5, 0), (0.1, 0.1, 0.1, 0.7)] + [(0.8, 0.1, 0.1, 0)] * 2
    found = measure(Report(card, samples, np.array(rows, np.float32)))
    assert found["faces"] == 6 and found["binary"]["of"] == 4, "worn wrongly is neither"
    assert found["binary"]["value"] == 0.75 and found["rejected"]["value"] == pytest.approx(1 / 6, abs=1e-4)
    assert [s.label for s in real([*samples, Sample(Path("a"), "not_face", "s")], "s")].count("not_face") == 0
