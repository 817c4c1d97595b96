"""``evaluate-blur``: what counts as covered, what as blurred for nothing, and its figures on the bundled clip."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.tiny import door_faces, door_frames, run_convert, saved

from convert.evaluation.blur import SceneCover, covered_share, figures, hidden_pixels
from convert.evaluation.scenes import LabelledFace
from edge.config.schema import Config
from edge.faces.geometry import Box
from edge.faces.opening import open_hider

FACE = Box(100, 100, 200, 220)
HEAD = "file\tsource\tlabel\tx0\ty0\tx1\ty1\n"
HALF, HAIR = Box(0, 0, 300, 160), Box(0, 0, 300, 110)


@pytest.mark.parametrize(
    ("hidden", "share"),
    [
        (Box(0, 0, 300, 300), 1.0),
        (Box(120, 124, 180, 196), 1.0),
        (HALF, 0.5),
        (HAIR, 0.0),
    ],
)
def test_the_inner_part_of_a_face_decides(hidden: Box, share: float) -> None:
    mask = np.zeros((300, 300), np.bool_)
    mask[hidden.y0 : hidden.y1, hidden.x0 : hidden.x1] = True
    assert covered_share(mask, FACE) == pytest.approx(share, abs=0.02)


def test_hidden_pixels_are_those_of_the_faces_that_are_known_nowhere_else() -> None:
    assert not hidden_pixels(np.full((200, 300, 3), 90, np.uint8), open_hider(Config())).any()


def test_shares_of_all_faces_and_of_each_group() -> None:
    bare, masked = LabelledFace("no_mask", FACE), LabelledFace("mask", FACE)
    scenes = [
        SceneCover("street", ((bare, 1.0), (masked, 0.89)), 0.1, 0.2),
        SceneCover("room", ((masked, 0.9),), 0.0, 0.1),
    ]
    found = figures(scenes)
    assert found["faces"]["all"] == {"covered": 2, "of": 3}
    assert found["faces"]["street, mask"] == {"covered": 0, "of": 1}
    assert (found["outside_heads"], found["outside_heads_most"], found["outside_boxes"]) == (0.05, 0.1, 0.15)


def test_the_command_on_frames_of_the_clip(tmp_path: Path) -> None:
    out, path, lines = tmp_path / "blur.json", tmp_path / "scenes.tsv", [HEAD]
    for frame in sorted({frame for frame, _, _ in door_faces()})[::20]:
        saved(door_frames()[frame], tmp_path / f"{frame}.png")
        faces = {box: label for number, label, box in door_faces() if number == frame}
        lines += [f"{frame}.png\tdoor\t{label}\t" + "\t".join(map(str, box)) + "\n" for box, label in faces.items()]
    path.write_text("".join(lines))
    done = run_convert("evaluate-blur", path, "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["faces"]["all"]["covered"] == found["faces"]["all"]["of"] >= 5
    assert found["outside_heads"] < 0.02, "little else is blurred"
    assert "covered beyond recognition, all:" in done.stdout


def test_a_list_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    path.write_text(HEAD)
    done = run_convert("evaluate-blur", path)
    assert done.returncode == 2 and f"{path} names no pictures" in done.stderr
