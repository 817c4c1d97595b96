"""The alerts of the page over real HTTP: paging, searching, marks, exports, snapshots, and the counts."""

import csv
import io
import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import until
from support.browsing import Watched, events_of
from support.recorded import fill_counts, history_of

from edge.mqtt.messages import AlertMessage
from edge.outbox.sql import HISTORY_KEPT
from edge.record.counts import Counts
from edge.record.reading import read_seen
from edge.web.snapshots import WIDTH, thumbnail

NOON = datetime(2026, 3, 25, 12).timestamp()
BEFORE = "to=2026-03-31"
"""Leaves out the alerts that the door raises during the test."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


@pytest.fixture
def door(maskwatch: Any, mosquitto: Any, tmp_path: Path, state: Path, earlier: list[AlertMessage]) -> Iterator[Watched]:
    text = f'[state]\nfolder = "{state}"\n[snapshots]\nmode = "blurred"\nkeep_days = 365\n'
    with closing(Watched(maskwatch, tmp_path, text, "--broker", mosquitto().start().address)) as watched:
        yield watched


@pytest.fixture
def earlier(state: Path) -> list[AlertMessage]:
    """130 alerts, one per minute until noon of a day, the newest first."""
    return history_of(state / "outbox.db", 130, newest=NOON)


def ask(door: Watched, query: str) -> Any:
    answer = door.client.ask(f"/api/alerts?{query}")
    assert answer.status == 200, answer.text
    return answer.json


def test_every_alert_is_reached_by_paging_once_also_while_new_ones_come(door: Watched, earlier: list[Any]) -> None:
    found: list[str] = []
    answer = ask(door, "")
    while answer["next"]:
        found += [one["id"] for one in answer["alerts"]]
        answer = ask(door, f"limit=50&before={answer['next']}")
    found += [one["id"] for one in answer["alerts"]]
    assert found[-130:] == [alert.id for alert in earlier] and len(set(found)) == len(found)


def test_a_search_counts_all_and_shows_a_part(door: Watched, earlier: list[Any]) -> None:
    answer = ask(door, f"{BEFORE}&kind=incorrect_mask&limit=10")
    expected = [alert.id for alert in earlier if alert.event_type == "incorrect_mask"]
    assert [one["id"] for one in answer["alerts"]] == expected[:10]
    assert (answer["total"], answer["unseen"]) == (len(expected), len(expected))
    eleven = ask(door, f"{BEFORE}&hour=11&limit=200")
    assert eleven["total"] == 60 and {one["local_time"][11:13] for one in eleven["alerts"]} == {"11"}
    assert ask(door, "from=2026-03-25T11:58:30&to=2026-03-25T11:59:30")["total"] == 1
    assert ask(door, "from=2026-03-26&to=2026-03-27") | {"days": []} == {
        "alerts": [], "next": None, "total": 0, "unseen": 0, "days": []
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "hour=24",
        "kind=mask",
        "limit=0",
        "limit=1e3",
        "before=x",
        "before=nan_x",
        "from=0001-01-01T00:00%2B14:00",
        "to=9999-12-31T23:59-14:00",
    ],
)
def test_a_wrong_search_is_refused_with_a_sentence(door: Watched, query: str) -> None:
    answer = door.client.ask(f"/api/alerts?{query}")
    assert answer.status == 400 and len(answer.json["error"]) > 20


def test_marks_are_kept_told_to_other_pages_and_searched(door: Watched, earlier: list[Any], state: Path) -> None:
    ids = [alert.id for alert in earlier[:2]]
    with door.client.stream("/events") as stream:
        events = events_of(stream)
        assert next(events)[0] == "now"
        answer = door.client.post("/api/alerts/seen", {"ids": ids, "seen": True})
        assert answer.json == {"marked": 2, "seen": True}
        marks = next(data for kind, data in events if kind == "marks")
    assert marks == {"ids": ids, "seen": True}
    assert {one["id"] for one in ask(door, f"{BEFORE}&seen=yes")["alerts"]} == set(ids)
    assert ask(door, f"{BEFORE}&seen=no")["total"] == 128
    door.client.post("/api/alerts/seen", {"ids": ids[:1], "seen": False})
    until(lambda: read_seen(state / "record.db") == {ids[1]}, "the marks are on disk")
    door.again()
    door.until(lambda: door.client.ask("/healthz").status, "the page is back")
    assert [one["id"] for one in ask(door, f"{BEFORE}&seen=yes")["alerts"]] == ids[1:]
    answer = door.client.post(f"/api/alerts/seen?{BEFORE}&kind=no_mask", {"all": True, "seen": True})
    assert answer.json["marked"] == sum(alert.event_type == "no_mask" for alert in earlier)
    assert ask(door, f"{BEFORE}&seen=no")["total"] == sum(alert.event_type != "no_mask" for alert in earlier)


def test_a_wrong_mark_changes_nothing(door: Watched, earlier: list[Any]) -> None:
    wrong: list[Any] = [
        [], {}, {"ids": "x", "seen": True}, {"ids": [1], "seen": True}, {"ids": [earlier[0].id]}, {"seen": True},
        {"ids": ["x"] * 6000, "seen": True}, {"ids": [earlier[0].id], "all": True, "seen": True},
    ]  # fmt: skip
    for data in wrong:
        answer = door.client.post("/api/alerts/seen", data)
        assert answer.status == 400 and answer.json["error"], data
    assert door.client.ask("/api/alerts/seen", "POST", b"{", Content_Type="application/json").status == 400
    assert door.client.post("/api/alerts/seen", {"ids": ["unknown"], "seen": True}).status == 404
    assert ask(door, "seen=yes")["total"] == 0


def test_exports_have_all_that_match(door: Watched, earlier: list[Any]) -> None:
    answer = door.client.ask(f"/api/alerts.csv?{BEFORE}&kind=no_mask")
    name = "maskwatch-entrance-alerts-2026-03-25-to-2026-03-31.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["id"] for row in rows] == [alert.id for alert in earlier if alert.event_type == "no_mask"]
    data = door.client.ask(f"/api/alerts.json?{BEFORE}").json
    assert [row["id"] for row in data["alerts"]] == [alert.id for alert in earlier]
    head = door.client.ask("/api/alerts.csv", "HEAD")
    assert head.status == 200 and not head.body
    assert door.client.ask("/api/alerts.csv?hour=x").status == 400


def test_snapshots_have_thumbnails_as_long_as_they_are_kept(door: Watched, state: Path) -> None:
    def with_snapshot() -> Any:
        return next((one for one in ask(door, "from=2026-04-01")["alerts"] if one["snapshot"]), None)

    id = door.until(with_snapshot, "an alert with a snapshot")["id"]
    whole, small = (door.client.ask(f"/api/{name}/{id}") for name in ("snapshots", "thumbnails"))
    assert (whole.status, small.status) == (200, 200) and len(small.body) < len(whole.body)
    image = cv2.imdecode(np.frombuffer(small.body, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape[1] == WIDTH
    (state / "snapshots" / f"{id}.jpg").unlink()
    assert door.client.ask(f"/api/thumbnails/{id}").status == 404
    assert door.client.ask("/api/thumbnails/0193aaaa-0000-7000-8000-000000000000").status == 404


def test_a_thumbnail_is_made_of_any_size_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    for width, height in ((3840, 2160), (640, 480), (160, 120), (3, 2)):
        cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))
        jpeg = thumbnail(path)
        assert jpeg is not None
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None and image.shape[1] <= WIDTH
    for content in (b"", b"no picture"):
        path.write_bytes(content)
        assert thumbnail(path) is None
    assert thumbnail(tmp_path / "gone.jpg") is None


def test_the_first_of_5000_alerts_come_fast(door: Watched, state: Path) -> None:
    history_of(state / "outbox.db", HISTORY_KEPT, newest=NOON - 86400)
    door.again()
    door.until(lambda: door.client.ask("/healthz").status, "the page is back")
    start = time.perf_counter()
    answer = ask(door, BEFORE)
    cold, start = time.perf_counter() - start, time.perf_counter()
    ask(door, f"{BEFORE}&kind=no_mask")
    warm = time.perf_counter() - start
    print(f"5,000 alerts: {1000 * cold:.0f} ms for the first visitor, {1000 * warm:.0f} ms for a search")
    assert answer["total"] > 4900
    assert cold < 10, "12 ms on a desk; 0.1 s where they were not read yet"


def test_the_report_has_hours_days_and_unknown_time(door: Watched, state: Path) -> None:
    came = Counts(people=40, mask=20, no_mask=18, incorrect_mask=1, unsure=1, alerts=19, watched=900.0)
    fill_counts(state / "record.db", [(NOON + 900 * number, came) for number in range(3)], "haar")
    day = door.client.ask("/api/report?from=2026-03-25&to=2026-03-25").json
    assert (day["total"]["people"], day["total"]["mask"], bool(day["bias"])) == (120, 60, True)
    assert [row["people"] for row in day["hours"]] == [None] * 12 + [120] + [None] * 11
    assert [row["unknown"] for row in day["hours"]] == [True] * 12 + [False] + [True] * 11
    week = door.client.ask("/api/report?from=2026-03-23&to=2026-03-29").json
    assert [row["people"] for row in week["days"]] == [None, None, 120, None, None, None, None] and week["hours"] == []
    text = door.client.ask("/api/report.csv?from=2026-03-25&to=2026-03-25&by=weekday").text
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["weekday"], row["people"]) == ("Wednesday", "120")
    data = json.loads(door.client.ask("/api/report.json?from=2026-03-25&to=2026-03-25").text)
    assert len(data["rows"]) == 24 and "too low" in data["note"]
    for query in (
        "from=x",
        "days=0",
        "days=401",
        "from=2026-03-26&to=2026-03-25",
        "from=2020-01-01",
        "to=0001-01-05&days=400",
    ):
        assert door.client.ask(f"/api/report?{query}").status == 400, query
    assert door.client.ask("/api/report.csv?by=minute").status == 400
    assert "no shifts are configured" in door.client.ask("/api/report.csv?by=shift").json["error"]
    assert day["shifts"] == [] and day["total"]["mask_share_low"] < 0.5 < day["total"]["mask_share_high"]
    page = door.client.ask("/api/report.html?from=2026-03-25&to=2026-03-25", Accept_Language="de")
    assert page.headers["Content-Disposition"] == 'attachment; filename="maskwatch-entrance-report-2026-03-25.html"'
    assert "120 Personen: 60 mit Maske" in page.text and page.text.endswith("</html>\n")
    assert door.client.ask("/api/report.html?days=0").status == 400


def test_people_at_the_door_are_counted_over_a_restart(door: Watched) -> None:
    def people() -> int:
        return int(door.client.ask(f"/api/report?to={date.today()}").json["total"]["people"] or 0)

    def today() -> int:
        state = door.client.ask("/api/now").json.get("state")
        return int(state["today"]["people"]) if state else 0

    before = door.until(lambda: today() >= 2 and people(), "somebody is counted")
    door.again()
    door.until(lambda: door.client.ask("/healthz").status, "the page is back")
    assert people() >= before
    assert door.until(today, "a state is shown") >= 2
    total = door.client.ask("/api/report").json["total"]
    assert total["watched_s"] > 0 and total["people"] == sum(
        total[name] for name in ("mask", "no_mask", "incorrect_mask", "unsure")
    )
