"""convert.evaluation.bench_chart: the chart, and the errors for files that cannot be read or written."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.tiny import readable, run_convert

pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")

from convert.errors import DataError  # noqa: E402
from convert.evaluation.bench_chart import draw_scale  # noqa: E402

ROW = {"cpu_ms_a_picture": 2.5, "cpu_ms_a_second": 37.5, "searched": 0.3}
SCALE = {"faces": {"0": ROW, "30": ROW}, "resolution": {"640x480": ROW}, "fps": {"15": ROW}}


def test_three_panels_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps({"scale": SCALE}))
    done = run_convert("bench-chart", tmp_path / "f.json", "--out", tmp_path / "f.png")
    assert done.returncode == 0, done.stderr
    assert readable(tmp_path / "f.png").std() > 10


@pytest.mark.parametrize("content", ["", "[]", '{"clips": []}', '{"scale": {"faces": {}}}', '{"scale": 3}'])
def test_the_error_names_a_file_without_figures(content: Any, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(content)
    with pytest.raises(DataError, match="f.json has no figures of bench .*`maskwatch bench --scale"):
        draw_scale(tmp_path / "f.json", tmp_path / "f.png")


def test_the_error_names_a_missing_file_and_an_unwritable_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone.json cannot be read"):
        draw_scale(tmp_path / "gone.json", tmp_path / "f.png")
    (tmp_path / "f.json").write_text(json.dumps({"scale": SCALE}))
    with pytest.raises(DataError, match="cannot be written"):
        draw_scale(tmp_path / "f.json", tmp_path / "nowhere" / "f.png")
