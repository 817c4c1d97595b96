"""``maskwatch report``: dates, groups, CSV and JSON, with and without files, in every locale."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.commands import ASCII, maskwatch
from support.recorded import alert, fill_counts, fill_history

from edge.record.counts import Counts
from edge.record.period import COLUMNS

MONDAY = ("--from", "2026-11-23", "--to", "2026-11-23")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a Monday on which people came from 9 to 10, and then watching was paused."""
    nine = datetime(2026, 11, 23, 9).timestamp()
    came = Counts(people=15, mask=7, no_mask=6, incorrect_mask=1, unsure=1, alerts=7, watched=900.0)
    fill_counts(tmp_path / "record.db", [(nine + 900 * n, came) for n in range(4)], "haar")
    fill_counts(tmp_path / "record.db", [(nine + 3600, Counts(paused=900.0))], "haar")
    alerts = [alert(nine + n, model="=model") for n in range(3)]
    fill_history(tmp_path / "outbox.db", [*alerts, alert(nine + 86400)])
    return tmp_path


def report(state: Path, *words: str, **env: str) -> Any:
    return maskwatch("report", *words, env={"STATE_DIRECTORY": str(state)} | env)


def test_hours_as_csv(state: Path) -> None:
    done = report(state, *MONDAY, "--csv")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.count("\r\n") == len(rows) + 1 == 25 and list(rows[0]) == ["hour", *COLUMNS]
    by_hour = {row["hour"][11:13]: row for row in rows}
    assert (by_hour["09"]["people"], by_hour["09"]["mask"], by_hour["09"]["unknown_s"]) == ("60", "28", "0")
    assert by_hour["09"]["mask_share"] == "0.5" and by_hour["09"]["clock_synced"] == "true"
    assert (by_hour["10"]["people"], by_hour["10"]["paused_s"], by_hour["10"]["unknown_s"]) == ("", "900", "3600")
    assert by_hour["10"]["clock_synced"] == "", "unknown too"


@pytest.mark.parametrize(("unit", "label"), [("day", "2026-11-23"), ("weekday", "Monday"), ("hour_of_day", "09")])
def test_sums_as_json(state: Path, unit: str, label: str) -> None:
    done = report(state, "--from", "2026-11-20", "--to", "2026-11-26", "--by", unit, "--json")
    data = json.loads(done.stdout)
    assert (data["from"], data["to"], data["device"]) == ("2026-11-20", "2026-11-26", "entrance")
    assert data["detectors"] == [{"detector": "haar", "model": "mask@12345678"}] and "too low" in data["note"]
    (row,) = [row for row in data["rows"] if row[unit] == label]
    assert (row["people"], row["no_mask"], row["alerts"]) == (60, 24, 28)
    others = [row["people"] for row in data["rows"] if row[unit] != label]
    assert others and set(others) == {None}, "unknown, not zero"


SHIFTS = """[report]\nshifts = ["early 06:00-09:30", "late 09:30-22:00", "night 22:00-06:00"]\n"""


def test_months_and_shifts(state: Path) -> None:
    file = state / "door.toml"
    file.write_text(SHIFTS)
    done = report(state, *MONDAY, "--by", "shift", "--csv", "--config", str(file))
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert [row["shift"] for row in rows] == ["early", "late", "night"]
    assert [(row["people"], row["unknown_s"]) for row in rows] == [("30", "10800"), ("30", "43200"), ("", "28800")]
    early, late, night, total = report(state, *MONDAY, "--by", "shift", "--config", str(file)).stdout.splitlines()[1:5]
    assert early.startswith(b"early") and b"fewer than 30 people" in early and b"unknown" in night
    assert total.startswith(b"total") and total.split()[1] == b"60"
    months = json.loads(report(state, "--from", "2026-10-31", "--to", "2026-11-30", "--by", "month", "--json").stdout)
    assert [(row["month"], row["people"]) for row in months["rows"]] == [("2026-10", None), ("2026-11", 60)]


