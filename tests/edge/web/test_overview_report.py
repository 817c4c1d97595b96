"""``maskwatch watch --web --store``: reports of all doors out of the database, and of one."""

import csv
import io
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.brokers import free_port
from support.browsing import Client
from support.filled import fill_doors, quarters

from edge.record.counts import Counts
from edge.record.period import DOOR_COLUMNS
from edge.record.times import day_start
from edge.store.address import parse_address
from edge.store.engine import open_engine

START = day_start(date(2026, 11, 23))
END = START + 86400
MONDAY = "from=2026-11-23&to=2026-11-23"

Watch = Callable[..., Client]


@pytest.fixture
def watch(maskwatch: Any, mosquitto: Any) -> Watch:
    broker = mosquitto().start()

    def start(*more: str) -> Client:
        port = free_port()
        process = maskwatch("watch", "--broker", broker.address, "--web", "--web-port", port, *more)
        process.wait_for("the page is at")
        return Client(port)

    return start


def test_reports_of_all_doors_and_of_one(watch: Watch, tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path}/doors.db"
    with closing(open_engine(parse_address(store), writes=True)) as engine:
        fill_doors(engine, quarters("left", START, END, Counts(people=2, mask=1, no_mask=1, watched=900.0)), "haar")
        fill_doors(engine, quarters("right", START + 43200, END, Counts(people=1, mask=1, watched=900.0)))
    client = watch("--store", store)
    assert client.ask("/api/doors").json["reports"] is True and "report.js" in client.ask("/report").text
    found = client.ask(f"/api/report?{MONDAY}").json
    assert (found["many"], found["device"], found["names"]) == (True, "", ["left", "right"])
    bias = {"doors": ["left"], "of_doors": 2, "people": 192, "of_people": 240}
    assert found["bias"] == bias | {"is_partial": True, "names": "left"}
    assert (found["total"]["people"], found["total"]["watched_s"], found["total"]["unknown_s"]) == (240, 129600, 0)
    assert [(row["label"], row["people"], row["detector"]) for row in found["doors"]] == [
        ("left", 192, "haar"), ("right", 48, "yunet"),
    ]  # fmt: skip
    one = client.ask(f"/api/report?{MONDAY}&door=right").json
    assert (one["device"], one["total"]["people"], one["bias"]) == ("right", 48, None)
    assert len(one["hours"]) == 24 and one["hours"][0]["unknown"] and one["total"]["unknown_s"] == 43200
    answer = client.ask(f"/api/report.csv?{MONDAY}&by=door")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert list(rows[0]) == ["door", *DOOR_COLUMNS] and [row["door"] for row in rows] == ["left", "right"]
    assert 'filename="maskwatch-all-doors-counts-2026-11-23.csv"' in answer.headers["Content-Disposition"]
    note = client.ask(f"/api/report.json?{MONDAY}").json["note"]
    assert note.startswith("1 of 2 doors (left), 192 of 240 people, were counted with the detector haar")
    assert len(client.ask(f"/api/report.json?{MONDAY}&door=left&by=door").json["rows"]) == 1
    page = client.ask(f"/api/report.html?{MONDAY}").text
    assert "<title>All doors: 2026-11-23</title>" in page
    assert "Counted with the detector haar: 1 of 2 doors (left), 192 of 240 people." in page
    with closing(open_engine(parse_address(store), writes=True)) as engine:
        for number in range(12):
            row = ("right", START + 43200, Counts(people=1, mask=1, watched=900.0))
            fill_doors(engine, [row], model=f"model {number:02}")
    listed = client.ask(f"/api/report?{MONDAY}&door=right").json["detectors"]
    assert len(listed) == 11 and listed[0] == "…" and listed[-1] == "yunet, model 11"
    answer = client.ask(f"/api/report?{MONDAY}&door=porch")
    assert (answer.status, answer.json["error"]) == (404, "the store has no door 'porch'; it has left, right")
    answer = client.ask(f"/api/report.csv?{MONDAY}&by=alert")
    assert answer.status == 400 and "by 'alert' is not one of hour" in answer.json["error"]


def test_a_database_that_cannot_be_read_is_said(watch: Watch, tmp_path: Path) -> None:
    client = watch("--store", "postgresql://maskwatch:hidden@127.0.0.1:1/doors")
    for address in ("/api/report", "/api/report.csv?by=door", "/api/report.html"):
        answer = client.ask(address)
        assert answer.status == 503 and "127.0.0.1:1" in answer.text and "hidden" not in answer.text


def test_without_a_store_there_are_no_reports(watch: Watch) -> None:
    client = watch()
    assert client.ask("/api/doors").json["reports"] is False
    assert client.ask("/report").status == 404 and client.ask("/api/report").status == 404
