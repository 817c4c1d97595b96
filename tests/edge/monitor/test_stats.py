import threading
import time

import pytest

from edge.faces.geometry import Box
from edge.monitor.machine import cpu_temperature, resident_mb, throttled
from edge.monitor.stats import Statistics
from edge.mqtt.messages import State, Stats
from edge.people.policy import PersonState
from edge.people.tracker import Track

PATIENCE = 30.0


class Door:
    """A report, who stands at the door (key: what they count as), and what the report has said."""

    def __init__(self, stats_every: float = 1e6) -> None:
        self.people: dict[int, PersonState] = {}
        self.said: list[State | Stats] = []
        self.report = Statistics(self.said.append, self, stats_every)

    def person_states(self) -> dict[int, PersonState]:
        return self.people

    def alerts_waiting(self) -> int:
        return 7

    def frames_dropped(self) -> int:
        return 3

    def frame(self, **people: PersonState) -> None:
        """One frame with the people given as ``p1="mask"``; those in ``unknown`` count, too."""
        self.people = {int(name[1:]): state for name, state in people.items()}
        tracks = [Track(key, Box(0, 0, 9, 9), 0.0, 0.0, None) for key in self.people]
        self.report.frame_done(tracks)

    def state_of(self, **people: PersonState) -> State:
        """The next state said while these people stand there."""
        deadline, count = time.monotonic() + PATIENCE, len(self.said)
        while len(self.said) == count:
            assert time.monotonic() < deadline, "no state was said"
            self.frame(**people)
            threading.Event().wait(0.01)
        last = self.said[-1]
        assert isinstance(last, State)
        return last


def test_who_is_there() -> None:
    state = Door().state_of(p1="mask", p2="no_mask", p3="no_mask", p4="unknown", p5="incorrect_mask")
    assert (state.no_mask, state.people, state.mask, state.no_mask_count) == ("ON", 4, 1, 2)


def test_masked_people_leave_it_off() -> None:
    assert Door().state_of(p1="mask").no_mask == "OFF"


def test_who_is_not_judged_yet_is_no_news() -> None:
    door = Door()
    door.frame(p1="unknown")
    door.frame()
    assert door.said == [State()], "the first state, and nothing after it"


def test_the_same_state_is_said_once_and_a_change_after_a_second_at_the_earliest() -> None:
    door, start = Door(), time.monotonic()
    assert door.state_of(p1="no_mask").no_mask == "ON"
    door.frame(p1="no_mask")
    assert len(door.said) == 1
    assert door.state_of().no_mask == "OFF"
    assert time.monotonic() - start >= 1.0


def test_today_s_sums_count_each_person_once() -> None:
    door = Door()
    for _ in range(5):
        door.frame(p1="mask", p2="unknown")
    for _ in range(5):
        door.frame(p1="mask", p2="no_mask")
    door.report.alert()
    door.frame(p1="no_mask")
    door.frame()
    state = door.state_of(p3="mask")
    assert state.today == {"people": 3, "mask": 2, "alerts": 1}


def test_a_state_that_was_said_does_not_change_afterwards() -> None:
    door = Door()
    first = door.state_of(p1="mask")
    for _ in range(3):
        door.report.alert()
        door.frame(p1="mask", p2="mask")
    assert first.today == {"people": 1, "mask": 1, "alerts": 0}


def test_statistics() -> None:
    door = Door()
    for _ in range(5):
        door.frame()
        threading.Event().wait(0.002)
    stats = door.report.stats()
    assert (stats.frames, stats.dropped, stats.outbox) == (5, 3, 7)
    assert 0 < stats.fps <= 500
    assert stats.rss_mb > 10 and stats.uptime_s >= 0
    assert (stats.detect_ms, stats.classify_ms, stats.latency_ms) == (0, 0, 0)


def test_statistics_before_the_first_frame() -> None:
    stats = Door().report.stats()
    assert (stats.fps, stats.frames) == (0.0, 0)


def test_statistics_are_said_at_their_interval() -> None:
    door = Door(stats_every=0)
    door.frame()
    door.frame()
    assert [type(message) for message in door.said] == [State, Stats, Stats]


def test_the_last_state_says_that_nobody_is_there() -> None:
    door = Door()
    door.frame(p1="no_mask")
    door.report.nobody()
    assert (door.said[-1].no_mask, door.said[-1].people) == ("OFF", 0)


def test_timed_measures_and_passes_through() -> None:
    door = Door()

    def work(a: int, *, b: int) -> int:
        end = time.perf_counter() + 0.005
        while time.perf_counter() < end:
            pass
        return a + b

    assert door.report.timed("detect", work)(1, b=2) == 3
    door.report.timed("classify", work)(1, b=2)
    stats = door.report.stats()
    assert stats.detect_ms >= 5 and stats.classify_ms >= 5
    assert stats.latency_ms == pytest.approx(stats.detect_ms + stats.classify_ms, abs=0.02)


def test_timed_lets_failures_through_and_counts_their_time() -> None:
    door = Door()

    def fail() -> None:
        end = time.perf_counter() + 0.002
        while time.perf_counter() < end:
            pass
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        door.report.timed("detect", fail)()
    assert door.report.stats().detect_ms >= 2


def test_what_the_machine_tells_is_plausible_or_none() -> None:
    temperature = cpu_temperature()
    assert temperature is None or -40 < temperature < 150
    assert throttled() in (None, True, False)
    assert 10 < resident_mb() < 100_000
