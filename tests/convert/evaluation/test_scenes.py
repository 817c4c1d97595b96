"""convert.evaluation.scenes: from a list of boxed faces to shares with intervals, on frames of the bundled clip."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.tiny import MODEL, door_faces, door_frames, run_convert, saved

from convert.errors import DataError
from convert.evaluation.intervals import Share
from convert.evaluation.scene_report import SceneReport, detected, labelled, summary
from convert.evaluation.scene_table import table
from convert.evaluation.scenes import (
    FaceResult,
    LabelledFace,
    LabelledScene,
    SceneResult,
    classify_scene,
    detect_scenes,
    read_scenes,
)
from edge.config.schema import ClassifyConfig, Config, DetectConfig
from edge.faces.geometry import Box
from edge.faces.opening import open_classifier, open_detector

REJECT = ClassifyConfig().reject
YUNET = DetectConfig(detector="yunet", min_face=40)
HEAD = "file\tsource\tlabel\tx0\ty0\tx1\ty1\n"
BARE = {"mask": 0.02, "no_mask": 0.9, "incorrect_mask": 0.05, "not_face": 0.03}
MASKED = {"mask": 0.9, "no_mask": 0.02, "incorrect_mask": 0.05, "not_face": 0.03}
NOTHING = {"mask": 0.1, "no_mask": 0.1, "incorrect_mask": 0.1, "not_face": 0.7}


def listed(folder: Path, every: int = 20) -> Path:
    """Writes frames of the clip and a list of their faces without the faces whose mask moves."""
    lines, known = [HEAD], {(frame, box): label for frame, label, box in door_faces()}
    for frame in sorted({frame for frame, _, _ in door_faces()})[::every]:
        saved(door_frames()[frame], folder / f"{frame}.png")
        faces = {box: label for (number, box), label in known.items() if number == frame}
        lines += [f"{frame}.png\tdoor\t{label}\t" + "\t".join(map(str, box)) + "\n" for box, label in faces.items()]
    path = folder / "scenes.tsv"
    path.write_text("".join(lines))
    return path


def test_rows_of_one_picture_make_one_scene(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    path.write_text(
        HEAD + "a.jpg\tstreet\tmask\t1\t2\t50\t60\na.jpg\tstreet\tignore\t0\t0\t9\t9\nb.jpg\troom\tbare\t1\t1\t5\t5\n"
    )
    first, second = read_scenes(path)
    assert first == LabelledScene(
        tmp_path / "a.jpg", "street", (LabelledFace("mask", Box(1, 2, 50, 60)), LabelledFace("ignore", Box(0, 0, 9, 9)))
    )
    assert (second.source, second.faces[0].label, first.faces[0].side) == ("room", "no_mask", 49)


@pytest.mark.parametrize(
    "row", ["a.jpg\ts\tmask", "a.jpg\ts\tcat\t1\t2\t3\t4", "a.jpg\ts\tmask\t1\t2\tx\t4", "a.jpg\ts\tmask\t5\t5\t5\t9"]
)
def test_the_error_names_the_file_and_the_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "s.tsv"
    path.write_text(HEAD + row + "\n")
    with pytest.raises(DataError, match=r"s\.tsv, line 2: expected file, source, label"):
        read_scenes(path)


@pytest.mark.parametrize("content", [None, HEAD])
def test_the_error_names_a_missing_and_an_empty_list(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "s.tsv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="s.tsv"):
        read_scenes(path)


@pytest.mark.parametrize("how", ["plain", "mirrored"])
def test_faces_of_the_clip_are_detected_and_classified(tmp_path: Path, how: str) -> None:
    """With the condition mirrored, the boxes are mirrored back to where the truth has them."""
    classifier = open_classifier(Config())
    scenes = read_scenes(listed(tmp_path))
    results = [classify_scene(one, classifier) for one in detect_scenes(scenes, open_detector(YUNET), how)]
    report = SceneReport(results, reject=REJECT)
    assert report.label_share("no_mask", labelled("no_mask")).value > 0.8
    assert report.label_share("mask", detected).value > 0.8
    assert report.label_share("mask", labelled("no_mask")).value < 0.2


def result(
    *rows: tuple[str, int, dict[str, float] | None], false_detections: tuple[dict[str, float], ...] = ()
) -> SceneResult:
    faces = [
        FaceResult(LabelledFace(label, Box(0, 0, side, side)), answer, None if answer is None else 90.0)
        for label, side, answer in rows
    ]
    return SceneResult("x", tuple(faces), false_detections)


def test_the_report_counts_what_became_of_each_face() -> None:
    report = SceneReport(
        [
            result(
                ("no_mask", 50, BARE), ("no_mask", 120, None), ("mask", 50, MASKED), false_detections=(BARE, NOTHING)
            ),
            result(("no_mask", 50, NOTHING), ("mask", 50, BARE)),
        ],
        reject=REJECT,
    )
    assert report.label_share("no_mask", detected).value == pytest.approx(2 / 3)
    assert report.label_share("no_mask", labelled("no_mask")).value == pytest.approx(1 / 3)
    assert report.label_share("no_mask", lambda verdict: verdict is None, (100, 10**6)).value == 1
    assert report.binary().value == pytest.approx(2 / 3) and report.binary().cases == 3
    assert report.false_detections(labelled("no_mask")).value == 0.5
    assert report.rejected_false_detections().value == 0.5 and report.rejected_faces().value == pytest.approx(1 / 4)
    assert report.f1() == {"mask": pytest.approx(2 / 3), "no_mask": pytest.approx(2 / 3)}
    assert summary(report)["bare_found"]["of"] == 3 and "called no_mask" in table(report, "t")


def test_a_report_without_detections_has_no_figures() -> None:
    report = SceneReport([result(("mask", 50, None))], reject=REJECT)
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


def test_faces_of_one_picture_are_not_independent() -> None:
    alone = Share(np.array([[1, 1], [0, 1]] * 100, float))
    together = Share(np.array([[10, 10], [0, 10]] * 10, float))
    spread = [high - low for low, high in (alone.interval, together.interval)]
    assert alone.cases == together.cases and spread[1] > 2 * spread[0]


def test_faces_are_divided_into_quarters_by_luma() -> None:
    faces = [
        FaceResult(LabelledFace("no_mask", Box(0, 0, 50, 50)), BARE if luma > 30 else MASKED, float(luma))
        for luma in range(100)
    ]
    shares = [share.value for _, share in SceneReport([SceneResult("x", tuple(faces), ())], reject=REJECT).by_luma()]
    assert shares == [0.0, pytest.approx(0.76, abs=0.02), 1.0, 1.0]


@pytest.mark.parametrize(("kind", "label"), [("mask", "mask"), ("chin", "incorrect_mask"), ("hand", "no_mask")])
def test_a_drawing_on_a_bare_face_gives_its_label(tmp_path: Path, kind: str, label: str) -> None:
    scenes = read_scenes(listed(tmp_path))
    bare = sum(face.label == "no_mask" for scene in scenes for face in scene.faces)
    drawn = list(detect_scenes(scenes, open_detector(YUNET), drawing=kind))
    labels = [face.label for one in drawn for face in one.scene.faces]
    assert set(labels) == {label, "ignore"} and 0.7 * bare < labels.count(label) <= bare
    plain = detect_scenes(scenes, open_detector(YUNET))
    both = [one.crops[:1] for detections in (drawn, plain) for one in detections]
    small = [[cv2.resize(part, (16, 16)).astype(int) for part in parts] for parts in both]
    pairs = zip(small[: len(scenes)], small[len(scenes) :], strict=True)
    assert any(np.abs(a[0] - b[0]).mean() > 3 for a, b in pairs if a and b)


@pytest.mark.timeout(120)
def test_the_command_prints_a_table_and_writes_the_figures(tmp_path: Path) -> None:
    more = ("--detector", "yunet", "--condition", "plain", "dim", "--out", tmp_path / "f.json")
    done = run_convert("evaluate-scenes", MODEL, listed(tmp_path, every=40), *more)
    assert done.returncode == 0, done.stderr
    assert "called no_mask" in done.stdout and '"dim"' in (tmp_path / "f.json").read_text()


@pytest.mark.timeout(120)
def test_options_set_on_the_command_line_reach_the_figures(tmp_path: Path) -> None:
    """A reject threshold of 0.01 rejects some faces, and no face has 400 pixels."""
    scenes, figures = listed(tmp_path, every=20), {}
    for name, assignment in (("default", "classify.reject=0.4"), ("strict", "classify.reject=0.01"),
                             ("large", "detect.min_face=400")):  # fmt: skip
        more = (
            "--set",
            assignment,
            "--detector",
            "yunet",
            "--set",
            "detect.detector=haar",
            "--out",
            tmp_path / f"{name}.json",
        )
        done = run_convert("evaluate-scenes", MODEL, scenes, *more)
        assert done.returncode == 0, done.stderr
        figures[name] = json.loads((tmp_path / f"{name}.json").read_text())
        assert figures[name]["detector"] == "haar"
    rejected = {name: row["conditions"]["plain"]["true_rejected"] for name, row in figures.items()}
    assert rejected["strict"]["value"] > rejected["default"]["value"]
    assert figures["default"]["conditions"]["plain"]["bare_found"]["of"] > 0
    assert figures["large"]["conditions"]["plain"]["bare_found"]["of"] == 0
