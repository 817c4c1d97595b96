"""The health of the monitor: changes are logged once, and told at most once a second, the newest for certain."""

import logging
import sys
import threading
import time

import pytest
from support import until

from edge.monitor.health import PUBLISH_INTERVAL, HealthMonitor
from edge.mqtt.messages import Health

WELL = Health("ok", "m", None)


class Ear:
    """A monitor, and what it has told with the moments."""

    def __init__(self, model: str = "m") -> None:
        self.heard: list[tuple[float, Health]] = []
        self.monitor = HealthMonitor(model, lambda health: self.heard.append((time.monotonic(), health)))

    @property
    def told(self) -> list[Health]:
        return [health for _, health in self.heard]

    def ticked(self, count: int) -> list[Health]:
        """What was told, as soon as it is so many; as the main loop does, it ticks often."""

        def enough() -> bool:
            self.monitor.tick()
            return len(self.heard) >= count

        until(enough, f"{count} messages of {self.told}")
        return self.told


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if "clock" not in record.message]


def test_a_healthy_monitor_tells_so_once() -> None:
    ear = Ear()
    ear.ticked(1)
    for _ in range(50):
        ear.monitor.tick()
    assert ear.told == [WELL]


def test_a_camera_s_condition_and_its_reason_are_told() -> None:
    ear = Ear()
    ear.monitor.camera("lost", "/dev/video0: gone")
    assert ear.told == [Health("lost", "m", "camera lost: /dev/video0: gone")]
    ear.monitor.camera("ok")
    assert ear.ticked(2)[-1] == WELL


def test_changes_are_logged_once_with_their_reason_and_their_length(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            ear.monitor.report("broker", "broker lost")
        ear.monitor.report("broker", "broker refuses us")
        for _ in range(5):
            ear.monitor.report("broker", None)
    assert said(caplog) == ["broker lost", "broker refuses us", "broker well again after 0 s"]
    assert [record.levelname for record in caplog.records if "clock" not in record.message] == [
        "ERROR",
        "ERROR",
        "WARNING",
    ]


def test_a_part_that_was_never_ill_is_not_said_to_be_well_again(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Ear().monitor.report("disk", None)
    assert said(caplog) == []


def test_several_troubles_stand_together_in_the_order_of_their_coming() -> None:
    monitor = Ear().monitor
    monitor.report("disk", "disk full")
    monitor.report("broker", "broker lost")
    monitor.report("disk", "disk full")
    assert monitor.now.problem == "disk full; broker lost", "told again is no news"
    monitor.report("disk", None)
    assert monitor.now.problem == "broker lost"


def test_at_most_one_message_a_second_and_the_newest_gets_out() -> None:
    ear, end, number = Ear(), time.monotonic() + 2.5, 0
    while time.monotonic() < end:
        number += 1
        ear.monitor.report("broker", f"trouble {number}")
        time.sleep(0.005)
    ear.monitor.report("broker", "the last trouble")

    def out() -> bool:
        ear.monitor.tick()
        return ear.told[-1].problem == "the last trouble"

    until(out, "the newest trouble")
    gaps = [later[0] - earlier[0] for earlier, later in zip(ear.heard, ear.heard[1:], strict=False)]
    assert number > 20 and gaps and min(gaps) >= PUBLISH_INTERVAL - 0.05


def test_what_was_over_within_a_second_is_not_told() -> None:
    ear = Ear()
    ear.ticked(1)
    ear.monitor.camera("lost", "a moment")
    ear.monitor.camera("ok")
    ear.monitor.report("broker", "lost")
    assert ear.ticked(2) == [WELL, Health("ok", "m", "lost")]


def test_attach_tells_at_once_even_just_after_something_was_told() -> None:
    ear = Ear()
    ear.monitor.report("broker", "lost")
    other: list[Health] = []
    ear.monitor.attach(other.append)
    assert other == [Health("ok", "m", "lost")]
    ear.monitor.report("broker", None)
    until(lambda: (ear.monitor.tick(), len(other) == 2)[1], "the second message")
    assert other[-1] == WELL and len(ear.told) == 1, "the former listener hears nothing any more"


def test_any_thread_may_report() -> None:
    ear = Ear()

    def trouble(part: str) -> None:
        for number in range(300):
            ear.monitor.report(part, f"{part} {number}")
        ear.monitor.report(part, None)

    threads = [threading.Thread(target=trouble, args=(f"part{number}",), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ear.monitor.now == WELL
    until(lambda: (ear.monitor.tick(), ear.told[-1] == WELL)[1], "the end of all troubles")


def test_a_listener_may_ask_and_report_itself() -> None:
    """It is called without the lock: what is told may end up in a part that reports in turn."""
    monitor = HealthMonitor("m")
    monitor.attach(lambda health: monitor.report("alerts", "refused"))
    assert monitor.now.problem == "refused"


def test_threads_that_tick_at_the_same_moment_look_at_the_clock_once(caplog: pytest.LogCaptureFixture) -> None:
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
    assert len(lines) in (0, rounds), "never twice about one clock; not at all where the clock is synchronized"
