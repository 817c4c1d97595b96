"""A folder tree without splits is divided the same way by train, quantize and evaluate, also with --exclude."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny import drawn_face, saved

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

from convert.__main__ import main  # noqa: E402
from convert.data.trees import Sample  # noqa: E402
from convert.evaluation import commands  # noqa: E402
from convert.training import batches, quantize  # noqa: E402

SOURCES = ("office", "station", "street")


def unsplit_tree(root: Path, count: int = 30) -> Path:
    """Writes ``root/source/label/*.png``: three sources with ``count`` pictures of each label."""
    rng = np.random.default_rng(0)
    for source in SOURCES:
        for label in ("mask", "no_mask"):
            for number in range(count):
                saved(drawn_face(label == "mask", rng), root / source / label / f"{number:03d}.png")
    return root


def paths(samples: Sequence[Sample]) -> set[Path]:
    return {sample.path for sample in samples}


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Path]]:
    """Records the pictures that each step reads."""
    record: dict[str, set[Path]] = {}

    def spy(module: Any, name: str, step: str, position: int) -> None:
        function = getattr(module, name)

        def recording(*args: Any, **more: Any) -> Any:
            record.setdefault(step, set()).update(paths(args[position]))
            return function(*args, **more)

        monkeypatch.setattr(module, name, recording)

    spy(batches, "load_enlarged", "trained", 0)
    spy(quantize, "load_enlarged", "calibration", 0)
    spy(quantize, "evaluate", "card", 1)
    spy(commands, "evaluate", "evaluated", 1)
    return record


@pytest.mark.timeout(300)
def test_no_picture_that_measures_the_model_trained_it(used: dict[str, set[Path]], tmp_path: Path) -> None:
    data, keras_file, tflite = unsplit_tree(tmp_path / "data"), tmp_path / "m.keras", tmp_path / "m.tflite"
    words = ("train", data, "--out", keras_file, "--exclude", "street", "--epochs", 1, "--size", 32, "--batch", 32)
    assert main([str(word) for word in words]) == 0
    assert main(["quantize", str(keras_file), "--data", str(data), "--out", str(tflite), "--test", str(data)]) == 0
    for model in (keras_file, tflite):
        assert main(["evaluate", str(model), str(data)]) == 0
    assert used["trained"] and used["calibration"] and used["card"]
    assert used["calibration"] <= used["trained"], "calibration pictures come from the training part"
    assert not used["card"] & used["trained"], "the card's figures are of pictures that were not trained on"
    assert used["evaluated"] and not used["evaluated"] & used["trained"]
    assert not any("street" in path.parts for path in used["trained"] | used["calibration"])
