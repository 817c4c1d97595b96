"""What the next text says, and when: pure functions of what waits, the monotonic time and the time of day."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from edge.phone.plan import Batch, Plan
from edge.phone.quiet import QuietHours
from edge.phone.store import Entry

NOON, NIGHT, MORNING = (datetime(2026, 11, 26, hour) for hour in (12, 23, 7))
START = datetime(2026, 11, 26, 12).astimezone()


def entry(device: str, at: float, kind: Any = "alert", event_type: str = "no_mask", **values: Any) -> Entry:
    """An entry that arrives ``at`` seconds after noon, and was raised then."""
    alert = {
        "schema": 1, "event_type": event_type, "id": f"{device}{at}", "device": device,
        "time": (START + timedelta(seconds=at)).isoformat(), "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t",
        "box": [1, 2, 3, 4], "frame_size": [640, 480], "clock_synced": True, "model": "m@1", "snapshot": False,
    }  # fmt: skip
    payload = json.dumps(alert).encode() if kind == "alert" else str(values.pop("condition", "")).encode()
    return Entry(f"{device}{at}{kind}", kind, device, START.timestamp() + at, payload, since=at, **values)


def due(plan: Plan, entries: list[Entry], now: float, clock: datetime = NOON) -> Batch:
    batch = plan.next(entries, now, clock)
    assert isinstance(batch, Batch), batch
    return batch


def test_a_burst_at_one_door_becomes_one_text_after_the_first() -> None:
    plan, first = Plan(120, None), entry("porch", 0)
    batch = due(plan, [first], 0)
    assert batch.text.message.startswith("porch: no mask, 12:00:00")
    plan.sent(batch, 0)
    more = [entry("porch", at) for at in (5, 30, 60, 119)]
    waits = plan.next(more, 119, NOON)
    assert waits == 1
    batch = due(plan, more, 120)
    assert list(batch.entries) == more
    assert batch.text.message == "porch: 5 people without mask in 2 minutes (4 more since 12:00:00)"
    plan.sent(batch, 120)
    later = [entry("porch", 130)]
    assert plan.next(later, 130, NOON) == pytest.approx(20, abs=1), "the window begins anew"
    batch = due(plan, later, 240)
    assert batch.text.title == "porch: no mask"
    plan.sent(batch, 240)
    assert due(plan, [entry("porch", 900)], 900).text.title == "porch: no mask", "a quiet door rings at once again"


def test_doors_do_not_wait_for_each_other() -> None:
    plan = Plan(120, None)
    entries = [entry(f"door{number}", number) for number in range(40)]
    told = []
    while entries:
        batch = due(plan, entries, 50)
        plan.sent(batch, 50)
        told.append(batch.text.device)
        entries = [one for one in entries if one not in batch.entries]
    assert told == [f"door{number}" for number in range(40)]


def test_what_waited_for_the_server_becomes_one_text_per_door_with_its_kinds() -> None:
    plan = Plan(120, None)
    entries = [entry("porch", at) for at in (0, 100, 7300)] + [entry("porch", 50, event_type="incorrect_mask")]
    batch = due(plan, entries, 7400)
    assert batch.text.title == "porch: 3 people without mask, 1 person with mask worn incorrectly in 3 hours"
    assert len(batch.entries) == 4


def test_without_a_burst_each_alert_is_a_text() -> None:
    plan = Plan(0, None)
    entries = [entry("porch", 0), entry("porch", 1)]
    batch = due(plan, entries, 2)
    plan.sent(batch, 2)
    assert list(batch.entries) == entries[:1]
    assert list(due(plan, entries[1:], 2).entries) == entries[1:]


def test_quiet_hours_end_with_one_text_and_nothing_is_lost() -> None:
    plan = Plan(120, QuietHours.parse("22:00-06:00"))
    entries = [entry("porch", at) for at in range(5)] + [entry("back", 9), entry("back", 10, "fault", condition="lost")]
    for clock in (NIGHT, datetime(2026, 11, 27), datetime(2026, 11, 27, 5, 59)):
        assert isinstance(plan.next(entries, 20, clock), float)
    assert due(plan, [*entries, entry("x", 11, "test")], 20, NIGHT).text.title == "maskwatch: test", "a test rings"
    batch = due(plan, [*entries, entry("new", 30)], 30, MORNING)
    assert list(batch.entries) == entries, "what came after the quiet hours has a text of its own"
    assert batch.text.message == (
        "porch: 5 people without mask (12:00); back: 1 person without mask (12:00); back has lost its camera"
    )
    assert batch.text.title == "in the quiet hours: 6 people without mask"
    (alone,) = entries[:1]
    assert due(plan, [alone], 30, MORNING).text.title == "porch: no mask"


def test_a_restart_after_quiet_hours_still_sums_them_up() -> None:
    plan = Plan(120, QuietHours.parse("11:00-13:00"))
    entries = [entry("porch", 0), entry("back", 1)]
    plan.restore(entries)
    assert len(due(plan, entries, 0, datetime(2026, 11, 26, 14)).entries) == 2


@pytest.mark.parametrize(
    ("hours", "within", "outside"),
    [("22:00-06:00", (22, 23, 0, 5), (6, 12, 21)), ("12:30-14:00", (13,), (12, 14, 0))],
)
def test_quiet_hours_may_pass_midnight(hours: str, within: tuple[int, ...], outside: tuple[int, ...]) -> None:
    quiet = QuietHours.parse(hours)
    assert quiet and all(quiet.contains(NOON.replace(hour=hour)) for hour in within)
    assert not any(quiet.contains(NOON.replace(hour=hour)) for hour in outside)
    assert QuietHours.parse("") is None


def test_an_alert_waits_for_its_picture_a_moment() -> None:
    plan, waiting = Plan(120, None), entry("porch", 0, picture_due=5.0)
    assert plan.next([waiting], 1, NOON) == 4
    waiting.picture = b"jpeg"
    assert due(plan, [waiting], 1).text.picture == b"jpeg"
    waiting.picture = None
    assert due(plan, [waiting], 5).text.picture is None


def test_an_entry_that_was_damaged_on_disk_stops_nothing() -> None:
    plan, damaged = Plan(120, None), Entry("k", "alert", "porch", 0.0, b"{]", since=0.0)
    assert "cannot be read" in due(plan, [damaged], 1).text.message
    assert due(plan, [damaged, entry("porch", 1)], 1).entries[0] is damaged
