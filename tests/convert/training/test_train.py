"""convert.training.train: the files that training writes, checkpoints and errors, by real, short trainings."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import ROOT
from support.tiny import RECIPE, convert_command, draw_tree, readable, run_convert, tiny_tree, trained

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

from dataclasses import replace  # noqa: E402

from convert.data.splits import held_out  # noqa: E402
from convert.data.trees import Sample, read_tree  # noqa: E402
from convert.errors import DataError  # noqa: E402
from convert.evaluation.crops import evaluate  # noqa: E402
from convert.evaluation.networks import KerasNetwork  # noqa: E402
from convert.training.recipe import Recipe  # noqa: E402
from convert.training.train import train  # noqa: E402


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return read_tree(tiny_tree(tmp_path_factory))


@pytest.mark.timeout(240)
def test_training_writes_the_network_its_labels_and_its_curves(tmp_path_factory: pytest.TempPathFactory) -> None:
    out = trained(tmp_path_factory)
    about = json.loads(out.with_suffix(".labels.json").read_text("utf-8"))
    assert about["labels"] == ["mask", "no_mask"]
    assert about["recipe"]["arch"] == "lean" and about["recipe"]["epochs"] == 2
    assert about["data"] == {
        "train": {"tiny-data": {"mask": 96, "no_mask": 96}},
        "val": {"tiny-data": {"mask": 8, "no_mask": 8}},
    }
    assert len(about["history"]) == 2
    assert set(about["history"][0]) >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert readable(out.with_suffix(".png")).std() > 1
    assert not out.with_suffix(".part").exists()


@pytest.mark.timeout(240)
def test_evaluate_opens_the_trained_network(tmp_path_factory: pytest.TempPathFactory) -> None:
    network = KerasNetwork(trained(tmp_path_factory))
    report = evaluate(network, held_out(tiny_tree(tmp_path_factory)))
    assert network.card.size == 96 and network.card.exposure == "face" and len(report.samples) == 16


@pytest.mark.timeout(240)
def test_training_lowers_the_loss(samples: list[Sample], tmp_path: Path) -> None:
    lines: list[str] = []
    out = train(samples, replace(RECIPE, epochs=3), tmp_path / "three.keras", lines.append)
    history = json.loads(out.with_suffix(".labels.json").read_text("utf-8"))["history"]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert "192 training pictures, 16 validation pictures" in lines[0]
    assert [line.split()[1] for line in lines[1:]] == [f"{n}/3" for n in range(1, 4)]


@pytest.mark.timeout(240)
def test_training_stops_early_without_gain(samples: list[Sample], tmp_path: Path) -> None:
    lines: list[str] = []
    recipe = Recipe(epochs=50, batch=64, patience=1, rate=1e3)  # the loss cannot fall at such a rate
    out = train(samples, recipe, tmp_path / "short.keras", lines.append)
    history = json.loads(out.with_suffix(".labels.json").read_text("utf-8"))["history"]
    assert len(history) < 50 and lines[-1] == "training stopped early: no lower validation loss in 1 epochs"


@pytest.mark.timeout(300)
def test_after_ctrl_c_the_same_command_resumes_after_the_last_printed_epoch(
    samples: list[Sample], tmp_path: Path
) -> None:
    data, out = draw_tree(tmp_path / "data", {"train": 8, "val": 4}), tmp_path / "model.keras"
    words = ("train", data, "--out", out, "--epochs", "3", "--batch", "8", "--seed", "4")
    with subprocess.Popen(
        convert_command(*words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: (
            signal.signal(signal.SIGINT, signal.SIG_DFL) and None
        ),  # children of some shells ignore Ctrl-C
    ) as process:
        assert process.stdout and process.stderr
        for line in process.stdout:
            if line.startswith("epoch   1/3"):
                process.send_signal(signal.SIGINT)
                break
        errors = process.stderr.read()
    assert process.returncode == 130, errors
    assert errors.strip().endswith("stopped; the same command resumes after the last finished epoch")
    assert "Traceback" not in errors
    assert not out.exists()

    again = run_convert(*words)
    assert again.returncode == 0, again.stderr
    epochs = [line[:11] for line in again.stdout.splitlines() if line.startswith("epoch")]
    assert epochs == ["epoch   2/3", "epoch   3/3"]
    history = json.loads(out.with_suffix(".labels.json").read_text("utf-8"))["history"]
    assert len(history) == 3 and f"{history[0]['loss']:.4f}" in line
    assert out.exists() and not out.with_suffix(".part").exists()


def unfinished(out: Path, recipe: Recipe, labels: list[str]) -> Path:
    """Writes the state of a training that was stopped after one epoch, without its networks."""
    part = out.with_suffix(".part")
    part.mkdir()
    fields = {name: getattr(recipe, name) for name in Recipe.__slots__}
    epoch = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
    (part / "state.json").write_text(json.dumps({"recipe": fields, "labels": labels, "history": [epoch]}), "utf-8")
    return part


@pytest.mark.parametrize(
    ("other", "labels"),
    [
        (replace(RECIPE, arch="article"), ["mask", "no_mask"]),
        (replace(RECIPE, seed=1), ["mask", "no_mask"]),
        (replace(RECIPE, rate=1e-4), ["mask", "no_mask"]),
        (replace(RECIPE, subset=8), ["mask", "no_mask"]),
        (RECIPE, ["mask", "no_mask", "not_face"]),
    ],
    ids=["architecture", "seed", "rate", "subset", "labels"],
)
def test_the_checkpoint_of_another_recipe_is_kept(
    samples: list[Sample], tmp_path: Path, other: Recipe, labels: list[str]
) -> None:
    out = tmp_path / "model.keras"
    part = unfinished(out, other, labels)
    before = (part / "state.json").read_bytes()
    with pytest.raises(DataError, match=r"model\.part holds another unfinished training.*delete it or choose"):
        train(samples, RECIPE, out)
    assert (part / "state.json").read_bytes() == before and not out.exists()


def test_the_error_names_a_damaged_checkpoint(samples: list[Sample], tmp_path: Path) -> None:
    part = unfinished(tmp_path / "model.keras", RECIPE, ["mask", "no_mask"])
    (part / "state.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"model\.part"):
        train(samples, RECIPE, tmp_path / "model.keras")


@pytest.mark.timeout(240)
def test_subset_limits_the_training_pictures(samples: list[Sample], tmp_path: Path) -> None:
    lines: list[str] = []
    out = train(samples, replace(RECIPE, epochs=1, subset=16), tmp_path / "few.keras", lines.append)
    about = json.loads(out.with_suffix(".labels.json").read_text("utf-8"))
    assert lines[0] == "lean, labels mask, no_mask: 16 training pictures, 4 validation pictures"
    assert about["data"] == {
        "train": {"tiny-data": {"mask": 8, "no_mask": 8}},
        "val": {"tiny-data": {"mask": 2, "no_mask": 2}},
    }


MISSING = {
    "one label only": (lambda s: s.label == "mask", "at least two labels; DATA has mask"),
    "no pictures": (lambda s: False, "at least two labels; DATA has none"),
    "none to train on": (lambda s: s.label == "mask" or s.split != "train", "no no_mask pictures in the train split"),
    "none to validate": (lambda s: s.label == "mask" or s.split != "val", "no no_mask pictures in the val split"),
    "a test part only": (lambda s: s.split == "test", "train and val pictures of at least two labels"),
}


@pytest.mark.parametrize(("keep", "message"), list(MISSING.values()), ids=list(MISSING))
def test_the_error_names_a_missing_label_and_nothing_is_written(
    samples: list[Sample], tmp_path: Path, keep: Callable[[Sample], bool], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        train([s for s in samples if keep(s)], RECIPE, tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def test_a_subset_without_validation_pictures_of_a_label_is_refused(samples: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pictures in the val split; add some or use a larger --subset"):
        train(samples, replace(RECIPE, subset=4), tmp_path / "model.keras")


@pytest.mark.timeout(240)
def test_training_can_start_from_a_trained_network(samples: list[Sample], tmp_path: Path) -> None:
    """At a rate near 0 the weights stay as in the first network."""
    first = train(samples, replace(RECIPE, epochs=1), tmp_path / "first.keras")
    second = train(
        samples, replace(RECIPE, epochs=1, rate=1e-9, init=str(first), clean=1.0, seed=7), tmp_path / "second.keras"
    )
    import keras

    a, b = (keras.models.load_model(path).get_layer("scores").get_weights()[0] for path in (first, second))
    assert np.allclose(a, b, atol=1e-5)


def test_training_cannot_start_from_a_network_of_another_shape(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "other.keras").write_bytes(b"no network")
    with pytest.raises(DataError, match="is not a lean network with 2 labels"):
        train(samples, replace(RECIPE, init=str(tmp_path / "other.keras")), tmp_path / "m.keras")
