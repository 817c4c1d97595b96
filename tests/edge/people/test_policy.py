"""Tests what causes an alert, on stories at 10 frames per second with one letter per frame.

``b`` bare, ``m`` masked, ``i`` mask worn incorrectly, ``s`` one or the other fault, ``?`` undecided, ``.`` present
but not found, space: absent.
"""

from collections.abc import Mapping

import pytest

from edge.config.schema import DecideConfig
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.people.policy import Alert, Policy
from edge.people.tracker import Track

SEEN: Mapping[str, dict[str, float]] = {
    "b": {"mask": 0.02, "no_mask": 0.95, "incorrect_mask": 0.03},
    "m": {"mask": 0.95, "no_mask": 0.03, "incorrect_mask": 0.02},
    "i": {"mask": 0.03, "no_mask": 0.02, "incorrect_mask": 0.95},
    "s": {"mask": 0.10, "no_mask": 0.50, "incorrect_mask": 0.40},
    "?": {"mask": 0.45, "no_mask": 0.50, "incorrect_mask": 0.05},
}
NO_COOL_DOWN = DecideConfig(cool_down=0)


def alerts_of(*stories: str, rules: DecideConfig = NO_COOL_DOWN, policy: Policy | None = None) -> list[Alert]:
    """Returns the alerts of people who appear together; each story is one person."""
    policy = policy or Policy(rules)
    alerts: list[Alert] = []
    for frame in range(max(map(len, stories))):
        now = frame / 10
        tracks = []
        for key, story in enumerate(stories, 1):
            letter = story[frame : frame + 1].strip()
            if letter:
                box = Box(100 * key, 50, 100 * key + 80, 130)
                first = (len(story) - len(story.lstrip())) / 10
                tracks.append(Track(key, box, first, now, Face(box, SEEN[letter]) if letter in SEEN else None))
        alerts += policy.update(tracks, now)
    return alerts


def events(alerts: list[Alert]) -> list[tuple[int, str]]:
    """Returns (frame, event type) of each alert."""
    return [(round(alert.time * 10), alert.event_type) for alert in alerts]


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param("bbbb", [(3, "no_mask")], id="enough evidence"),
        pytest.param("bbb", [], id="one sighting short"),
        pytest.param("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", [(3, "no_mask")], id="one alert however long"),
        pytest.param("mmmmmmmmmmmmmmm", [], id="masked"),
        pytest.param("???????????????", [], id="undecided"),
        pytest.param("...............", [], id="never found"),
        pytest.param("b.b.b.b.b", [(6, "no_mask")], id="found every other frame"),
        pytest.param("b........b........b........b", [], id="sightings too far apart"),
        pytest.param("mmmmmmbmmmmmm", [], id="one wrong picture in between"),
        pytest.param("bbbbbb??????????bbbbbb", [(3, "no_mask")], id="hysteresis: indecision opens no new episode"),
        pytest.param("bbbbbb" + "." * 20 + "bbbbbb", [(3, "no_mask")], id="a long gap opens no new episode"),
        pytest.param("bbbbbb" + "m" * 12 + "b" * 12, [(3, "no_mask"), (26, "no_mask")], id="masked, then bare again"),
        pytest.param("mmmmmm" + "b" * 12, [(14, "no_mask")], id="takes the mask off"),
        pytest.param("iiiiii", [(3, "incorrect_mask")], id="worn incorrectly"),
        pytest.param("ssssss", [(3, "no_mask")], id="evidence split between two faults is evidence of a fault"),
        pytest.param("bbbbbb" + "i" * 14, [(3, "no_mask")], id="from bare to wrong is the same episode"),
        pytest.param("iiiiii" + "b" * 14, [(3, "incorrect_mask")], id="from wrong to bare is the same episode"),
        pytest.param("iiiiii" + "m" * 12 + "b" * 12, [(3, "incorrect_mask"), (26, "no_mask")], id="mask in between"),
    ],
)
def test_one_person(story: str, expected: list[tuple[int, str]]) -> None:
    assert events(alerts_of(story)) == expected


@pytest.mark.parametrize(
    ("rules", "story", "expected"),
    [
        pytest.param(DecideConfig(frames=1, seconds=0), "b", [0], id="a single sighting is enough"),
        pytest.param(DecideConfig(frames=8), "b" * 12, [7], id="more sightings"),
        pytest.param(DecideConfig(seconds=0.8), "b" * 12, [8], id="over a longer time"),
        pytest.param(DecideConfig(threshold=0.99), "b" * 20, [], id="below the threshold"),
        pytest.param(
            DecideConfig(persistence=0.3, frames=2), "b.....b.....b.....b", [], id="flicker below persistence"
        ),
        pytest.param(DecideConfig(persistence=0, frames=2), "b.....b.....b", [6], id="flicker with persistence off"),
        pytest.param(
            DecideConfig(cool_down=5),
            "b" * 5 + "m" * 12 + "b" * 40,
            [3, 53],
            id="the second episode waits for the cool-down",
        ),
        pytest.param(
            DecideConfig(cool_down=5),
            "b" * 5 + "m" * 12 + "b" * 12 + "m" * 40,
            [3],
            id="masked again before the cool-down",
        ),
    ],
)
def test_rules(rules: DecideConfig, story: str, expected: list[int]) -> None:
    assert [frame for frame, _ in events(alerts_of(story, rules=rules))] == expected


def test_two_people_are_judged_separately() -> None:
    alerts = alerts_of("bbbbbbbb", "mmmmmmmm")
    assert [(alert.track, alert.event_type) for alert in alerts] == [(1, "no_mask")]


def test_two_bare_people_give_two_alerts() -> None:
    assert sorted(alert.track for alert in alerts_of("bbbbbbbb", "    bbbbbbbb")) == [1, 2]


def test_frames_before_a_persons_first_sighting_do_not_count() -> None:
    """Persistence is measured from a person's first sighting on."""
    assert [
        alert.track for alert in alerts_of("mmmmmmmmmmmmmm", "          bbbb", rules=DecideConfig(persistence=1))
    ] == [2]


def test_the_fields_of_an_alert() -> None:
    (alert,) = alerts_of("bbbbbb")
    assert alert == Alert("no_mask", 1, 0.3, pytest.approx(0.98), 4, 0.3, (100, 50, 180, 130))


def test_the_score_is_the_mean_over_the_window() -> None:
    (alert,) = alerts_of("?bbbbbb", rules=DecideConfig(threshold=0.85))
    assert alert.score == pytest.approx((0.55 + 0.98 * (alert.frames - 1)) / alert.frames)
    assert alert.score >= 0.85


def test_states_of_the_people_present() -> None:
    policy = Policy(NO_COOL_DOWN)
    alerts_of("bbbbbb", "mmmmmm", "iiiiii", "??????", policy=policy)
    assert policy.states == {1: "no_mask", 2: "mask", 3: "incorrect_mask", 4: "unsure"}
    policy.update([], 1.0)
    assert policy.states == {}


def test_a_model_with_a_reject_class_is_judged_by_its_other_labels() -> None:
    policy, box = Policy(DecideConfig(frames=1, seconds=0)), Box(0, 0, 80, 80)
    face = Face(box, {"mask": 0.02, "no_mask": 0.49, "not_face": 0.49})
    assert policy.update([Track(1, box, 0.0, 0.0, face)], 0.0) == []
    assert policy.states == {1: "unknown"}


def test_the_same_story_gives_the_same_alerts() -> None:
    story = "bbb?b.bbmmmmmmmmm?mmbbbbbbb.bbbbbb"
    assert alerts_of(story, "  " + story) == alerts_of(story, "  " + story) != []
