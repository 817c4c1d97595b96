"""The health of the monitor: changes are logged once, and published at most once per second; the last one always is."""

import logging
import re
import sys
import threading
import time

import pytest
from support import until

from edge.monitor.health import PUBLISH_INTERVAL, HealthMonitor
from edge.mqtt.messages import Health

WELL = Health("ok", "m", None)


class RecordingMonitor:
    """A health monitor, what it has published, and when it decided to."""

    def __init__(self, model: str = "m") -> None:
        self.published: list[Health] = []
        self.times: list[float] = []
        self.monitor = HealthMonitor(model, self._record)

    def _record(self, health: Health) -> None:
        self.published.append(health)
        self.times.append(self.monitor._published_at)

    def wait_for(self, count: int) -> list[Health]:
        """Calls ``tick`` often, as the main loop does, until ``count`` messages are published; returns them."""

        def enough() -> bool:
            self.monitor.tick()
            return len(self.published) >= count

        until(enough, lambda: f"{count} messages: {self.published}")
        return self.published


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Levels and texts of the log, without the line about the clock."""
    return [(record.levelname, record.message) for record in caplog.records if "clock" not in record.message]


def test_a_healthy_monitor_publishes_its_health_once() -> None:
    recording = RecordingMonitor()
    recording.wait_for(1)
    for _ in range(50):
        recording.monitor.tick()
    assert recording.published == [WELL]


def test_a_camera_s_condition_and_its_reason_are_published() -> None:
    recording = RecordingMonitor()
    recording.monitor.camera("lost", "/dev/video0: gone")
    assert recording.published == [Health("lost", "m", "camera lost: /dev/video0: gone")]
    recording.monitor.camera("ok")
    assert recording.wait_for(2)[-1] == WELL


def test_changes_are_logged_once_with_their_reason_and_their_duration(caplog: pytest.LogCaptureFixture) -> None:
    recording = RecordingMonitor()
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            recording.monitor.report("broker", "broker lost")
        recording.monitor.report("broker", "broker refuses us")
        for _ in range(5):
            recording.monitor.report("broker", None)
    *problems, (level, recovery) = logged(caplog)
    assert problems == [("ERROR", "broker lost"), ("ERROR", "broker refuses us")]
    assert level == "WARNING" and re.fullmatch(r"broker recovered after \d+ s", recovery)


def test_a_part_without_problem_is_not_reported_as_recovered(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        RecordingMonitor().monitor.report("disk", None)
    assert logged(caplog) == []


def test_several_problems_are_joined_in_the_order_of_their_first_report() -> None:
    monitor = RecordingMonitor().monitor
    monitor.report("disk", "disk full")
    monitor.report("broker", "broker lost")
    monitor.report("disk", "disk full")
    assert monitor.now.problem == "disk full; broker lost", "a repeated report keeps its place"
    monitor.report("disk", None)
    assert monitor.now.problem == "broker lost"


def test_at_most_one_message_per_second_is_published_and_the_last_one_always_is() -> None:
    recording, end, number = RecordingMonitor(), time.monotonic() + 2.5, 0
    while number <= 20 or time.monotonic() < end:
        number += 1
        recording.monitor.report("broker", f"problem {number}")
        time.sleep(0.005)
    recording.monitor.report("broker", "the last problem")

    def last_is_published() -> bool:
        recording.monitor.tick()
        return recording.published[-1].problem == "the last problem"

    until(last_is_published, "the last problem is published")
    gaps = [later - earlier for earlier, later in zip(recording.times, recording.times[1:], strict=False)]
    assert number > 20 and gaps and min(gaps) >= PUBLISH_INTERVAL


def test_a_problem_that_ends_within_a_second_is_not_published() -> None:
    recording = RecordingMonitor()

    def ended_in_time() -> bool:
        """Whether the problem lasted less than a second; on a loaded machine it may need another attempt."""
        nonlocal recording
        recording = RecordingMonitor()
        recording.wait_for(1)
        recording.monitor.camera("lost", "a moment")
        recording.monitor.camera("ok")
        return time.monotonic() - recording.times[0] < PUBLISH_INTERVAL

    until(ended_in_time, "a problem of less than a second")
    recording.monitor.report("broker", "lost")
    assert recording.wait_for(2) == [WELL, Health("ok", "m", "lost")]


def test_attach_publishes_at_once_even_just_after_another_message() -> None:
    recording = RecordingMonitor()
    recording.monitor.report("broker", "lost")
    other: list[Health] = []
    recording.monitor.attach(other.append)
    assert other == [Health("ok", "m", "lost")]
    recording.monitor.report("broker", None)
    until(lambda: (recording.monitor.tick(), len(other) == 2)[1], "the second message")
    assert other[-1] == WELL and len(recording.published) == 1, "the former listener receives nothing more"


def test_any_thread_may_report() -> None:
    recording = RecordingMonitor()

    def problem(part: str) -> None:
        for number in range(300):
            recording.monitor.report(part, f"{part} {number}")
        recording.monitor.report(part, None)

    threads = [threading.Thread(target=problem, args=(f"part{number}",), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert recording.monitor.now == WELL
    until(lambda: (recording.monitor.tick(), recording.published[-1] == WELL)[1], "the end of all problems")


def test_a_listener_may_report_a_problem() -> None:
    """The listener is called without the lock, because publishing may lead to another report."""
    monitor = HealthMonitor("m")
    monitor.attach(lambda health: monitor.report("alerts", "refused"))
    assert monitor.now.problem == "refused"


def test_threads_that_tick_at_the_same_time_check_the_clock_once(caplog: pytest.LogCaptureFixture) -> None:
    rounds, threads = 60, 8
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(rounds):
            monitor, together = HealthMonitor("m"), threading.Barrier(threads)

            def tick(monitor: HealthMonitor = monitor, together: threading.Barrier = together) -> None:
                together.wait(30)
                monitor.tick()

            ticking = [threading.Thread(target=tick) for _ in range(threads)]
            for thread in ticking:
                thread.start()
            for thread in ticking:
                thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    lines = [record for record in caplog.records if "the clock is" in record.getMessage()]
    assert len(lines) in (0, rounds), "one line per monitor, or none where the clock is synchronized"
