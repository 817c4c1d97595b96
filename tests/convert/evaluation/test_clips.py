"""convert.evaluation.clips and clip_report: alerts on the bundled clip, how they count, and what --set reaches."""

import json
from pathlib import Path

import pytest
from support import DOOR
from support.tiny import MODEL, run_convert

from convert.errors import DataError
from convert.evaluation import clip_report, clips
from convert.evaluation.clip_report import ThresholdTrial
from convert.evaluation.clips import Clip, ClipFaces
from convert.evaluation.device import DeviceParts, configure, open_parts
from edge.config.schema import Config
from edge.errors import ConfigError
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.people.policy import Alert

ENTRY = {
    "alerts": 4,
    "people": [{"bare": [0.0, 40.0]}, {"bare": [0.0, 40.0]}, {"bare": [0.0, 40.0]}, {"bare": [0, 40]}],
}


def listed(folder: Path, entry: object = ENTRY, name: str = "door.mp4") -> Path:
    (folder / "door.mp4").symlink_to(DOOR)
    path = folder / "clips.json"
    path.write_text(json.dumps({"clips": {name: entry}}))
    return path


def alert(time: float) -> Alert:
    return Alert("no_mask", 1, time, 0.9, 4, 0.3, (0, 0, 9, 9))


def outcome(clip: Clip, *times: float) -> clip_report.ClipOutcome:
    return clip_report.score_clip(ClipFaces(clip, "plain", []), [alert(time) for time in times])


ONE = Clip(Path("a.mp4"), (1,), ((2.0, 8.0),), ())
NONE = Clip(Path("a.mp4"), (0,), (), ())
MAYBE = Clip(Path("a.mp4"), (0, 1), ((0.0, 0.4),), ((0.4, 3.6),))


@pytest.mark.parametrize(
    ("clip", "times", "right", "missed", "false", "cost"),
    [
        pytest.param(ONE, (2.5,), 1, 0, 0, 0.5, id="reported after half a second"),
        pytest.param(ONE, (), 0, 1, 0, 6.0, id="never reported"),
        pytest.param(ONE, (1.0,), 0, 1, 1, 66.0, id="an alert before anybody is bare"),
        pytest.param(ONE, (2.5, 6.0), 1, 0, 1, 60.5, id="reported twice"),
        pytest.param(NONE, (), 0, 0, 0, 0.0, id="no alert, nobody bare"),
        pytest.param(NONE, (3.0,), 0, 0, 1, 60.0, id="an alert, nobody bare"),
        pytest.param(MAYBE, (), 0, 0, 0, 0.0, id="bare too briefly for an alert"),
        pytest.param(MAYBE, (2.0,), 1, 0, 0, 0.0, id="reported while the mask is put on"),
        pytest.param(MAYBE, (2.0, 3.0), 1, 0, 1, 60.0, id="one alert of two is false"),
        pytest.param(MAYBE, (8.0,), 0, 0, 1, 60.0, id="reported with the mask on"),
    ],
)
def test_alerts_are_counted_as_right_missed_or_false(
    clip: Clip, times: tuple[float, ...], right: int, missed: int, false: int, cost: float
) -> None:
    scored = outcome(clip, *times)
    assert (scored.right, scored.missed, scored.false, scored.cost) == (right, missed, false, pytest.approx(cost))


def test_the_truth_of_a_clip_is_read(tmp_path: Path) -> None:
    (clip,) = clips.read_clips(
        listed(tmp_path, {"alerts": "0 or 1", "people": [{"bare": [0, 1], "transition": [1, 2]}]})
    )
    assert clip == Clip(tmp_path / "door.mp4", (0, 1), ((0.0, 1.0),), ((1.0, 2.0),))
    (tmp_path / "door.mp4").unlink()
    (clip,) = clips.read_clips(listed(tmp_path, {"alerts": None}))
    assert clip.expected is None


