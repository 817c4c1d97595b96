"""convert.evaluation.clips: the bundled clip as its own truth, and the arithmetic of right, missed and false."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support import DOOR
from support.tiny import MODEL, run_convert

from convert.data.trees import DataError
from convert.evaluation import clips
from convert.evaluation.clips import Clip, Trial, Watched
from edge.config.schema import Config
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_classifier
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


def outcome(clip: Clip, *times: float) -> clips.Outcome:
    return clips.score(Watched(clip, "plain", []), [alert(time) for time in times])


ONE = Clip(Path("a.mp4"), (1,), ((2.0, 8.0),), ())
NONE = Clip(Path("a.mp4"), (0,), (), ())
MAYBE = Clip(Path("a.mp4"), (0, 1), ((0.0, 0.4),), ((0.4, 3.6),))


@pytest.mark.parametrize(
    ("clip", "times", "right", "missed", "false", "cost"),
    [
        pytest.param(ONE, (2.5,), 1, 0, 0, 0.5, id="told of after half a second"),
        pytest.param(ONE, (), 0, 1, 0, 6.0, id="never told of"),
        pytest.param(ONE, (1.0,), 0, 1, 1, 66.0, id="before anybody was bare"),
        pytest.param(ONE, (2.5, 6.0), 1, 0, 1, 60.5, id="told of twice"),
        pytest.param(NONE, (), 0, 0, 0, 0.0, id="nobody bare, no alert"),
        pytest.param(NONE, (3.0,), 0, 0, 1, 60.0, id="nobody bare, an alert"),
        pytest.param(MAYBE, (), 0, 0, 0, 0.0, id="bare too briefly to have to be told of"),
        pytest.param(MAYBE, (2.0,), 1, 0, 0, 0.0, id="told of while the mask is put on"),
        pytest.param(MAYBE, (2.0, 3.0), 1, 0, 1, 60.0, id="one of two is too many"),
        pytest.param(MAYBE, (8.0,), 0, 0, 1, 60.0, id="told of with the mask on"),
    ],
)
def test_an_alert_is_right_missed_or_false(
    clip: Clip, times: tuple[float, ...], right: int, missed: int, false: int, cost: float
) -> None:
    own = outcome(clip, *times)
    assert (own.right, own.missed, own.false, own.cost) == (right, missed, false, pytest.approx(cost))


def test_the_truth_of_a_clip(tmp_path: Path) -> None:
    (clip,) = clips.read_clips(
        listed(tmp_path, {"alerts": "0 or 1", "people": [{"bare": [0, 1], "transition": [1, 2]}]})
    )
    assert clip == Clip(tmp_path / "door.mp4", (0, 1), ((0.0, 1.0),), ((1.0, 2.0),))
    (tmp_path / "door.mp4").unlink()
    (clip,) = clips.read_clips(listed(tmp_path, {"alerts": None}))
    assert clip.allowed is None


@pytest.mark.parametrize("content", ["", "[]", '{"clips": {"a.mp4": {}}}', '{"clips": {"a.mp4": {"alerts": "few"}}}'])
def test_a_damaged_truth_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clips.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"clips\.json is no list of clips"):
        clips.read_clips(path)


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"videos that are not there: gone\.mp4"):
        clips.read_clips(listed(tmp_path, name="gone.mp4"))


def test_a_stricter_threshold_never_raises_more_alerts_and_the_cheapest_wins() -> None:
    faces = [(n / 10, [Face(Box(100, 100, 180, 180), {"mask": 0.25, "no_mask": 0.75})]) for n in range(90)]
    trials = clips.sweep([Watched(ONE, "plain", faces), Watched(NONE, "plain", faces)], Config())
    assert [trial.false for trial in trials] == sorted((trial.false for trial in trials), reverse=True)
    assert trials[0].false == 2 and trials[-1].false == 0  # somebody who is bare too early, and nobody at all
    assert clips.best(trials, 0.8).threshold > 0.75 and "<" in clips.sweep_table(trials, 0.8)


def test_of_equally_cheap_thresholds_the_default_stays() -> None:
    trials = [Trial(t, 1, 0, 0, 0.3, cost) for t, cost in ((0.6, 9.0), (0.7, 1.0), (0.8, 1.0), (0.9, 1.0), (0.95, 4.0))]
    assert clips.best(trials, 0.8).threshold == 0.8 and clips.best(trials, 0.99).threshold == 0.9
    assert clips.best(trials[:1], 0.8).threshold == 0.6


@pytest.mark.timeout(120)
def test_the_bundled_clip_is_watched_as_the_device_does(tmp_path: Path) -> None:
    (clip,) = clips.read_clips(listed(tmp_path))
    own = Config()
    detector = HaarDetector(own.detect)
    watched = clips.watch(clip, detector, open_classifier(own), own)
    found = clips.score(watched, clips.replay(watched.frames, own))
    assert (found.alerts, found.false, found.missed) == (4, 0, 0)


@pytest.mark.timeout(120)
def test_the_command_prints_and_writes_outcomes_and_thresholds(tmp_path: Path) -> None:
    done = run_convert("evaluate-clips", MODEL, listed(tmp_path), "--sweep", "--out", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["outcomes"][0]["right"] == 4 and len(figures["thresholds"]) == len(clips.THRESHOLDS)
    assert "door.mp4" in done.stdout and "threshold" in done.stdout


@pytest.mark.timeout(120)
def test_the_devices_own_options_can_be_tried(tmp_path: Path) -> None:
    """A door whose zones are elsewhere sees nobody."""
    zone = "detect.zones=[[[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]]"
    done = run_convert("evaluate-clips", MODEL, listed(tmp_path), "--set", zone, "--out", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads((tmp_path / "f.json").read_text())["outcomes"]
    assert (found["alerts"], found["missed"]) == (0, 4)
    done = run_convert("evaluate-clips", MODEL, tmp_path / "clips.json", "--set", "detect.scale_stop=2")
    assert done.returncode == 2 and "did you mean scale_step" in done.stderr


@pytest.mark.timeout(120)
def test_every_picture_can_be_searched(tmp_path: Path) -> None:
    done = run_convert("evaluate-clips", MODEL, listed(tmp_path), "--every-picture", "--out", tmp_path / "f.json")
    figures = json.loads((tmp_path / "f.json").read_text())
    assert done.returncode == 0 and figures["gate"] is False and figures["outcomes"][0]["right"] == 4


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


@pytest.mark.timeout(120)
def test_the_gate_asks_the_configured_policy_who_is_judged(tmp_path: Path) -> None:
    """If nobody is ever judged, the planner looks at everybody more often."""
    (clip,) = clips.read_clips(listed(tmp_path))
    default = Config()
    undecided = replace(default, decide=replace(default.decide, frames=90, window=60.0))
    classifier, detector = open_classifier(default), HaarDetector(default.detect)
    looks = [len(clips.watch(clip, detector, classifier, config).frames) for config in (default, undecided)]
    assert looks[1] > 1.2 * looks[0]