def test_a_page_of_html(state: Path) -> None:
    (state / "door.toml").write_text(SHIFTS)
    done = report(state, *MONDAY, "--html", "--config", str(state / "door.toml"), **ASCII)
    text = done.stdout.decode("utf-8")
    assert done.returncode == 0 and text.startswith("<!doctype html>") and text.endswith("</html>\n")
    assert "60 people: 28 with a mask" in text and "By shift" in text and "haar" in text
    assert "By shift" not in report(state, *MONDAY, "--html").stdout.decode()


def test_alerts_as_csv_json_and_text(state: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(report(state, *MONDAY, "--by", "alert", "--csv").stdout.decode(), newline=""))
    )
    assert len(rows) == 3 and {row["model"] for row in rows} == {"'=model"}
    data = json.loads(report(state, *MONDAY, "--by", "alert", "--json").stdout)
    assert [one["id"] for one in data["alerts"]] == [row["id"] for row in rows]
    assert b"3 alerts from 2026-11-23 to 2026-11-23" in report(state, *MONDAY, "--by", "alert").stdout


def test_the_table_says_unknown_share_and_bias(state: Path) -> None:
    text = report(state, *MONDAY).stdout.decode()
    nine, ten = text.splitlines()[10:12]
    assert "50% (37% to 63%)" in nine and ten.count("unknown") == 7 and "60 min" in ten
    assert "note: counted with the detector haar" in text
    few = report(state, "--from", "2026-11-24", "--to", "2026-11-24").stdout.decode()
    assert "fewer than 30 people" not in few and "note" not in few


@pytest.mark.parametrize("words", [(), ("--by", "alert")], ids=str)
def test_a_damaged_file_is_told_with_what_to_do(state: Path, words: tuple[str, ...]) -> None:
    name = "outbox.db" if words else "record.db"
    (state / name).write_bytes(b"no database" * 100)
    done = report(state, *MONDAY, *words)
    told = f"{name} is damaged (file is not a database); maskwatch repairs it by itself while it runs: start it"
    assert done.returncode == 1 and told.encode() in done.stderr, done.stderr


def test_export_is_utf8_in_a_locale_without_it(state: Path) -> None:
    fill_history(state / "outbox.db", [alert(datetime(2026, 11, 23, 12).timestamp(), model="Maske-ü")])
    done = report(state, *MONDAY, "--by", "alert", "--csv", **ASCII)
    assert "Maske-ü" in done.stdout.decode("utf-8"), done.stderr


def test_without_a_file_nothing_was_counted(tmp_path: Path) -> None:
    assert b"nothing was counted yet" in report(tmp_path).stdout
    assert len(json.loads(report(tmp_path, *MONDAY, "--json").stdout)["rows"]) == 24


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--from", "today"), "--from 'today' is not a date of the calendar: write it like 2026-11-27"),
        (("--to", "2026-13-01"), "--to '2026-13-01' is not a date of the calendar"),
        (("--from", ""), "--from '' is not a date"),
        (
            ("--from", "2026-11-24", "--to", "2026-11-23"),
            "--from 2026-11-24 is after --to 2026-11-23: exchange the two",
        ),
        (("--from", "9000-01-01"), "--from 9000-01-01 is in the future: without --to, a report ends today, 20"),
        (("--from", "1970-01-02"), "from and to are more than 3660 days apart"),
        (("--to", "0001-01-02"), "--to '0001-01-02' is not a date of the calendar"),
        (("--by", "shift"), "no shifts are configured; name them, for example: maskwatch set 'report.shifts=[\"early"),
        (("--by", "day", "--html"), "--html has its own tables, by hour, shift and day: leave out --by"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    done = report(tmp_path, *words)
    assert done.returncode == 2 and done.stderr.decode().startswith(f"maskwatch: {sentence}") and not done.stdout


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.db").write_bytes(b"no database" * 1000)
    done = report(tmp_path)
    assert done.returncode == 1 and b"cannot be read" in done.stderr and b"Traceback" not in done.stderr
