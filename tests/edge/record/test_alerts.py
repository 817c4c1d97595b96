"""edge.record.alerts and edge.record.export: searching, an outbox that grows and is replaced, CSV and JSON."""

import csv
import io
import json
import time
from datetime import datetime
from pathlib import Path

import pytest
from support.recorded import alert, fill_history

from edge.mqtt.messages import AlertMessage
from edge.outbox.reading import purge
from edge.outbox.sql import HISTORY_KEPT
from edge.record.alerts import COLUMNS, AlertIndex, Entry, Search, exported, moment_of
from edge.record.export import csv_lines, file_name, json_lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def test_alerts_come_newest_first_and_new_ones_are_added(path: Path) -> None:
    assert AlertIndex(path).update() == [], "there is no file yet"
    index, old = AlertIndex(path), [alert(1000.0 + number) for number in range(5)]
    fill_history(path, old)
    assert [entry.alert for entry in index.update()] == old[::-1]
    new = alert(2000.0)
    assert [entry.alert for entry in index.update([new])] == [new, *old[::-1]]
    fill_history(path, [new])
    assert len(index.update([new])) == 6
    path.unlink()
    fill_history(path, [alert(3000.0)])  # a file that replaced a damaged one
    assert index.update()[0].moment == 3000.0 and len(index.update()) == 7


def test_the_newest_are_kept_and_5000_open_fast(path: Path) -> None:
    fill_history(path, [alert(1000.0 + number) for number in range(HISTORY_KEPT + 50)])
    start = time.perf_counter()
    entries = AlertIndex(path).update()
    assert len(entries) == HISTORY_KEPT and entries[-1].moment == 1050.0
    assert time.perf_counter() - start < 5, "0.1 s on a desk"


def test_a_damaged_file_leaves_what_was_read(path: Path) -> None:
    fill_history(path, [alert(1000.0)])
    index = AlertIndex(path)
    assert len(index.update()) == 1
    path.write_bytes(b"no database" * 1000)
    assert len(index.update([alert(2000.0)])) == 2


def test_what_somebody_deletes_is_gone_from_a_page_that_runs(path: Path) -> None:
    old, young = [alert(1000.0 + number) for number in range(3)], alert(2000.0)
    fill_history(path, old[:2])
    index = AlertIndex(path)
    assert len(index.update([*old, young])) == 4, "two of them are not on disk yet"
    fill_history(path, [old[2], young])
    assert purge(path, 1500.0, lambda payload: moment_of(AlertMessage.decode(payload))) == (3, 0, 0)
    assert [entry.alert for entry in index.update([*old, young])] == [young]
    fill_history(path, [new := alert(1200.0)])  # the clock was set back
    assert [entry.alert for entry in index.update([*old, young, new])] == [young, new]
    assert [entry.alert for entry in AlertIndex(path).update([])] == [young, new]


def found(query: dict[str, str], *entries: Entry, seen: tuple[str, ...] = ()) -> list[int]:
    search = Search.parse(query)
    return [number for number, entry in enumerate(entries) if search.matches(entry, seen)]


def test_a_search_is_by_time_hour_kind_and_seen() -> None:
    times = [datetime(2026, 11, day, hour).timestamp() for day, hour in ((24, 9), (25, 9), (25, 14), (26, 0))]
    kinds = ["no_mask", "incorrect_mask", "no_mask", "no_mask"]
    alerts = [Entry(moment, alert(moment, event_type=kind)) for moment, kind in zip(times, kinds, strict=True)]
    assert found({}, *alerts) == found({"from": "", "kind": ""}, *alerts) == [0, 1, 2, 3]
    assert found({"from": "2026-11-25", "to": "2026-11-25"}, *alerts) == [1, 2]
    assert found({"from": "2026-11-25T09:30", "to": "2026-11-26T00:00"}, *alerts) == [2]
    assert found({"hour": "9"}, *alerts) == [0, 1] and found({"hour": "0"}, *alerts) == [3]
    assert found({"kind": "incorrect_mask"}, *alerts) == [1]
    marked = (alerts[2].alert.id,)
    assert found({"seen": "yes"}, *alerts, seen=marked) == [2]
    assert found({"seen": "no"}, *alerts, seen=marked) == [0, 1, 3]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "yesterday"}, "from 'yesterday' is no time: write a date like 2026-11-27"),
        ({"from": "2026-02-30"}, "is not a date of the calendar"),
        ({"to": "9999-12-31"}, "is not a date of the calendar"),
        ({"from": "1969-12-31"}, "is not a date of the calendar"),
        ({"from": "0001-01-01T00:00+14:00"}, "is no time"),
        ({"from": "2026-11-25T14:00", "to": "2026-11-25T14:00"}, "choose a later time"),
        ({"hour": "24"}, "hour '24' is not a whole number from 0 to 23"),
        ({"hour": "-1"}, "from 0 to 23"),
        ({"kind": "mask"}, "is not one of no_mask, incorrect_mask"),
        ({"seen": "1"}, "is not yes or no"),
        ({"from": "2026-11-26", "to": "2026-11-25"}, "exchange the two"),
    ],
)
def test_a_wrong_search_is_refused_in_one_sentence(query: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Search.parse(query)


def test_csv_has_one_line_per_alert_and_no_formula() -> None:
    evil = [
        alert(1000.0, model=text) for text in ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", 'a"b,c\nd', "Maske-ü")
    ]
    rows = [exported(Entry(1000.0, one), {evil[0].id}) for one in evil]
    text = "".join(csv_lines(rows, COLUMNS))
    assert text.startswith("time,local_time,event_type,") and text.count("\r\n") == len(evil) + 1
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    expected = ["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@x", "'\tx", 'a"b,c\nd', "Maske-ü"]
    assert [row["model"] for row in read] == expected
    assert [row["seen"] for row in read] == ["true"] + ["false"] * 6
    assert read[0]["time"] == "1970-01-01T00:16:40.000Z"
    assert datetime.fromisoformat(read[0]["local_time"]).timestamp() == 1000.0


def test_json_is_one_object_with_the_rows() -> None:
    rows = [exported(Entry(1000.0, alert(1000.0, model='=1"ü')), ())] * 2
    data = json.loads("".join(json_lines({"device": "entrance"}, "alerts", rows)))
    assert data == {"schema": 1, "device": "entrance", "alerts": rows}
    assert json.loads("".join(json_lines({}, "alerts", []))) == {"schema": 1, "alerts": []}


def test_a_file_name_has_camera_and_dates() -> None:
    name = file_name("entrance", "alerts", "2026-11-20", "2026-11-27", "csv")
    assert name == "maskwatch-entrance-alerts-2026-11-20-to-2026-11-27.csv"
    assert file_name("../x\n", "counts", "2026-11-20", "2026-11-20", "json") == "maskwatch-.._x_-counts-2026-11-20.json"
