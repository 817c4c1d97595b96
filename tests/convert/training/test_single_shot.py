"""convert.training.single_shot: a network of the size and shape that it stands for, and one that bench can time."""

from pathlib import Path

import pytest
from support.tiny import run_convert

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

from convert.training.single_shot import single_shot  # noqa: E402
from edge.bench.rivals import SingleShot  # noqa: E402
from edge.faces.tflite import load_interpreter  # noqa: E402


def test_it_has_a_million_weights_and_5972_anchors() -> None:
    network = single_shot()
    assert network.count_params() == pytest.approx(1.01e6, rel=0.02)
    assert [tuple(output.shape) for output in network.outputs] == [(None, 5972, 4), (None, 5972, 2)]


def test_the_file_it_writes_is_one_that_bench_takes(tmp_path: Path) -> None:
    done = run_convert("single-shot", "--out", tmp_path / "shot.tflite")
    assert done.returncode == 0 and "random weights" in done.stdout, done.stderr
    assert (tmp_path / "shot.tflite").stat().st_size > 4e6, "its weights are in it"
    network, _ = load_interpreter((tmp_path / "shot.tflite").read_bytes(), 1)
    assert tuple(network.get_input_details()[0]["shape"]) == (1, 260, 260, 3)
    assert SingleShot(tmp_path / "shot.tflite").name == "shot"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    done = run_convert("single-shot", "--out", tmp_path / "nowhere" / "shot.tflite")
    assert done.returncode == 2 and "cannot be written" in done.stderr