@pytest.mark.parametrize("content", ["", "[]", '{"clips": {"a.mp4": {}}}', '{"clips": {"a.mp4": {"alerts": "few"}}}'])
def test_the_error_names_a_damaged_truth(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clips.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"clips\.json is not a clips\.json"):
        clips.read_clips(path)


def test_the_error_names_a_missing_video(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"videos that do not exist: gone\.mp4"):
        clips.read_clips(listed(tmp_path, name="gone.mp4"))


def test_a_higher_threshold_raises_fewer_alerts_and_the_cheapest_is_chosen() -> None:
    faces = [(n / 10, [Face(Box(100, 100, 180, 180), {"mask": 0.25, "no_mask": 0.75})]) for n in range(90)]
    trials = clip_report.sweep_thresholds([ClipFaces(ONE, "plain", faces), ClipFaces(NONE, "plain", faces)], Config())
    assert [trial.false for trial in trials] == sorted((trial.false for trial in trials), reverse=True)
    assert trials[0].false == 2 and trials[-1].false == 0  # somebody who is bare too early, and nobody at all
    assert clip_report.cheapest(trials, 0.8).threshold > 0.75 and "<" in clip_report.sweep_table(trials, 0.8)


def test_among_equally_cheap_thresholds_the_configured_one_is_chosen() -> None:
    trials = [
        ThresholdTrial(t, 1, 0, 0, 0.3, cost)
        for t, cost in ((0.6, 9.0), (0.7, 1.0), (0.8, 1.0), (0.9, 1.0), (0.95, 4.0))
    ]
    assert clip_report.cheapest(trials, 0.8).threshold == 0.8 and clip_report.cheapest(trials, 0.99).threshold == 0.9
    assert clip_report.cheapest(trials[:1], 0.8).threshold == 0.6


SECTIONS = {"source", "detect", "classify", "track", "decide"}


def parts_with(*assignments: str) -> DeviceParts:
    """Detector and classifier with some options set, as ``evaluate-clips --set`` opens them."""
    return open_parts(configure("haar", Config().detect.min_face, list(assignments), SECTIONS), MODEL)


def scored_with(clip: Clip, assignments: list[str]) -> clip_report.ClipOutcome:
    device = parts_with(*assignments)
    faces = clips.detect_clip(clip, device)
    return clip_report.score_clip(faces, clips.raise_alerts(faces, device.config))


@pytest.mark.timeout(120)
def test_the_bundled_clip_gives_the_alerts_of_the_device(tmp_path: Path) -> None:
    (clip,) = clips.read_clips(listed(tmp_path))
    scored = scored_with(clip, [])
    assert (scored.alerts, scored.false, scored.missed) == (4, 0, 0)


