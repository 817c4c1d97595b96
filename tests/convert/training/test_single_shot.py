"""convert.training.single_shot: size and shape of the network, and that bench can measure it."""

from pathlib import Path

import pytest
from support.tiny import run_convert

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

from convert.training.single_shot import single_shot  # noqa: E402
from edge.bench.rivals import SingleShot  # noqa: E402
from edge.faces.tflite import load_interpreter  # noqa: E402


def test_the_network_has_a_million_weights_and_5972_anchors() -> None:
    network = single_shot()
    assert network.count_params() == pytest.approx(1.01e6, rel=0.02)
    assert [tuple(output.shape) for output in network.outputs] == [(None, 5972, 4), (None, 5972, 2)]


def test_bench_accepts_the_written_file(tmp_path: Path) -> None:
    done = run_convert("single-shot", "--out", tmp_path / "shot.tflite")
    assert done.returncode == 0 and "random weights" in done.stdout, done.stderr
    assert (tmp_path / "shot.tflite").stat().st_size > 4e6, "the file holds the weights"
    network, _ = load_interpreter((tmp_path / "shot.tflite").read_bytes(), 1, "rival")
    assert tuple(network.get_input_details()[0]["shape"]) == (1, 260, 260, 3)
    assert SingleShot(tmp_path / "shot.tflite").name == "shot"


def test_the_error_names_an_unwritable_path(tmp_path: Path) -> None:
    done = run_convert("single-shot", "--out", tmp_path / "nowhere" / "shot.tflite")
    assert done.returncode == 2 and "cannot be written" in done.stderr
