"""edge.monitor.stats and edge.monitor.machine: states, statistics, and readings of the machine."""

import threading
import time
from collections.abc import Iterator

import pytest
from support import until

from edge.clock import clock_synced
from edge.faces.geometry import Box
from edge.monitor.counting import Uncounted
from edge.monitor.machine import cpu_temperature, resident_mb, throttled
from edge.monitor.stats import Statistics
from edge.mqtt.messages import NOTHING, State, Stats
from edge.people.policy import PersonState
from edge.people.tracker import Track
from edge.record.bias import BIAS
from edge.record.counts import Counts
from edge.record.today import Today


class Door:
    """Statistics, the people at the door (by the keys of their tracks), and what the statistics have published."""

    def __init__(self, stats_every: float = 1e6) -> None:
        self.people: dict[int, PersonState] = {}
        self.published: list[State | Stats] = []
        self.statistics = Statistics(self.published.append, self, stats_every)

    def person_states(self) -> dict[int, PersonState]:
        return self.people

    def alerts_waiting(self) -> int:
        return 7

    def frames_dropped(self) -> int:
        return 3

    def frame(self, **people: PersonState) -> None:
        """Gives one frame with the people; ``p1="mask"`` is a track with the key 1, also one that is ``unknown``."""
        self.people = {int(name[1:]): state for name, state in people.items()}
        tracks = [Track(key, Box(0, 0, 9, 9), 0.0, 0.0, None) for key in self.people]
        self.statistics.frame_done(tracks)

    def state_of(self, **people: PersonState) -> State:
        """Gives frames with these people until a state is published; returns the state."""
        count = len(self.published)

        def is_published() -> bool:
            self.frame(**people)
            return len(self.published) > count

        until(is_published, "a new state", pause=0.01)
        last = self.published[-1]
        assert isinstance(last, State)
        return last


def test_a_state_counts_people_by_what_they_wear() -> None:
    state = Door().state_of(p1="mask", p2="no_mask", p3="no_mask", p4="unknown", p5="incorrect_mask")
    assert (state.no_mask, state.people, state.mask, state.no_mask_count) == ("ON", 4, 1, 2)


def test_people_with_masks_leave_no_mask_off() -> None:
    assert Door().state_of(p1="mask").no_mask == "OFF"


def test_people_who_are_not_judged_yet_change_no_state() -> None:
    door = Door()
    door.frame(p1="unknown")
    door.frame()
    assert door.published == [State()], "only the first state"


def test_a_state_is_published_once_and_a_change_after_at_least_one_second() -> None:
    door, start = Door(), time.monotonic()
    assert door.state_of(p1="no_mask").no_mask == "ON"
    door.frame(p1="no_mask")
    assert len(door.published) == 1
    assert door.state_of().no_mask == "OFF"
    assert time.monotonic() - start >= 1.0


def test_today_s_sums_count_each_person_once() -> None:
    door = Door()
    for _ in range(5):
        door.frame(p1="mask", p2="unknown")
    for _ in range(5):
        door.frame(p1="mask", p2="no_mask")
    door.statistics.alert()
    door.frame(p1="no_mask")
    door.frame()
    state = door.state_of(p3="mask")
    assert state.today == NOTHING | {"people": 3, "mask": 2, "no_mask": 1, "alerts": 1}


