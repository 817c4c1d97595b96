"""edge.monitor.counting: each person counts once, as what they counted as first."""

from edge.monitor.counting import CountedAs, Counting
from edge.people.policy import PersonState


def counted(*frames: dict[int, PersonState]) -> list[CountedAs]:
    """Gives frames with the people who are there; returns who was counted."""
    counting, found = Counting(), []
    for states in frames:
        found += counting.update(states.keys(), states)
    return found


def test_a_person_counts_once_and_as_the_first_judgement() -> None:
    assert counted({1: "unknown"}, {1: "no_mask"}, {1: "mask"}, {1: "no_mask"}, {}) == ["no_mask"]
    assert counted({1: "mask", 2: "incorrect_mask"}, {2: "incorrect_mask"}, {3: "mask"}) == [
        "mask",
        "incorrect_mask",
        "mask",
    ]


def test_a_person_who_leaves_undecided_is_unsure() -> None:
    assert counted({1: "unsure"}, {1: "unsure"}, {}, {}) == ["unsure"]
    assert counted({1: "unsure"}, {1: "mask"}, {}) == ["mask"]


def test_somebody_without_evidence_is_nobody() -> None:
    assert counted({1: "unknown"}, {1: "unknown"}, {}) == []


def test_people_who_are_not_judged_for_a_while_are_not_counted_again() -> None:
    """While watching is paused, the tracks stay and no state is given."""
    counting = Counting()
    assert counting.update({1}, {1: "mask"}) == ["mask"]
    assert counting.update({1}, {}) == []
    assert counting.update({1}, {1: "mask"}) == []
