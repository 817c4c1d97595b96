"""convert.evaluation.scenes: from a list of boxed faces to shares with intervals, on frames of the bundled clip."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.tiny import MODEL, door_faces, door_frames, run_convert, saved

from convert.data.trees import DataError
from convert.evaluation.intervals import Share
from convert.evaluation.scene_report import SceneReport, summary, table
from convert.evaluation.scenes import Looked, Scene, Seen, Truth, detections, judge, read_scenes
from edge.config.schema import Config, DetectConfig
from edge.faces.geometry import Box
from edge.faces.opening import open_classifier
from edge.faces.yunet import YuNetDetector

HEAD = "file\tsource\tlabel\tx0\ty0\tx1\ty1\n"
BARE = {"mask": 0.02, "no_mask": 0.9, "incorrect_mask": 0.05, "not_face": 0.03}
MASKED = {"mask": 0.9, "no_mask": 0.02, "incorrect_mask": 0.05, "not_face": 0.03}
NOTHING = {"mask": 0.1, "no_mask": 0.1, "incorrect_mask": 0.1, "not_face": 0.7}


def listed(folder: Path, every: int = 20) -> Path:
    """Whole frames of the clip with every visible face listed, moving masks as ``ignore``."""
    lines, known = [HEAD], {(frame, box): label for frame, label, box in door_faces()}
    for frame in sorted({frame for frame, _, _ in door_faces()})[::every]:
        saved(door_frames()[frame], folder / f"{frame}.png")
        own = {box: label for (number, box), label in known.items() if number == frame}
        lines += [f"{frame}.png\tdoor\t{label}\t" + "\t".join(map(str, box)) + "\n" for box, label in own.items()]
    path = folder / "scenes.tsv"
    path.write_text("".join(lines))
    return path


def test_rows_of_one_picture_make_one_scene(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    path.write_text(
        HEAD + "a.jpg\tstreet\tmask\t1\t2\t50\t60\na.jpg\tstreet\tignore\t0\t0\t9\t9\nb.jpg\troom\tbare\t1\t1\t5\t5\n"
    )
    first, second = read_scenes(path)
    assert first == Scene(
        tmp_path / "a.jpg", "street", (Truth("mask", Box(1, 2, 50, 60)), Truth("ignore", Box(0, 0, 9, 9)))
    )
    assert (second.source, second.faces[0].label, first.faces[0].side) == ("room", "no_mask", 49)


@pytest.mark.parametrize(
    "row", ["a.jpg\ts\tmask", "a.jpg\ts\tcat\t1\t2\t3\t4", "a.jpg\ts\tmask\t1\t2\tx\t4", "a.jpg\ts\tmask\t5\t5\t5\t9"]
)
def test_a_fault_names_the_file_and_the_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "s.tsv"
    path.write_text(HEAD + row + "\n")
    with pytest.raises(DataError, match=r"s\.tsv, line 2: expected file, source, label"):
        read_scenes(path)


@pytest.mark.parametrize("content", [None, HEAD])
def test_no_list_and_an_empty_list_are_told(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "s.tsv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="s.tsv"):
        read_scenes(path)


@pytest.mark.parametrize("how", ["plain", "mirrored"])
def test_faces_of_the_clip_are_found_and_told_apart(tmp_path: Path, how: str) -> None:
    """Mirrored too: boxes come back to where the truth has them."""
    classifier = open_classifier(Config())
    scenes = read_scenes(listed(tmp_path))
    report = SceneReport(
        [judge(d, classifier) for d in detections(scenes, YuNetDetector(DetectConfig(min_face=40)), how)]
    )
    assert report.of("no_mask", lambda call: call == "no_mask").value > 0.8
    assert report.of("mask", lambda call: call is not None).value > 0.8
    assert report.of("mask", lambda call: call == "no_mask").value < 0.2


def looked(*faces: tuple[str, int, dict[str, float] | None], strays: tuple[dict[str, float], ...] = ()) -> Looked:
    seen = [
        Seen(Truth(label, Box(0, 0, side, side)), answer, None if answer is None else 90.0)
        for label, side, answer in faces
    ]
    return Looked("x", tuple(seen), strays)


def test_the_report_counts_what_became_of_each_face() -> None:
    report = SceneReport(
        [
            looked(("no_mask", 50, BARE), ("no_mask", 120, None), ("mask", 50, MASKED), strays=(BARE, NOTHING)),
            looked(("no_mask", 50, NOTHING), ("mask", 50, BARE)),
        ]
    )
    assert report.of("no_mask", lambda call: call is not None).value == pytest.approx(2 / 3)
    assert report.of("no_mask", lambda call: call == "no_mask").value == pytest.approx(1 / 3)
    assert report.of("no_mask", lambda call: call is None, (100, 10**6)).value == 1
    assert report.binary().value == pytest.approx(2 / 3) and report.binary().cases == 3
    assert report.false_faces(lambda call: call == "no_mask").value == 0.5
    assert report.rejected().value == 0.5 and report.lost().value == pytest.approx(1 / 4)
    assert report.f1() == {"mask": pytest.approx(2 / 3), "no_mask": pytest.approx(2 / 3)}
    assert summary(report)["bare_found"]["of"] == 3 and "called no_mask" in table(report, "t")


def test_a_report_on_nothing_found_has_no_figures_but_stands() -> None:
    report = SceneReport([looked(("mask", 50, None))])
    assert report.calibration_error() == 0 and report.f1() == {} and "-" in table(report, "t")


def test_an_interval_covers_the_value_and_narrows_with_more_pictures() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for count in (50, 5000):
        share = Share(np.stack([rng.random(count) < 0.9, np.ones(count)], axis=1).astype(float))
        low, high = share.interval
        assert low <= share.value <= high and 0.85 < share.value < 0.97
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


def test_faces_of_one_picture_are_no_independent_cases() -> None:
    alone = Share(np.array([[1, 1], [0, 1]] * 100, float))
    together = Share(np.array([[10, 10], [0, 10]] * 10, float))
    spread = [high - low for low, high in (alone.interval, together.interval)]
    assert alone.cases == together.cases and spread[1] > 2 * spread[0]


def test_bands_of_brightness_part_the_faces() -> None:
    faces = [
        Seen(Truth("no_mask", Box(0, 0, 50, 50)), BARE if luma > 30 else MASKED, float(luma)) for luma in range(100)
    ]
    shares = [share.value for _, share in SceneReport([Looked("x", tuple(faces), ())]).by_luma()]
    assert shares == [0.0, pytest.approx(0.76, abs=0.02), 1.0, 1.0]


@pytest.mark.parametrize(("kind", "label"), [("mask", "mask"), ("chin", "incorrect_mask"), ("hand", "no_mask")])
def test_what_is_drawn_on_bare_faces_becomes_the_truth(tmp_path: Path, kind: str, label: str) -> None:
    scenes = read_scenes(listed(tmp_path))
    bare = sum(face.label == "no_mask" for scene in scenes for face in scene.faces)
    found = list(detections(scenes, YuNetDetector(DetectConfig(min_face=40)), drawing=kind))
    labels = [face.label for one in found for face in one.scene.faces]
    assert set(labels) == {label, "ignore"} and 0.7 * bare < labels.count(label) <= bare
    plain = detections(scenes, YuNetDetector(DetectConfig(min_face=40)))
    both = [one.crops[:1] for each in (found, plain) for one in each]
    small = [[cv2.resize(part, (16, 16)).astype(int) for part in parts] for parts in both]
    pairs = zip(small[: len(scenes)], small[len(scenes) :], strict=True)
    assert any(np.abs(a[0] - b[0]).mean() > 3 for a, b in pairs if a and b)


@pytest.mark.timeout(120)
def test_the_command_prints_a_table_and_writes_the_figures(tmp_path: Path) -> None:
    more = ("--detector", "yunet", "--condition", "plain", "dim", "--out", tmp_path / "f.json")
    done = run_convert("evaluate-scenes", MODEL, listed(tmp_path, every=40), *more)
    assert done.returncode == 0, done.stderr
    assert "called no_mask" in done.stdout and '"dim"' in (tmp_path / "f.json").read_text()
