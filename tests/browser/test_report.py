"""The report of a day and a week in a browser, and on paper: one A4 page; the same as a file."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Visit
from support.browsing import Watched
from support.recorded import fill_counts, history_of

from edge.record.counts import Counts

pytestmark = pytest.mark.browser
THURSDAY = datetime(2026, 3, 26, 9)
SHIFTS = ["Frühdienst Station Nord 06:00-07:00", *(f"{hour} {hour:02}:00-{hour + 1:02}:00" for hour in range(7, 17))]
SHIFTS += ["night 22:30-06:00"]
"""As many as there may be."""


@pytest.fixture
def watched(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> Iterator[Watched]:
    """A door with a busy week, in which watching was paused from time to time."""
    folder, monday = tmp_path / "kept", datetime(2026, 3, 23).timestamp()
    folder.mkdir()
    history_of(folder / "outbox.db", 300, newest=datetime(2026, 3, 26, 20).timestamp(), apart=120)
    came = Counts(people=12, mask=6, no_mask=5, unsure=1, alerts=5, watched=900.0)
    slots = [(monday + 900 * number, came) for number in range(7 * 96) if number % 9]
    fill_counts(folder / "record.db", [*slots, (THURSDAY.timestamp(), Counts(paused=900.0))], "haar")
    days = [f"2026-03-{day}" for day in range(23, 30)]
    lines = [{"what": "day", "day": day, "sha256": f"{day[-2:]}" * 32, "config": f"1234ab{day[-2:]}"} for day in days]
    (folder / "audit.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = f'[state]\nfolder = "{folder}"\n[report]\nshifts = {json.dumps(SHIFTS)}\n'
    with closing(Watched(maskwatch, tmp_path, text, "--broker", mosquitto().start().address)) as door:
        yield door


def assert_one_page(page: Any) -> None:
    """Asserts that it prints on one A4 page."""
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert box and [round(float(side) * 25.4 / 72) for side in box.groups()] == [210, 297]


def open_report(visit: Visit, watched: Watched, query: str) -> Any:
    visit.page.goto(f"http://127.0.0.1:{watched.port}/report{query}")
    visit.page.locator("#tables table").first.wait_for()
    return visit.page


def test_a_day_and_its_neighbours(visit: Visit, watched: Watched) -> None:
    page = open_report(visit, watched, "?day=2026-03-26")
    assert "Thursday" in page.locator("h1").inner_text()
    assert page.locator("#tables tbody tr").count() == len(SHIFTS) + 1 + 24
    notes = page.locator("#notes").inner_text()
    assert "too low" in notes and "Unknown: " in notes and "95 % interval" in notes
    assert "paused" in page.locator("#outages").inner_text()
    assert page.locator("#alert-list li").count() == 40 and "more" in page.locator("#alert-list p").inner_text()
    page.get_by_role("button", name="Next").click()
    visit.wait_for_script("document.querySelector('h1').textContent.includes('Friday')")
    assert page.url.endswith("?day=2026-03-27")
    page.go_back()
    visit.wait_for_script("document.querySelector('h1').textContent.includes('Thursday')")
    page.get_by_label("Date").fill("2026-03-24")
    visit.wait_for_script("document.querySelector('h1').textContent.includes('Tuesday')")
    page.get_by_role("button", name="Week").click()
    visit.wait_for_script("document.querySelectorAll('#tables table').length === 3")
    assert (
        page.url.endswith("?week=2026-03-23") and page.locator("#tables tbody tr").count() == len(SHIFTS) + 1 + 7 + 24
    )
    for kind, what in (("CSV", "counts"), ("HTML", "report")):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind).click()
        name = f"maskwatch-entrance-{what}-2026-03-23-to-2026-03-29.{kind.lower()}"
        assert download.value.suggested_filename == name


def test_a_day_of_which_nothing_is_known_shows_no_zero(visit: Visit, watched: Watched) -> None:
    page = open_report(visit, watched, "?day=2026-02-02")
    assert page.locator("#tables td.unknown").count() == len(SHIFTS) + 1 + 24
    assert not re.search(r"(?<!\S)0(?!\S)", "".join(page.locator("#tables tbody").all_inner_texts()))
    assert "Nothing is known" in page.locator("#notes").inner_text()


def test_shifts_and_what_the_audit_trail_says(visit: Visit, watched: Watched) -> None:
    page = open_report(visit, watched, "?week=2026-03-23")
    shifts = page.locator("#tables table").first
    assert shifts.locator("caption").inner_text() == "By shift"
    names = shifts.locator("tbody th").all_inner_texts()
    assert names == ["Frühdienst Station Nord", *map(str, range(7, 17)), "night", "outside shifts"]
    assert re.search(r"50\s?% \(\d+\s?%–\d+\s?%\)|55\s?% \(\d+\s?%–\d+\s?%\)", shifts.inner_text())
    assert "begins" in page.locator("#tables p").inner_text()
    checksums = page.locator("#checksums li").all_inner_texts()
    assert len(checksums) == 7 and checksums[0] == f"2026-03-23 {'23' * 32}"
    assert "Configuration: 1234ab23" in page.locator("#made").inner_text()


def test_today_is_shown_without_dates_and_wrong_ones_are_refused(visit: Visit, watched: Watched) -> None:
    page = open_report(visit, watched, "")
    assert page.get_by_role("button", name="Next").is_disabled()
    visit.errors.clear()
    page.goto(f"http://127.0.0.1:{watched.port}/report?day=never")
    page.locator("#failed").wait_for()
    assert "cannot be shown" in page.locator("#failed").inner_text()
    visit.errors.clear()  # of the request that the device refuses


@pytest.mark.parametrize("query", ["?day=2026-03-26", "?week=2026-03-23"])
@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_it_prints_on_one_page(chromium: Any, watched: Watched, tmp_path: Path, query: str, language: str) -> None:
    with closing(Visit(chromium, watched, locale=language)) as visit:
        page = open_report(visit, watched, query)
        assert_one_page(page)
        page.emulate_media(media="print")
        assert not page.get_by_role("button").first.is_visible(), "no control is printed"
        visit.save_screenshot(f"report-{query[1:4]}")


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_the_file_prints_on_one_page_and_needs_no_other(
    chromium: Any, watched: Watched, tmp_path: Path, language: str
) -> None:
    requested: list[str] = []
    with closing(chromium.new_context(locale=language)) as context:
        page = context.new_page()
        page.on("request", lambda request: requested.append(request.url))
        for first, last in (("03-26", "03-26"), ("03-01", "03-31"), ("01-01", "12-31")):
            answer = watched.client.ask(f"/api/report.html?from=2026-{first}&to=2026-{last}", Accept_Language=language)
            assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html")
            file = tmp_path / f"report-{first}.html"
            file.write_bytes(answer.body)
            page.goto(file.as_uri())
            assert page.locator("html").get_attribute("lang") == language[:2]
            assert page.locator("svg rect").count() > 24 and page.locator("table").count() > 0
            assert_one_page(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert requested.pop() == file.as_uri() and not requested


def test_it_fits_a_phone(chromium: Any, watched: Watched) -> None:
    with closing(Visit(chromium, watched, viewport={"width": 360, "height": 740}, color_scheme="dark")) as visit:
        page = open_report(visit, watched, "?week=2026-03-23")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        visit.save_screenshot("report-phone")
