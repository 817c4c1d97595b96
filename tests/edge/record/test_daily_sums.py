"""edge.record.daily: days of 23, 24 and 25 hours, of which no slot is missing or double, and what is unknown."""

import json
import time
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from edge.mqtt.day_counts import SLOT_COLUMNS, DayCounts
from edge.mqtt.messages import encode
from edge.record.counts import SLOT_S, Counts
from edge.record.daily import day_of
from edge.record.reading import Slot
from edge.record.times import day_start

LATER = 1e11


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone that the test names."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def slots_of(day: date) -> list[Slot]:
    """A slot with one person for each quarter of a local day, watched all the time."""
    starts = range(int(day_start(day)), int(day_start(day + timedelta(days=1))), SLOT_S)
    return [Slot(start, "yunet", "m@1", Counts(people=1, mask=1, watched=SLOT_S)) for start in starts]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first", "last"),
    [
        ("Europe/Berlin", date(2026, 11, 27), 24, "2026-11-27T00:00:00+01:00", "2026-11-27T23:00:00+01:00"),
        ("Europe/Berlin", date(2026, 3, 29), 23, "2026-03-29T00:00:00+01:00", "2026-03-29T23:00:00+02:00"),
        ("Europe/Berlin", date(2026, 10, 25), 25, "2026-10-25T00:00:00+02:00", "2026-10-25T23:00:00+01:00"),
        ("Asia/Kathmandu", date(2026, 11, 27), 24, "2026-11-27T00:00:00+05:45", "2026-11-27T23:00:00+05:45"),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25, "2026-04-05T00:00:00+11:00", "2026-04-05T23:00:00+10:30"),
    ],
    indirect=["zone"],
)
def test_every_hour_and_every_slot_of_a_day_is_there_once(
    zone: None, day: date, hours: int, first: str, last: str
) -> None:
    slots = slots_of(day)
    counts = day_of(day, slots, LATER)
    assert counts is not None
    assert [hour["start"] for hour in (counts.hours[0], counts.hours[-1])] == [first, last]
    assert len({hour["start"] for hour in counts.hours}) == len(counts.hours) == hours
    assert sum(hour["people"] for hour in counts.hours) == len(slots)
    assert sum(hour["watched_s"] for hour in counts.hours) == len(slots) * SLOT_S
    (series,) = counts.series
    assert [row[0] for row in series["slots"]] == [slot.start for slot in slots]


def test_the_running_slot_is_left_out_and_time_that_was_not_watched_is_unknown() -> None:
    day = date(2026, 11, 27)
    start = int(day_start(day))
    watched = Counts(people=3, no_mask=2, unsure=1, alerts=2, watched=899.6, unsynced=899.6)
    slots = [Slot(start + 8 * 3600, "yunet", "m@1", watched), Slot(start + 10 * 3600, "yunet", "m@1", Counts(people=9))]
    counts = day_of(day, slots, start + 10 * 3600 + 100.0)
    assert counts is not None and len(counts.hours) == 10, "the hours that have begun before the running slot"
    for unknown in (counts.hours[7], counts.hours[9]):
        assert unknown["people"] is None and unknown["clock_synced"] is None
    assert (counts.hours[8]["people"], counts.hours[8]["watched_s"], counts.hours[8]["clock_synced"]) == (3, 900, False)
    assert counts.series[0]["slots"] == [[start + 8 * 3600, 3, 0, 2, 0, 1, 2, 900, 0, 0, 900]]
    assert day_of(day, slots[1:], start + 10 * 3600 + 100.0) is None, "nothing but the running slot"
    assert day_of(day, [], LATER) is None


def test_what_is_on_disk_and_what_is_not_is_one_row_and_each_detector_has_its_own() -> None:
    day = date(2026, 11, 27)
    start = int(day_start(day))
    made = Counts(people=1, mask=1, watched=10)
    slots = [Slot(start, "haar", "m@1", made), Slot(start, "yunet", "m@1", made), Slot(start, "yunet", "m@1", made)]
    counts = day_of(day, slots, LATER)
    assert counts is not None
    assert {(one["detector"], tuple(one["slots"][0][:3])) for one in counts.series} == {
        ("haar", (start, 1, 1)), ("yunet", (start, 2, 2))
    }  # fmt: skip


def test_the_message_of_a_full_day_has_less_than_16_kb_and_the_columns_of_the_record() -> None:
    day = date(2026, 11, 27)
    counts = day_of(day, slots_of(day), LATER)
    assert counts is not None
    sent = encode(DayCounts(day.isoformat(), "yunet", "mask@01234567", "c0ffee00", counts.hours, counts.series))
    assert len(sent) < 16384, "larger messages are the first that a broker does not take"
    row = json.loads(sent)["series"][0]["slots"][0]
    assert dict(zip(SLOT_COLUMNS, row, strict=True))["watched_s"] == SLOT_S
