"""convert.evaluation.model_card: blocks are made from the figures, and the text around them is kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.tiny import readable

pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")

from convert.errors import DataError  # noqa: E402
from convert.evaluation.card_blocks import BLOCKS  # noqa: E402
from convert.evaluation.model_card import renew  # noqa: E402

FIGURES = ROOT / "models" / "figures"


def share(value: float) -> dict[str, Any]:
    return {"value": value, "interval": [value - 0.02, min(1.0, value + 0.02)], "of": 100}


SHARES = ("bare_found", "bare_called_bare", "masked_found", "masked_called_bare", "incorrect_called_bare",
          "incorrect_called_incorrect", "false_bare_a_picture", "false_a_picture", "false_rejected",
          "true_rejected")  # fmt: skip
SEEN: dict[str, Any] = {key: share(0.9) for key in SHARES}
SEEN |= {"binary": {"street": share(0.98)}, "f1": {"street": {"mask": 0.97}}}
SEEN |= {"by_luma": [{"to": 80.0, **share(0.9)}] * 4}
SEEN |= {"called": {"mask": {call: share(0.91) for call in ("mask", "no_mask", "incorrect_mask", "not_face")}}}
SEEN |= {"calibration_error": 0.02, "detect_ms": 7.4}
TRIAL = {"threshold": 0.8, "right": 1, "missed": 0, "false": 0, "mean_delay": 0.3, "cost": 1.5}
OUTCOME = {"clip": "a.mp4", "how": "plain", "right": 2, "missed": 0, "false": 1, "delays": [0.4], "missed_s": 0.4}
ONE: dict[str, Any] = {
    "scenes-haar": {"model": "mask@1234", "detector": "haar", "conditions": {"plain": SEEN}},
    "scenes-drawn": {"model": "mask@1", "detector": "haar", "drawing": "mask", "conditions": {"plain": SEEN}},
    "clips-haar": {"model": "mask@1234", "detector": "haar", "outcomes": [OUTCOME], "thresholds": [TRIAL]},
    "leave-one-out": {"sources": {"street": {"faces": 9, "binary": share(0.95), "f1": {"mask": 0.9},
                                             "rejected": share(0.01), "calibration_error": 0.03}}},
    "search": {"sources": {"shipped": {"bytes": 90_000, "multiply_adds": 7_300_000, "milliseconds": 0.3,
                                       "held_out": {"street": {"binary": share(0.96)}}}}},
}  # fmt: skip


def figures(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir()
    for name, values in content.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    return folder


def page(path: Path, *names: str) -> Path:
    path.write_text("before\n" + "".join(f"<!-- {name} -->\nstale\n<!-- /{name} -->\nbetween\n" for name in names))
    return path


def test_every_block_is_replaced_and_the_text_is_kept(tmp_path: Path) -> None:
    readme = page(tmp_path / "README.md", *BLOCKS)
    written = renew(figures(tmp_path / "f", ONE), readme)
    text = readme.read_text()
    assert "stale" not in text and text.count("between") == len(BLOCKS) and text.startswith("before\n")
    for figure in (
        "0.900 (0.880 to 0.920)",
        "mask, haar, plain",
        "0.98",
        "0.950",
        "7.3",
        "0.40",
        "| 0.80 | 1.5 | 1.5 |",
    ):
        assert figure in text, figure
    assert {path.name for path in written} == {"README.md", "scenes.png", "leave-one-out.png"}
    assert all(readable(path).std() > 1 for path in written if path.suffix == ".png")
    before = readme.read_text()
    renew(tmp_path / "f", readme)
    assert readme.read_text() == before


@pytest.mark.parametrize(
    ("blocks", "content", "text"),
    [
        pytest.param((), ONE, "has no blocks; blocks may be scenes", id="a page without blocks"),
        pytest.param(("nonsense",), ONE, r"unknown blocks \(nonsense\)", id="an unknown block"),
        pytest.param(("search",), {"scenes-haar": ONE["scenes-haar"]}, "lacks figures for the block search", id="none"),
        pytest.param(("scenes",), {"scenes-x": {"model": "a"}}, "lacks figures for the block scenes", id="damaged"),
        pytest.param(("scenes",), {}, "has no figures", id="an empty folder"),
    ],
)
def test_the_error_names_what_is_missing_and_nothing_is_written(
    tmp_path: Path, blocks: tuple[str, ...], content: dict[str, Any], text: str
) -> None:
    readme = page(tmp_path / "README.md", *blocks)
    before = readme.read_text()
    with pytest.raises(DataError, match=text):
        renew(figures(tmp_path / "f", content), readme)
    assert readme.read_text() == before


def test_the_error_names_a_block_without_an_end(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- search -->\n")
    with pytest.raises(DataError, match="has no end"):
        renew(figures(tmp_path / "f", ONE), readme)


def test_the_shipped_card_has_the_shipped_figures(tmp_path: Path) -> None:
    shipped = ROOT / "models" / "README.md"
    copy = tmp_path / "README.md"
    copy.write_text(shipped.read_text("utf-8"), "utf-8")
    renew(FIGURES, copy)
    assert copy.read_text("utf-8") == shipped.read_text("utf-8")
