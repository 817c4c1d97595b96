"""The instructions that a frame takes on a Pi 4, counted by the emulator."""

import json
from pathlib import Path
from typing import Any

import pytest
from arm64.machines import BOOKWORM, DETECTORS, run
from arm64.pi import counter
from support import ROOT

pytestmark = [pytest.mark.arm64, pytest.mark.timeout(1800)]

CLIPS = ROOT.parent / "shared" / "data" / "dev-clips"


def instructions(source: str | Path, detector: str, tmp_path: Path, limit: int = 0) -> dict[str, Any]:
    """Counts the instructions per frame on a Pi 4 by the emulator: the load of this PC does not change them."""
    count = tmp_path / "count"
    plugin = ("-plugin", f"{counter()},into={count}")
    program = Path(__file__).with_name("count_instructions.py")
    output = run(BOOKWORM, program, count, source, detector, str(limit), emulator=plugin)
    figures: dict[str, Any] = json.loads(output)
    figures["mean"] = sum(figures["instructions"]) / len(figures["instructions"])
    print(source, detector, f"{figures['mean'] / 1e6:.2f} M instructions per frame, alerts at {figures['alerts']}")
    return figures


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_frame_of_the_clip_takes_a_pi_4_at_most_40_million_instructions(detector: str, tmp_path: Path) -> None:
    figures = instructions("demo", detector, tmp_path)
    assert len(figures["alerts"]) == 4 and figures["mean"] <= 40e6


def test_a_frame_of_an_empty_doorway_takes_a_pi_4_at_most_3_million_instructions(tmp_path: Path) -> None:
    """The nine seconds include three searches of the whole image."""
    figures = instructions("empty", "haar", tmp_path, 270)
    assert not figures["alerts"] and figures["mean"] <= 3e6


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips (shared/data/dev-clips) are missing")
def test_the_recorded_clips_take_a_pi_4_at_most_40_million_instructions_per_frame(tmp_path: Path) -> None:
    listed = json.loads((CLIPS.parent / "clips.json").read_text())["clips"]
    figures = [
        instructions(CLIPS / name, "haar", tmp_path) for name, clip in listed.items() if clip["alerts"] is not None
    ]
    assert figures and sum(one["mean"] for one in figures) / len(figures) <= 40e6
