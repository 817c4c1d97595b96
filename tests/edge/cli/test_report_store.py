"""``maskwatch report --store``: all doors of a database, each door, one door, and what cannot be read."""

import csv
import io
import json
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.commands import maskwatch
from support.filled import fill_alerts, fill_doors, quarters

from edge.record.counts import Counts
from edge.record.period import COLUMNS, DOOR_COLUMNS
from edge.record.times import day_start
from edge.store.address import parse_address
from edge.store.engine import open_engine

START = day_start(date(2026, 11, 23))
END = START + 86400
MONDAY = ("--from", "2026-11-23", "--to", "2026-11-23")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with two doors, of which the second came at noon."""
    address = f"sqlite:{tmp_path_factory.mktemp('store')}/doors.db"
    with closing(open_engine(parse_address(address), writes=True)) as engine:
        fill_doors(engine, quarters("left", START, END, Counts(people=2, mask=1, no_mask=1, watched=900.0)), "haar")
        fill_doors(engine, quarters("right", START + 43200, END, Counts(people=1, mask=1, watched=900.0)))
        fill_alerts(engine, [{"door": "right", "id": "=1", "moment": round(1000 * START) + 50_000_000}])
    return address


def report(tmp_path: Path, *words: str) -> Any:
    return maskwatch("report", *words, env={"STATE_DIRECTORY": str(tmp_path)})


def test_all_doors_by_month(store: str, tmp_path: Path) -> None:
    done = report(tmp_path, "--store", store, *MONDAY, "--by", "month", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    (row,) = data["rows"]
    assert data["device"] is None and "too low" in data["note"] and len(data["detectors"]) == 2
    assert (row["month"], row["people"], row["mask"], row["watched_s"], row["unknown_s"]) == (
        "2026-11", 240, 144, 129600, 0,
    )  # fmt: skip


def test_each_door_says_who_counted(store: str, tmp_path: Path) -> None:
    done = report(tmp_path, "--store", store, *MONDAY, "--by", "door", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert list(rows[0]) == ["door", *DOOR_COLUMNS]
    assert [(row["door"], row["people"], row["detector"]) for row in rows] == [
        ("left", "192", "haar"), ("right", "48", "yunet"),
    ]  # fmt: skip
    text = report(tmp_path, "--store", store, *MONDAY, "--by", "door").stdout.decode()
    assert "note: 1 of 2 doors (left), 192 of 240 people, were counted with the detector haar" in text
    assert "total" in text


def test_before_the_first_door_nothing_is_known(store: str, tmp_path: Path) -> None:
    text = report(
        tmp_path, "--store", store, "--from", "2026-01-01", "--to", "2026-01-02", "--by", "door"
    ).stdout.decode()
    (total,) = text.splitlines()[1:]
    assert total.split()[0] == "total" and set(total.split()[1:]) == {"unknown"}


def test_one_door(store: str, tmp_path: Path) -> None:
    done = report(tmp_path, "--store", store, "--door", "right", *MONDAY, "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert list(rows[0]) == ["hour", *COLUMNS] and sum(int(row["people"] or 0) for row in rows) == 48
    assert [row["unknown_s"] for row in rows] == ["3600"] * 12 + ["0"] * 12, "before it came, nothing is known"
    done = report(tmp_path, "--store", store, "--door", "porch", *MONDAY)
    assert done.returncode == 2 and b"the store has no door 'porch'; it has left, right" in done.stderr


def test_alerts(store: str, tmp_path: Path) -> None:
    text = report(tmp_path, "--store", store, *MONDAY, "--by", "alert").stdout.decode()
    assert "right  no_mask" in text and text.endswith("1 alerts from 2026-11-23 to 2026-11-23\n")
    (row,) = csv.DictReader(
        io.StringIO(report(tmp_path, "--store", store, *MONDAY, "--by", "alert", "--csv").stdout.decode(), newline="")
    )
    assert row["id"] == "'=1" and row["door"] == "right" and not row.keys() & {"track", "x0"}


def test_html_of_all_doors(store: str, tmp_path: Path) -> None:
    text = report(tmp_path, "--store", store, *MONDAY, "--html").stdout.decode()
    assert "<title>All doors: 2026-11-23</title>" in text and "240 people" in text and ">left (haar)<" in text
    assert (
        "<title>right: 2026-11-23</title>"
        in report(tmp_path, "--store", store, "--door", "right", *MONDAY, "--html").stdout.decode()
    )


def test_the_address_from_a_private_file(store: str, tmp_path: Path) -> None:
    file = tmp_path / "store.address"
    file.write_text(store)
    file.chmod(0o600)
    assert b"left" in report(tmp_path, "--store", str(file), *MONDAY, "--by", "door").stdout
    file.chmod(0o644)
    done = report(tmp_path, "--store", str(file))
    assert done.returncode == 2 and b"can be read by every user" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--door", "porch"), 2, "--door and --by door need --store: the state folder has the counts of one door"),
        (("--by", "door"), 2, "--door and --by door need --store"),
        (("--store",), 2, "--store needs the address of a database"),
        (("--store", "sqlite:/nowhere/doors.db"), 1, "sqlite:/nowhere/doors.db does not exist"),
        (("--store", "postgresql://u:hidden@127.0.0.1:1/d"), 1, "cannot be reached: Connection refused"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = report(tmp_path, *words)
    text = done.stderr.decode()
    assert done.returncode == code and sentence in text and len(text.splitlines()) == 1, text
    assert "hidden" not in text and not done.stdout
