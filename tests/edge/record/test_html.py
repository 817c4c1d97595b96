"""edge.record.html: one file with numbers, intervals, unknown time and checksums, in each language of the page."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.recorded import MODEL, fill_counts

from edge.config.shifts import Shift
from edge.monitor.state import StateFiles
from edge.record.audit import AuditTrail
from edge.record.checksums import TRAIL, Checksums, read_checksums
from edge.record.counts import Counts
from edge.record.html import html_page
from edge.record.period import DoorPeriod
from edge.record.reading import Slot, read
from edge.record.report import Report
from edge.web.languages import languages

MONDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 29)
SHIFTS = [Shift("early <b>", 360, 840), Shift("night", 1320, 1800)]
NONE = Checksums({}, ())
VOID = {"meta", "path", "rect"}


class Tree(HTMLParser):
    """Fails for a tag that is not closed in its place; collects what a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass


def slots() -> Iterator[tuple[float, Counts]]:
    nine = datetime(2026, 11, 23, 9).timestamp()
    for number in range(8):
        yield nine + 900 * number, Counts(people=10, mask=7, no_mask=2, unsure=1, alerts=2, watched=900.0)
    yield nine + 7200, Counts(paused=900.0)


def page(
    path: Path, first: date = MONDAY, last: date = MONDAY, *, checksums: Checksums = NONE, language: str = "en"
) -> str:
    report = Report(first, last, partial(read, path), datetime(2026, 12, 2).timestamp(), shifts=SHIFTS)
    text = "".join(html_page(report, checksums, "entrance", language, languages()[language]))
    tree = Tree()
    tree.feed(text)
    assert not tree.open and not tree.loaded, "it is whole, and needs no other file"
    return text


@pytest.fixture
def record(tmp_path: Path) -> Path:
    fill_counts(tmp_path / "record.db", slots())
    return tmp_path / "record.db"


def test_a_day(record: Path) -> None:
    text = page(record, checksums=Checksums({"2026-11-23": "ab" * 32}, ("1234abcd", "unknown")))
    assert "<title>entrance: 2026-11-23</title>" in text
    assert "80 people: 56 with a mask, 16 without, 0 with a mask worn wrongly, 8 unsure; 16 alerts." in text
    assert "With a mask: 78% of those judged (95 % interval: 67% to 86%)." in text
    assert (
        "<th>Shift</th>" in text
        and '<th scope="row">early &lt;b&gt;</th><td>80</td>' in text
        and "78% (67%–86%)" in text
    )
    assert "belongs to the day on which it begins" in text
    assert f"2026-11-23 {'ab' * 32}" in text and "maskwatch audit --verify" in text
    assert f"Counted by: yunet, {MODEL}." in text and "Configuration: 1234abcd, unknown." in text
    assert "haar" not in text


def test_before_the_first_shift_of_today_there_is_no_table_of_shifts(record: Path) -> None:
    report = Report(SUNDAY, SUNDAY, partial(read, record), datetime(2026, 11, 29, 5).timestamp(), shifts=SHIFTS)
    ids = Checksums({}, tuple(f"{number:08x}" for number in range(12)))
    text = "".join(html_page(report, ids, "entrance", "en", languages()["en"]))
    assert "<table>" not in text and 'class="small">A shift that' in text
    assert "Configuration: …, 00000002, " in text


def test_models_of_many_doors_are_named_up_to_a_number(tmp_path: Path) -> None:
    """A store has what every door claims."""
    nine = datetime(2026, 11, 23, 9).timestamp()
    claimed = [f"model {number:03} {'x' * 180}" for number in range(300)]
    slots = [Slot(int(nine), "yunet", model, Counts(people=1, mask=1, watched=900.0)) for model in claimed]
    report = Report(MONDAY, MONDAY, lambda start, end: slots, datetime(2026, 12, 2).timestamp())
    text = "".join(html_page(report, NONE, "All doors", "en", languages()["en"]))
    assert text.count("yunet, model") == 10 and "Counted by: …; yunet, model 290 x" in text and "x" * 61 not in text


def test_unknown_time_is_neither_zero_nor_left_out(record: Path) -> None:
    text = page(record)
    hatched = text.count('fill="url(#hatch)"')
    assert hatched == 22 and ">0</text>" not in text, "9 and 10 o'clock were watched"
    assert '<th scope="row">night</th><td class="unknown" colspan="7">unknown</td><td>8 h</td>' in text
    assert "Unknown: 22 h (paused 15 min, not running 21.8 h)" in text
    assert "00:00 – 09:00: 9 h (not running 9 h)" in text
    fill_counts(record, [(datetime(2026, 11, 23, 11, 15).timestamp(), Counts(watched=300.0))])
    assert "between 11:00 and 00:00: 12.9 h (paused 15 min, not running 12.7 h)" in page(record)
    nothing = page(record, date(2026, 10, 1), date(2026, 10, 1))
    assert "Nothing is known of this time" in nothing and not re.search(r"<td>0</td>", nothing)


