"""The report of all doors in a browser: from the overview to all doors and to one, and on paper."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Tab
from support.brokers import free_port
from support.filled import fill_doors, quarters

from edge.record.counts import Counts
from edge.store.address import parse_address
from edge.store.engine import open_engine

pytestmark = pytest.mark.browser
START = datetime(2026, 3, 26).timestamp()
CAME = Counts(people=12, mask=6, no_mask=5, unsure=1, alerts=5, watched=900.0)


@pytest.fixture
def served(maskwatch: Any, mosquitto: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the overview, with the counts of as many doors as the test names, of which one has haar."""
    store, port = f"sqlite:{tmp_path}/doors.db", free_port()
    with closing(open_engine(parse_address(store), writes=True)) as engine:
        for number in range(request.param):
            slots = quarters(f"door-{number:02}", START, START + 86400, CAME)
            fill_doors(engine, slots, "yunet" if number else "haar")
    broker = mosquitto().start()
    process = maskwatch("watch", "--broker", broker.address, "--web", "--web-port", port, "--store", store)
    process.wait_for("the page is at")
    yield f"http://127.0.0.1:{port}/"


def pages(page: Any) -> int:
    return len(re.findall(rb"/Type /Page\b", page.pdf(prefer_css_page_size=True, print_background=True)))


def assert_all_is_in_reach(page: Any) -> None:
    """Asserts that every table fits at 1100 pixels, and that at 500 it scrolls, with a shadow, beside the names."""
    for width, fits in ((1100, True), (500, False)):
        page.set_viewport_size({"width": width, "height": 800})
        for table in page.locator(".scroll").all():
            assert table.evaluate("one => one.scrollWidth <= one.clientWidth") is fits, width
            assert "local" in table.evaluate("one => getComputedStyle(one).backgroundAttachment")
            table.evaluate("one => one.scrollTo(9999, 0)")
            right = "one => one.getBoundingClientRect().right"
            last, name = table.locator("thead th").last, table.locator("tbody th").first
            assert last.evaluate(right) <= table.evaluate(right) + 1, "the last column is in reach"
            left = "one => one.getBoundingClientRect().left"
            assert name.evaluate(left) >= table.evaluate(left) - 1, "the name of a row stays in view"
    page.set_viewport_size({"width": 1280, "height": 720})


@pytest.mark.parametrize("served", [12], indirect=True)
def test_from_the_overview_to_all_doors_and_to_one(chromium: Any, served: str) -> None:
    tab = Tab(chromium.new_context(locale="en-GB"), served)
    with closing(tab.page):
        page = tab.page
        page.get_by_role("link", name="Report").click()
        page.locator("#door").wait_for()
        page.goto(f"{served}report?day=2026-03-26")
        page.get_by_role("heading", name="All doors: Thursday").wait_for()
        rows = page.locator("#tables table").first.locator("tbody tr")
        assert rows.count() == 12 and rows.first.locator("th").inner_text() == "door-00 (haar)"
        haar = "haar: 1 of 12 doors (door-00), 1152 of 13824 people."
        assert haar in page.locator("#notes").inner_text()
        assert_all_is_in_reach(page)
        assert "by=door" in page.locator("#csv").get_attribute("href")
        assert pages(page) == 1
        tab.save_screenshot("report-all-doors")
        page.locator("#door").select_option("door-03")
        page.get_by_role("heading", name="door-03: Thursday").wait_for()
        assert "door=door-03" in page.url and page.locator("#tables table").count() == 1
        assert page.locator("#csv").get_attribute("href").endswith("door=door-03")
        page.get_by_role("button", name="Next").click()
        page.get_by_role("heading", name="door-03: Friday").wait_for()
        assert "Nothing is known" in page.locator("#notes").inner_text()
        page.go_back()
        page.go_back()
        page.get_by_role("heading", name="All doors: Thursday").wait_for()
        assert tab.errors == []


@pytest.mark.parametrize("served", [60], indirect=True)
def test_many_doors_are_on_the_page_but_not_on_paper(chromium: Any, served: str) -> None:
    phone = chromium.new_context(locale="de-DE", viewport={"width": 360, "height": 740})
    tab = Tab(phone, f"{served}report?day=2026-03-26")
    with closing(tab.page):
        tab.page.get_by_text("Tabelle mit mehr als 31 Türen wird nicht gedruckt").wait_for()
        assert tab.page.locator("#tables table").first.locator("tbody tr").count() == 60
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
        assert pages(tab.page) == 1
        assert tab.errors == []