@pytest.mark.timeout(120)
def test_the_command_prints_and_writes_outcomes_and_thresholds(tmp_path: Path) -> None:
    done = run_convert("evaluate-clips", MODEL, listed(tmp_path), "--sweep", "--out", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["outcomes"][0]["right"] == 4 and len(figures["thresholds"]) == len(clip_report.THRESHOLDS)
    assert "door.mp4" in done.stdout and "threshold" in done.stdout


@pytest.mark.timeout(120)
def test_options_of_the_detector_can_be_set(tmp_path: Path) -> None:
    """With a zone where nobody walks, nobody is detected."""
    zone = "detect.zones=[[[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]]"
    done = run_convert("evaluate-clips", MODEL, listed(tmp_path), "--set", zone, "--out", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    (written,) = json.loads((tmp_path / "f.json").read_text())["outcomes"]
    assert (written["alerts"], written["missed"]) == (0, 4)
    done = run_convert("evaluate-clips", MODEL, tmp_path / "clips.json", "--set", "detect.scale_stop=2")
    assert done.returncode == 2 and "did you mean scale_step" in done.stderr


@pytest.mark.timeout(120)
def test_the_gate_can_be_switched_off(tmp_path: Path) -> None:
    done = run_convert("evaluate-clips", MODEL, listed(tmp_path), "--every-picture", "--out", tmp_path / "f.json")
    figures = json.loads((tmp_path / "f.json").read_text())
    assert done.returncode == 0 and figures["gate"] is False and figures["outcomes"][0]["right"] == 4


def gap(seconds: float) -> ClipFaces:
    """A bare face that is detected for two seconds, is not detected for a while, and is detected again."""
    face = [Face(Box(100, 100, 180, 180), {"mask": 0.05, "no_mask": 0.95})]
    times = [n / 10 for n in range(20)] + [2 + seconds + n / 10 for n in range(20)]
    return ClipFaces(ONE, "plain", [(time, face) for time in times])


@pytest.mark.parametrize(("assignment", "alerts"), [("track.forget=3", 1), ("track.forget=0.5", 2)])
def test_the_trackers_options_decide_who_is_a_new_person(assignment: str, alerts: int) -> None:
    config = configure("haar", 48, [assignment], SECTIONS)
    assert len(clips.raise_alerts(gap(1.0), config)) == alerts
    (trial,) = clip_report.sweep_thresholds([gap(1.0)], config, [0.8])
    assert trial.right + trial.false == alerts


@pytest.mark.parametrize(("assignment", "alerts"), [("decide.frames=4", 1), ("decide.frames=40", 0)])
def test_the_policys_options_decide_what_is_an_alert(assignment: str, alerts: int) -> None:
    config = configure("haar", 48, [assignment, "decide.window=3", "decide.persistence=0"], SECTIONS)
    assert len(clips.raise_alerts(gap(1.0), config)) == alerts


@pytest.mark.timeout(120)
def test_the_planner_follows_the_policys_and_trackers_options(tmp_path: Path) -> None:
    """If nobody is ever judged, the planner looks at everybody more often."""
    (clip,) = clips.read_clips(listed(tmp_path))
    default, undecided = (
        clips.detect_clip(clip, parts_with(*assignments))
        for assignments in ([], ["decide.frames=90", "decide.window=60"])
    )
    assert len(undecided.frames) > 1.2 * len(default.frames)
    forgetful = clips.detect_clip(clip, parts_with("track.forget=0.1"))
    assert len(forgetful.frames) != len(default.frames)


@pytest.mark.timeout(120)
def test_the_reject_threshold_reaches_the_classifier(tmp_path: Path) -> None:
    (clip,) = clips.read_clips(listed(tmp_path))
    assert scored_with(clip, ["classify.reject=0.01"]).alerts < scored_with(clip, ["classify.reject=1"]).alerts


@pytest.mark.timeout(120)
def test_the_source_is_turned(tmp_path: Path) -> None:
    (clip,) = clips.read_clips(listed(tmp_path))
    assert scored_with(clip, ["source.rotate=90"]).alerts == 0


@pytest.mark.parametrize(
    ("assignment", "fault"),
    [
        ("mqtt.host=broker", r"does not use \[mqtt\]; it uses classify, decide, detect, source, track"),
        ("classify.model=other.tflite", "classify.model has no effect here: the argument MODEL"),
        ("source.repeat=true", "source.repeat has no effect here"),
    ],
)
def test_an_option_that_has_no_effect_is_refused(assignment: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        configure("haar", 48, [assignment], SECTIONS)


@pytest.mark.timeout(120)
def test_the_command_gives_the_options_to_tracker_and_policy(tmp_path: Path) -> None:
    """A policy that needs too many sightings raises no alert. A tracker that forgets at once sees new people."""
    outcomes = []
    for assignments in (["decide.frames=90", "decide.window=60"], ["track.forget=0.1"]):
        words = [word for assignment in assignments for word in ("--set", assignment)]
        clips_json = tmp_path / "clips.json" if outcomes else listed(tmp_path)
        done = run_convert("evaluate-clips", MODEL, clips_json, *words, "--out", tmp_path / "f.json")
        assert done.returncode == 0, done.stderr
        outcomes.append(json.loads((tmp_path / "f.json").read_text())["outcomes"][0])
    assert outcomes[0]["alerts"] == 0 and outcomes[1]["alerts"] > 4