def test_below_30_people_there_is_no_share(tmp_path: Path) -> None:
    fill_counts(tmp_path / "record.db", [(datetime(2026, 11, 23, 9).timestamp(), Counts(people=29, mask=29))], "haar")
    text = page(tmp_path / "record.db")
    assert "Fewer than 30 people were judged" in text and "100%" not in text.partition("</style>")[2]
    assert "The detector haar counted" in text


def test_longer_times_have_days_then_months(record: Path) -> None:
    week = page(record, MONDAY, SUNDAY)
    assert "By day" in week and week.count('<th scope="row">2026-11-') == 7
    assert "2026-11-23 11:00 – 2026-11-30 00:00" in week, "the days of an outage are named"
    assert "By month" in page(record, date(2026, 10, 1), date(2026, 12, 31))


def test_doors_are_a_table_while_they_fit(record: Path) -> None:
    def of_doors(number: int, first: date) -> str:
        doors = [
            DoorPeriod(f"door-{n}", 900.0, Counts(people=1, mask=1, watched=900.0), {"haar"}) for n in range(number)
        ]
        report = Report(first, SUNDAY, partial(read, record), datetime(2026, 12, 2).timestamp(), shifts=SHIFTS)
        return "".join(html_page(report, NONE, "All doors", "en", languages()["en"], doors))

    assert '<th scope="row">door-30 (haar)</th><td>1</td>' in of_doors(31, MONDAY)
    assert "By day" in of_doors(31, MONDAY) and "By day" not in of_doors(31, date(2026, 11, 1))
    many = of_doors(32, MONDAY)
    assert "By door" not in many and "A table of more than 31 doors is not printed" in many


def test_letters_are_smaller_where_there_is_more_to_say(record: Path) -> None:
    def size(text: str) -> float:
        (found,) = re.findall(r"font: ([\d.]+)pt", text)
        return float(found)

    many = Checksums({f"2026-11-{day:02}": "ab" * 32 for day in range(1, 31)}, ())
    month = page(record, date(2026, 11, 1), date(2026, 11, 30), checksums=many)
    assert size(page(record)) == 8 > size(month) > 6
    assert month.count("ab" * 32) == 30
    watched = [(datetime(2026, 11, day, 9).timestamp(), Counts(watched=900.0)) for day in range(1, 30)]
    fill_counts(record, watched)  # between them are many outages
    many_shifts = [Shift(f"{hour}", 60 * hour, 60 * hour + 60) for hour in range(12)]
    now = datetime(2026, 12, 2).timestamp()
    report = Report(date(2026, 11, 1), date(2026, 11, 30), partial(read, record), now, shifts=many_shifts)
    crowded = "".join(html_page(report, many, "entrance", "de", languages()["de"]))
    assert "ab" * 32 not in crowded and "maskwatch audit --verify" in crowded, "left out, but not without a word"


@pytest.mark.parametrize("language", languages())
def test_every_language_has_what_it_says(tmp_path: Path, language: str) -> None:
    path, nine = tmp_path / "record.db", datetime(2026, 11, 23, 9).timestamp()
    fill_counts(path, [*slots(), (nine + 9000, Counts(people=1, mask=1, blind=600.0, unsynced=900.0))], "haar")
    many = Checksums({"2026-11-23": "ab" * 32}, ("1234abcd",))
    texts = [page(path, MONDAY, last, checksums=many, language=language) for last in (MONDAY, SUNDAY)]
    texts += [page(path, date(2026, 10, 1), SUNDAY, language=language), page(tmp_path / "none", language=language)]
    assert all(f'<html lang="{language}">' in text for text in texts)
    assert not [text for text in texts if re.search(r"\{\w+\}|report\.", text.partition("</style>")[2])]


def test_what_the_audit_trail_says_of_the_days(tmp_path: Path) -> None:
    path = tmp_path / TRAIL
    assert path == StateFiles(tmp_path).audit
    assert read_checksums(path, MONDAY, SUNDAY) == read_checksums(None, MONDAY, SUNDAY) == NONE
    trail = AuditTrail(path)
    for day, checksum, config in (("22", "0", "a"), ("23", "1", "b"), ("24", "2", "b"), ("23", "3", "c")):
        trail.append("day", {"day": f"2026-11-{day}", "sha256": checksum, "config": config})
    trail.append("change", {"option": "decide.seconds"})
    with path.open("a") as file:
        file.write(json.dumps({"what": "day", "day": "2026-11-25"})[:-3])  # a power cut
    found = read_checksums(path, MONDAY, SUNDAY)
    assert found == Checksums({"2026-11-23": "3", "2026-11-24": "2"}, ("c", "b")), "the last line of a day counts"
