"""Reports of many doors out of a database: sums, unknown time per door, bias per door, few people."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from support.filled import fill_alerts, fill_doors, quarters

from edge.errors import ConfigError
from edge.record.bias import BIAS, Bias
from edge.record.counts import SLOT_S, Counts
from edge.record.times import day_start
from edge.store.address import parse_address
from edge.store.engine import Engine, open_engine
from edge.store.reading import StoreReader
from edge.store.reports import ARRIVED_S, StoreReports
from edge.store.sql import FORGET_DOOR

DAY = date(2026, 11, 23)
START = day_start(DAY)
NOON, END = START + 43200, START + 86400
LATER = END + 86400
CAME = Counts(people=3, mask=2, no_mask=1, alerts=1, watched=900.0)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_engine(parse_address(f"sqlite:{tmp_path}/doors.db"), writes=True)


@pytest.fixture
def reports(engine: Engine) -> StoreReports:
    return StoreReports(StoreReader(engine))


def test_counts_of_all_doors_add_up_and_each_door_can_be_asked_for(engine: Engine, reports: StoreReports) -> None:
    fill_doors(engine, [*quarters("left", START, END, CAME), *quarters("right", START, END, CAME)])
    total = reports.report(DAY, DAY, now=LATER).total
    assert (total.counts.people, total.counts.watched, total.seconds) == (2 * 96 * 3, 2 * 86400, 2 * 86400)
    assert total.unknown == 0 and total.share and total.share.low < 0.667 < total.share.high
    one = reports.report(DAY, DAY, "left", now=LATER)
    assert (one.total.counts.people, one.total.seconds, one.outages()) == (96 * 3, 86400, [])
    assert [period.label for period in one.by("month")] == ["2026-11"] and len(one.by("hour")) == 24
    assert {made.label: made.counts for made in reports.by_door(DAY, DAY, now=LATER)} == {
        name: Counts(288, 192, 96, alerts=96, watched=86400.0) for name in ("left", "right")
    }
    assert [made.label for made in reports.by_door(DAY, DAY, "right", now=LATER)] == ["right"]


def test_doors_are_summed_over_many_days_each_slot_once(engine: Engine, reports: StoreReports) -> None:
    last = DAY + timedelta(days=9)
    fill_doors(engine, [*quarters("left", START, END + 9 * 86400, CAME), *quarters("right", NOON, END, CAME)])
    fill_doors(engine, quarters("left", NOON, END + 86400, CAME), "haar")
    left, right = reports.by_door(DAY, last, now=END + 8 * 86400 + 43200)
    assert left.counts.people == 3 * (96 * 9 + 47 + 48 + 96) and left.detectors == {"haar", "yunet"}, "up to 11:45"
    assert (right.counts.people, right.counts.watched) == (3 * 48, 43200)


def test_time_is_unknown_per_door_from_its_first_slot_on(engine: Engine, reports: StoreReports) -> None:
    fill_doors(engine, quarters("whole", START, END, CAME))
    fill_doors(engine, quarters("new", NOON, END, CAME))
    fill_doors(engine, [*quarters("lost", START, NOON, CAME), *quarters("lost", NOON, END, Counts(blind=900.0))])
    rows = {made.label: made.row() for made in reports.by_door(DAY, DAY, now=LATER)}
    assert {name: row["unknown_s"] for name, row in rows.items()} == {"whole": 0, "new": 0, "lost": 43200}
    assert rows["lost"]["camera_lost_s"] == 43200
    report = reports.report(DAY, DAY, now=LATER)
    assert (report.total.seconds, report.total.unknown) == (2.5 * 86400, 43200)
    (outage,) = report.outages()
    assert (outage["unknown_s"], outage["camera_lost_s"]) == (43200, 43200)


def test_a_door_that_says_nothing_is_unknown_and_one_that_was_forgotten_ends(
    engine: Engine, reports: StoreReports
) -> None:
    fill_doors(engine, [*quarters("silent", START, NOON, CAME), *quarters("gone", START, NOON, CAME)])
    engine.write([(FORGET_DOOR, ("gone",))])
    assert reports.names() == ["gone", "silent"]
    assert reports.report(DAY, DAY, now=LATER).total.unknown == 43200, "that of the silent one"
    rows = {made.label: made for made in reports.by_door(DAY, DAY, now=LATER)}
    assert (rows["gone"].unknown, rows["silent"].unknown) == (0, 43200)
    after = DAY + timedelta(days=1)
    (silent,) = reports.by_door(after, after, now=LATER)
    assert silent.label == "silent" and silent.is_unknown and silent.row()["people"] is None


def test_before_the_first_door_nothing_is_known(engine: Engine, reports: StoreReports) -> None:
    fill_doors(engine, quarters("door", START, END, CAME))
    before = DAY - timedelta(days=1)
    assert reports.report(before, before, now=LATER).total.is_unknown
    assert reports.by_door(before, before, now=LATER) == []


def test_no_door_hides_what_is_unknown_at_another(engine: Engine, reports: StoreReports) -> None:
    twice = Counts(watched=1800.0)  # its clock was set back
    fill_doors(engine, [*quarters("twice", START, END, twice), *quarters("lost", START, END, Counts(blind=900.0))])
    assert reports.report(DAY, DAY, now=LATER).total.unknown == 86400
    rows = {made.label: made.unknown for made in reports.by_door(DAY, DAY, now=LATER)}
    assert rows == {"twice": 0, "lost": 86400}


def test_several_models_in_one_slot_are_one_door(engine: Engine, reports: StoreReports) -> None:
    half = Counts(people=1, mask=1, watched=450.0)
    fill_doors(engine, quarters("door", START, END, half), "haar")
    fill_doors(engine, quarters("door", START, END, half), "yunet", "other@1")
    report = reports.report(DAY, DAY, now=LATER)
    assert (report.total.seconds, report.total.unknown, report.total.counts.people) == (86400, 0, 192)
    assert report.detectors == [("haar", "mask@12345678"), ("yunet", "other@1")]
    (door,) = reports.by_door(DAY, DAY, now=LATER)
    assert door.row()["detector"] == "haar, yunet"


def test_bias_belongs_to_the_door_and_few_people_have_no_share(engine: Engine, reports: StoreReports) -> None:
    fill_doors(engine, quarters("old", START, END, CAME), "haar")
    fill_doors(engine, quarters("good", START, END, CAME))
    fill_doors(engine, [("small", NOON, Counts(people=29, mask=29, watched=900.0))])
    made = {one.label: one for one in reports.by_door(DAY, DAY, now=LATER)}
    assert {name: one.row()["detector"] for name, one in made.items()} == {
        "old": "haar",
        "good": "yunet",
        "small": "yunet",
    }
    assert made["small"].row()["mask_share"] is None and made["good"].row()["mask_share"] == 0.667
    bias = reports.report(DAY, DAY, now=LATER).bias
    assert bias == Bias(("old",), 3, 288, 2 * 288 + 29)
    assert bias.note.startswith("1 of 3 doors (old), 288 of 605 people, were counted with the detector haar")
    one = reports.report(DAY, DAY, "old", now=LATER).bias
    assert one and one.note == BIAS, "the report of one door has the sentence of one door"
    assert reports.report(DAY, DAY, "good", now=LATER).bias is None


def test_where_all_doors_have_haar_the_note_is_that_of_one_and_many_names_are_cut(
    engine: Engine, reports: StoreReports
) -> None:
    for number in range(7):
        fill_doors(engine, quarters(f"door-{number}", START, NOON, CAME), "haar")
    bias = reports.report(DAY, DAY, now=LATER).bias
    assert bias and bias.note == BIAS
    fill_doors(engine, quarters("good", START, NOON, CAME))
    bias = reports.report(DAY, DAY, now=LATER).bias
    assert bias and "7 of 8 doors (door-0, door-1, door-2, door-3, door-4, …), 1008 of 1152 people" in bias.note


def test_a_slot_that_has_not_come_yet_is_not_missing(engine: Engine, reports: StoreReports) -> None:
    fill_doors(engine, quarters("door", START, NOON, CAME))
    for now in (NOON, NOON + SLOT_S - 1, NOON + SLOT_S + ARRIVED_S - 1):
        report, (door,) = reports.report(DAY, DAY, now=now), reports.by_door(DAY, DAY, now=now)
        assert report.total.unknown == 0 and door.unknown == 0
    assert reports.report(DAY, DAY, now=NOON + SLOT_S + ARRIVED_S).total.unknown == SLOT_S


def test_shifts_of_all_doors(engine: Engine, reports: StoreReports) -> None:
    from edge.config.shifts import Shift

    fill_doors(engine, [*quarters("left", START, LATER, CAME), *quarters("right", START, LATER, CAME)])
    report = reports.report(DAY, DAY, shifts=[Shift("night", 22 * 60, 30 * 60)], now=LATER + 86400)
    night, outside = report.by("shift")
    assert (night.label, night.counts.people, night.seconds) == ("night", 2 * 32 * 3, 2 * 8 * 3600)


def test_an_unknown_door_is_said_with_those_that_there_are(engine: Engine, reports: StoreReports) -> None:
    with pytest.raises(ConfigError, match="the store has no door 'porch'$"):
        reports.report(DAY, DAY, "porch")
    fill_doors(engine, quarters("left", START, NOON, CAME))
    for ask in (reports.report, reports.by_door, reports.alerts):
        with pytest.raises(ConfigError, match="the store has no door 'porch'; it has left"):
            ask(DAY, DAY, "porch")


def test_alerts_of_all_doors_or_of_one_the_newest_first(engine: Engine, reports: StoreReports) -> None:
    moments = {"before": START - 1, "first": START, "last": END - 0.001, "after": END}
    fill_doors(engine, quarters("left", START, NOON, CAME))
    fill_alerts(engine, ({"door": "left", "id": name, "moment": round(at * 1000)} for name, at in moments.items()))
    fill_alerts(engine, [{"door": "right", "id": "other", "moment": round(NOON * 1000)}])
    assert [row["id"] for row in reports.alerts(DAY, DAY)] == ["last", "other", "first"]
    rows = reports.alerts(DAY, DAY, "left")
    assert [row["id"] for row in rows] == ["last", "first"]
    assert rows[0]["local_time"].startswith("2026-11-23T23:59:59.999") and rows[0]["clock_synced"] is True
    assert not rows[0].keys() & {"track", "box", "frame_size"}
