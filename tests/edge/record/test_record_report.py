"""edge.record.report: hours of days with 23 and 25 hours, unknown time, shares and their interval."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.recorded import fill_counts

from edge.config.shifts import OUTSIDE, Shift
from edge.record.bias import BIAS
from edge.record.counts import SLOT_S, Counts, mask_share
from edge.record.period import COLUMNS
from edge.record.reading import read
from edge.record.report import Report

DAY = date(2026, 11, 25)
SHIFTS = [Shift("early", 360, 840), Shift("late", 840, 1260), Shift("night", 1320, 1800)]
"""06:00 to 14:00, 14:00 to 21:00, 22:00 to 06:00."""


@pytest.fixture(params=["Europe/Berlin", "Asia/Kathmandu", "Asia/Kolkata", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from in_zone(request.param, monkeypatch)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from in_zone("Europe/Berlin", monkeypatch)


def in_zone(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        yield name
    time.tzset()


def at(*parts: int) -> float:
    """The Unix time of a local time."""
    return datetime(*parts).timestamp()  # type: ignore[arg-type]


def full(start: float, end: float, **counts: Any) -> Iterator[tuple[float, Counts]]:
    moment = start
    while moment < end:
        yield moment, Counts(**counts, watched=float(SLOT_S))
        moment += SLOT_S


def report_of(path: Path, first: date, last: date, now: float = 4e9, shifts: Sequence[Shift] = ()) -> Report:
    return Report(first, last, partial(read, path), now, shifts=shifts)


def test_a_day_has_the_hours_that_it_has(tmp_path: Path, berlin: str) -> None:
    path = tmp_path / "record.db"
    fill_counts(path, full(at(2026, 1, 1), at(2027, 1, 1), people=1, mask=1))
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (DAY, 24)):
        report = report_of(path, day, day)
        rows = report.by("hour")
        assert len({period.label for period in rows}) == len(rows) == hours
        assert [period.counts.people for period in rows] == [4] * hours
        assert report.total.counts.people == 4 * hours and report.total.unknown == 0
        assert len(report.by("hour_of_day")) in (hours, 24)
    labels = [period.label for period in report_of(path, date(2026, 10, 25), date(2026, 10, 25)).by("hour")]
    assert labels[2:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]


def test_days_and_weekdays_add_up_in_every_time_zone(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "record.db"
    fill_counts(path, full(at(2026, 11, 15), at(2026, 12, 5), people=1, no_mask=1))
    report = report_of(path, date(2026, 11, 16), date(2026, 11, 29))
    days, weekdays = report.by("day"), report.by("weekday")
    assert len(days) == 14 and [period.counts.people for period in days] == [96] * 14
    assert [period.label for period in weekdays][:2] == ["Monday", "Tuesday"] and len(weekdays) == 7
    assert {period.counts.people for period in weekdays} == {192}
    assert sum(period.counts.people for period in report.by("hour_of_day")) == 14 * 96


def test_months_have_their_days_and_daylight_saving_hours(tmp_path: Path, berlin: str) -> None:
    path = tmp_path / "record.db"
    fill_counts(path, full(at(2026, 2, 1), at(2026, 5, 1), people=1, mask=1))
    months = report_of(path, date(2026, 2, 1), date(2026, 4, 30)).by("month")
    hours = [28 * 24, 31 * 24 - 1, 30 * 24]
    assert [period.label for period in months] == ["2026-02", "2026-03", "2026-04"]
    assert [period.seconds for period in months] == [3600 * number for number in hours]
    assert [period.counts.people for period in months] == [4 * number for number in hours]


def test_a_shift_that_passes_midnight_belongs_to_the_day_on_which_it_begins(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "record.db"
    fill_counts(path, full(at(2026, 11, 20), at(2026, 12, 1), people=1, mask=1))
    fill_counts(
        path, [(at(2026, 11, 26, 5, 45), Counts(people=7, no_mask=7)), (at(2026, 11, 25, 5), Counts(people=50))]
    )
    report = report_of(path, DAY, DAY, shifts=SHIFTS)
    sums = {period.label: (period.counts.people, period.seconds / 3600) for period in report.by("shift")}
    assert sums == {"early": (32, 8), "late": (28, 7), "night": (32 + 7, 8), OUTSIDE: (4, 1)}
    assert list(sums) == ["early", "late", "night", OUTSIDE]
    assert report.total.counts.people == 96 + 50 and len(report.by("hour")) == 24, "the day ends at midnight"
    days = [report_of(path, date(2026, 11, day), date(2026, 11, day), shifts=SHIFTS) for day in range(23, 28)]
    week = report_of(path, date(2026, 11, 23), date(2026, 11, 27), shifts=SHIFTS)
    for name, period in zip(sums, week.by("shift"), strict=True):
        of_days = [one for day in days for one in day.by("shift") if one.label == name]
        assert sum(one.counts.people for one in of_days) == period.counts.people, "no slot is lost or counted twice"


def test_a_night_shift_has_the_hours_that_it_has(tmp_path: Path, berlin: str) -> None:
    path = tmp_path / "record.db"
    for month in (3, 10):
        fill_counts(path, full(at(2026, month, 23), at(2026, month + 1, 1), people=1, mask=1))
    for day, hours in ((date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 10, 25), 8)):
        (night,) = [one for one in report_of(path, day, day, shifts=SHIFTS).by("shift") if one.label == "night"]
        assert (night.seconds, night.counts.people, night.unknown) == (3600 * hours, 4 * hours, 0)


def test_shifts_of_the_future_are_left_out_and_unknown_ones_are_never_zero(tmp_path: Path, berlin: str) -> None:
    path = tmp_path / "record.db"
    fill_counts(path, full(at(2026, 11, 25, 14), at(2026, 11, 25, 16)))
    report = report_of(path, DAY, DAY, at(2026, 11, 25, 16), SHIFTS)
    early, late = report.by("shift")
    assert (early.label, early.row()["people"]) == ("early", None) and early.is_unknown
    assert (late.label, late.row()["people"], late.unknown) == ("late", 0, 0)
    with pytest.raises(ValueError, match="no shifts are configured; name them, for example: maskwatch set"):
        report_of(path, DAY, DAY).by("shift")


def test_what_counted_in_the_hours_of_the_next_day_is_named_if_a_shift_has_them(tmp_path: Path, berlin: str) -> None:
    path = tmp_path / "record.db"
    fill_counts(path, [(at(2026, 11, 26, 5), Counts(people=1, mask=1))], "haar")
    fill_counts(path, [(at(2026, 11, 26, 6), Counts(people=1, mask=1))], "other")
    assert report_of(path, DAY, DAY).detectors == []
    assert [name for name, _ in report_of(path, DAY, DAY, shifts=SHIFTS).detectors] == ["haar"]


def test_the_time_of_several_doors_passes_side_by_side(tmp_path: Path, berlin: str) -> None:
    path, nine = tmp_path / "record.db", at(2026, 11, 25, 9)
    slots = [(nine + n * SLOT_S, Counts(people=2, mask=2, watched=2 * SLOT_S)) for n in range(4)]
    fill_counts(path, [*slots, (nine + 3600, Counts(people=1, mask=1, watched=SLOT_S))])
    report = Report(DAY, DAY, partial(read, path), at(2026, 11, 25, 11), doors=lambda start: 2 if start >= nine else 0)
    by_hour = {period.label[11:13]: period for period in report.by("hour")}
    assert (by_hour["08"].seconds, by_hour["08"].is_unknown) == (3600, True), "nothing is known before the first door"
    assert (by_hour["09"].seconds, by_hour["09"].unknown, by_hour["09"].counts.people) == (7200, 0, 8)
    assert (by_hour["10"].unknown, by_hour["10"].row()["people"]) == (7200 - SLOT_S, 1)


@pytest.mark.parametrize("name", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def test_midnight_parts_the_days_also_where_it_is_no_full_hour_of_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for _ in in_zone(name, monkeypatch):
        path, midnight = tmp_path / "record.db", at(2026, 11, 25)
        fill_counts(path, [(midnight - 1, Counts(people=1, mask=1)), (midnight + 1, Counts(people=2, mask=2))])
        days = report_of(path, date(2026, 11, 24), date(2026, 11, 25)).by("day")
        assert [period.counts.people for period in days] == [1, 2]
        now = report_of(path, DAY, DAY, midnight + 300)
        assert now.total.seconds == 300 and [period.counts.people for period in now.by("hour")] == [2]


def test_time_that_was_not_watched_is_unknown_and_never_zero(tmp_path: Path, berlin: str) -> None:
    path = tmp_path / "record.db"
    hour = at(2026, 11, 25, 9)
    fill_counts(path, full(hour, hour + 3600))  # watched, and nobody came
    fill_counts(path, [(hour + 3600 + n * SLOT_S, Counts(paused=float(SLOT_S))) for n in range(4)])
    fill_counts(path, [(hour + 7200, Counts(people=2, mask=2, watched=600.0, blind=300.0))])
    by_hour = {period.label[11:13]: period for period in report_of(path, DAY, DAY).by("hour")}
    assert by_hour["09"].row()["people"] == 0 and by_hour["09"].unknown == 0
    assert by_hour["10"].row()["people"] is None and by_hour["10"].row()["paused_s"] == 3600
    assert by_hour["11"].row()["people"] == 2 and by_hour["11"].unknown == 3600 - 600
    assert by_hour["12"].row()["people"] is None and by_hour["12"].row()["unknown_s"] == 3600
    outages = report_of(path, DAY, DAY).outages()
    assert [(one["start"][11:16], one["end"][11:16]) for one in outages] == [("00:00", "09:00"), ("10:00", "00:00")]
    assert outages[1]["paused_s"] == 3600 and outages[1]["camera_lost_s"] == 300


def test_an_outage_ends_now_at_the_latest_and_says_whether_somebody_watched_in_between(
    tmp_path: Path, berlin: str
) -> None:
    path = tmp_path / "record.db"
    began = Counts(watched=180.0)  # counting began 3 minutes before the end of the slot
    fill_counts(path, [(at(2026, 11, 25, 13, 15), began), (at(2026, 11, 25, 13, 30), Counts(watched=180.0))])
    (outage,) = report_of(path, DAY, DAY, at(2026, 11, 25, 13, 35)).outages()
    assert (outage["start"][11:16], outage["end"][11:16], outage["in_parts"]) == ("00:00", "13:35", True)
    assert outage["unknown_s"] == 13.5 * 3600 + 300 - 360
    (outage,) = report_of(path, DAY, DAY, at(2026, 11, 25, 13, 10)).outages()
    assert (outage["start"][11:16], outage["end"][11:16], outage["in_parts"]) == ("00:00", "13:10", False)


def test_the_future_is_neither_counted_nor_unknown(tmp_path: Path, berlin: str) -> None:
    path, now = tmp_path / "record.db", at(2026, 11, 25, 10, 30)
    fill_counts(path, full(at(2026, 11, 25), at(2026, 11, 25, 10, 20)))
    fill_counts(path, [(now, Counts(watched=600.0))])
    report = report_of(path, DAY, date(2026, 11, 27), now)
    assert [len(report.by("hour")), report.total.seconds, report.total.unknown] == [11, 10.5 * 3600, 0]


def test_a_clock_that_was_set_back_makes_no_longer_hour(tmp_path: Path, berlin: str) -> None:
    path, hour = tmp_path / "record.db", at(2026, 11, 25, 9)
    for _ in range(2):  # the same hour was lived through twice
        fill_counts(path, full(hour, hour + 3600, people=1, mask=1))
    (nine,) = [period for period in report_of(path, DAY, DAY).by("hour") if "T09" in period.label]
    assert nine.counts.watched == 3600 and nine.counts.people == 8


def test_a_share_needs_30_people_and_has_its_interval() -> None:
    assert mask_share(Counts(people=60, mask=20, no_mask=9, unsure=31)) is None
    share = mask_share(Counts(people=30, mask=27, no_mask=2, incorrect_mask=1))
    assert share is not None
    assert (share.value, share.low, share.high) == pytest.approx((0.9, 0.744, 0.965), abs=0.001)
    every = mask_share(Counts(people=30, mask=30))
    assert every is not None and every.high == 1.0 and every.low == pytest.approx(0.886, abs=0.001)


def test_a_report_says_whether_haar_counted(tmp_path: Path) -> None:
    path, noon = tmp_path / "record.db", datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
    fill_counts(path, [(noon, Counts(people=1, mask=1, watched=9.0))])
    assert report_of(path, date(2026, 11, 23), date(2026, 11, 27)).bias is None
    fill_counts(path, [(noon, Counts(people=1, mask=1, watched=9.0))], "haar")
    report = report_of(path, date(2026, 11, 23), date(2026, 11, 27))
    assert report.bias and report.bias.note == BIAS and [name for name, _ in report.detectors] == ["haar", "yunet"]
    assert list(report.total.row()) == COLUMNS