@pytest.fixture
def midnight(monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """A time zone in which the local day ends in 2 seconds; gives when, in Unix time."""
    ends = int(time.time()) + 3
    east = -ends % 86400
    with monkeypatch.context() as patch:
        patch.setenv("TZ", f"XXX-{east // 3600:02}:{east // 60 % 60:02}:{east % 60:02}")
        time.tzset()
        yield ends
    time.tzset()


@pytest.mark.parametrize("sign", ["frames", "alert", "nobody", "tick"])
def test_today_s_sums_begin_again_at_midnight_whatever_is_seen_then(midnight: float, sign: str) -> None:
    door = Door()
    assert door.state_of(p1="mask").today["people"] == 1
    door.statistics.alert()
    until(lambda: time.time() > midnight, "it is midnight", 10)
    after = dict(NOTHING)
    if sign == "alert":  # the first frame of the new day has an alert
        door.statistics.alert()
        after["alerts"] = 1
    if sign in ("frames", "alert"):
        assert door.state_of(p1="mask").today == after
    elif sign == "nobody":
        door.statistics.nobody()
    else:  # the camera sees nothing, and gives no frame
        door.statistics.tick()
        door.statistics.tick()
        assert len(door.published) == 2
    assert isinstance(last := door.published[-1], State) and last.today == after


def test_today_s_sums_go_on_after_a_restart() -> None:
    class Kept(Uncounted):
        detector = "haar"

        def today(self) -> Today:
            return Today(Counts(people=29, mask=20, no_mask=8, incorrect_mask=1, alerts=2))

    door = Door()
    door.statistics = Statistics(door.published.append, door, tally=Kept())
    before = door.state_of().today
    assert before["mask_share"] is None and before["note"] is None, "no share below 30 people"
    assert door.state_of(p1="mask").today == {
        "people": 30, "mask": 21, "no_mask": 8, "incorrect_mask": 1, "unsure": 0, "alerts": 2, "note": BIAS,
        "mask_share": {"value": 0.7, "low": 0.521, "high": 0.833},
    }  # fmt: skip


def test_a_published_state_does_not_change() -> None:
    door = Door()
    first = door.state_of(p1="mask")
    for _ in range(3):
        door.statistics.alert()
        door.frame(p1="mask", p2="mask")
    assert first.today == NOTHING | {"people": 1, "mask": 1}


def test_statistics_of_five_frames() -> None:
    door = Door()
    for _ in range(5):
        door.frame()
        threading.Event().wait(0.002)
    stats = door.statistics.stats()
    assert (stats.frames, stats.dropped, stats.outbox) == (5, 3, 7)
    assert 0 < stats.fps <= 500
    assert stats.rss_mb > 10 and stats.uptime_s >= 0
    assert stats.clock_synced is clock_synced()
    assert (stats.detect_ms, stats.classify_ms, stats.latency_ms) == (0, 0, 0)


def test_statistics_before_the_first_frame() -> None:
    stats = Door().statistics.stats()
    assert (stats.fps, stats.frames) == (0.0, 0)


def test_statistics_are_published_at_their_interval() -> None:
    door = Door(stats_every=0)
    door.frame()
    door.frame()
    assert [type(message) for message in door.published] == [State, Stats, Stats]


def test_the_last_state_counts_nobody() -> None:
    door = Door()
    door.frame(p1="no_mask")
    door.statistics.nobody()
    assert (door.published[-1].no_mask, door.published[-1].people) == ("OFF", 0)


def test_timed_measures_and_passes_arguments_and_result() -> None:
    door = Door()

    def work(a: int, *, b: int) -> int:
        end = time.perf_counter() + 0.005
        while time.perf_counter() < end:
            pass
        return a + b

    assert door.statistics.timed("detect", work)(1, b=2) == 3
    door.statistics.timed("classify", work)(1, b=2)
    stats = door.statistics.stats()
    assert stats.detect_ms >= 5 and stats.classify_ms >= 5
    assert stats.latency_ms == pytest.approx(stats.detect_ms + stats.classify_ms, abs=0.02)


def test_timed_passes_exceptions_and_measures_their_time() -> None:
    door = Door()

    def fail() -> None:
        end = time.perf_counter() + 0.002
        while time.perf_counter() < end:
            pass
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        door.statistics.timed("detect", fail)()
    assert door.statistics.stats().detect_ms >= 2


def test_readings_of_the_machine_are_plausible_or_none() -> None:
    temperature = cpu_temperature()
    assert temperature is None or -40 < temperature < 150
    assert throttled() in (None, True, False)
    assert 10 < resident_mb() < 100_000
