"""Eight pictures of two sources, and the report of a network that gets two of them wrong."""

from pathlib import Path

import numpy as np
import pytest
from support.known import TRUTH, known
from support.tiny import saved

from convert.data.trees import Sample
from convert.evaluation.crops import CropReport, evaluate


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    drawn = []
    for number, label in enumerate(TRUTH):
        picture = np.full((20, 24, 3), 10 * number, np.uint8)
        source = "street" if number < 6 else "room"
        drawn.append(Sample(saved(picture, tmp_path / source / f"{number}.png"), label, source))
    return drawn


@pytest.fixture
def report(samples: list[Sample]) -> CropReport:
    return evaluate(known(), samples)
