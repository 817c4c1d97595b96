"""The alerts in a browser: a gallery by hour, new ones at the top, paging, searching, marks, exports, people."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser.visit import Tab, Visit
from support import DOOR
from support.browsing import BARE, Watched
from support.cameras import clip_pictures
from support.recorded import fill_counts, history_of

from edge.record.counts import Counts

pytestmark = pytest.mark.browser
NUMBER = 70


@pytest.fixture
def watched(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> Iterator[Watched]:
    """A door with 70 earlier alerts, one per minute, and with people of the last weeks."""
    folder, now = tmp_path / "kept", time.time()
    folder.mkdir()
    history_of(folder / "outbox.db", NUMBER, newest=now - 7200)
    came = Counts(people=20, mask=8, no_mask=11, unsure=1, alerts=11, watched=900.0)
    fill_counts(folder / "record.db", [(now - 86400 * day, came) for day in range(1, 15)], "haar")
    text = f'[state]\nfolder = "{folder}"\n[snapshots]\nmode = "blurred"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--broker", mosquitto().start().address)) as door:
        yield door


def open_alerts(visit: Tab) -> Any:
    visit.page.get_by_role("link", name="Alerts", exact=True).click()
    cards = visit.page.locator("#list li")
    cards.first.wait_for()
    return cards


def show_nobody(watched: Watched) -> None:
    empty = cv2.VideoCapture(str(DOOR)).read()[1]
    watched.camera.show(lambda number: cv2.add(empty, np.full_like(empty, number % 2)))


def wait_until_nobody_comes(visit: Tab, watched: Watched) -> None:
    show_nobody(watched)
    visit.page.wait_for_timeout(6000)  # longer than a track is kept


def test_a_new_alert_is_added_at_the_top_and_all_else_stays(visit: Visit, watched: Watched) -> None:
    cards, page = open_alerts(visit), visit.page
    wait_until_nobody_comes(visit, watched)
    count = cards.count()
    button = page.locator("#list li button").nth(3)
    button.focus()
    page.evaluate(
        """() => {
            window.kept = [...document.querySelectorAll("#list li")];
            window.removed = 0;
            window.told = [];
            new MutationObserver(all => all.forEach(one => removed += one.removedNodes.length))
                .observe(document.querySelector("#list"), { childList: true, subtree: true });
            new MutationObserver(() => told.push(document.querySelector("#news").textContent))
                .observe(document.querySelector("#news"), { childList: true, characterData: true, subtree: true });
        }"""
    )
    watched.camera.show(clip_pictures(DOOR, *BARE, 1))
    visit.wait_for_script(f"document.querySelectorAll('#list li').length > {count}")
    assert page.evaluate("removed") == 0, "nothing is built anew"
    assert page.evaluate("kept.every(card => card.isConnected)")
    assert page.evaluate("kept[3].contains(document.activeElement)"), "the focus stays"
    assert "No mask" in cards.first.inner_text() and cards.first.locator("img").count() == 1
    visit.wait_for_script("told.length > 0")
    assert all(text.startswith("New alert: No mask, ") for text in page.evaluate("told"))
    live = "[...document.querySelectorAll('#alerts [aria-live], #alerts [role=status]')].map(one => one.id)"
    assert page.evaluate(live) == ["news"], "the list itself is not read out"


def test_a_new_alert_moves_nothing_for_whoever_looks_at_older_ones(chromium: Any, watched: Watched) -> None:
    phone = {"width": 360, "height": 740}
    with closing(Visit(chromium, watched, viewport=phone)) as visit:
        cards, page = open_alerts(visit), visit.page
        wait_until_nobody_comes(visit, watched)
        page.evaluate(
            """() => {
                window.shift = 0;
                new PerformanceObserver(list => list.getEntries().forEach(one => shift += one.value))
                    .observe({ type: "layout-shift" });
                new MutationObserver(() => window.told = true)
                    .observe(document.querySelector("#news"), { childList: true, characterData: true, subtree: true });
            }"""
        )
        count, old = cards.count(), cards.nth(9)
        old.scroll_into_view_if_needed()
        page.evaluate("scrollBy(0, 400)")
        top = old.bounding_box()["y"]
        watched.camera.show(clip_pictures(DOOR, *BARE, 1))
        visit.wait_for_script("window.told")
        page.wait_for_timeout(1000)
        assert (cards.count(), old.bounding_box()["y"]) == (count, top)
        page.evaluate("scrollTo(0, document.querySelector('#found').offsetTop - 80)")
        visit.wait_for_script(f"document.querySelectorAll('#list li').length > {count}")
        page.wait_for_timeout(1000)
        assert page.evaluate("shift") < 0.05


def test_older_alerts_come_on_demand_until_all_are_there(visit: Visit, watched: Watched) -> None:
    cards, page = open_alerts(visit), visit.page
    wait_until_nobody_comes(visit, watched)
    assert cards.count() < NUMBER
    page.get_by_role("button", name="Show older alerts").click()
    visit.wait_for_script("document.getElementById('more').hidden")
    assert cards.count() >= NUMBER
    assert page.evaluate("document.activeElement.closest('#list li') !== null"), "the focus goes to what has come"
    ids = page.evaluate("[...document.querySelectorAll('#list li')].map(one => one.dataset.id)")
    assert len(set(ids)) == len(ids)
    hours = page.evaluate("[...document.querySelectorAll('#list > div')].map(one => one.dataset.key)")
    assert len(set(hours)) == len(hours) and hours == sorted(hours, reverse=True)
    visit.save_screenshot("alerts-gallery")


def test_a_search_by_kind_and_hour_and_its_export(visit: Visit, watched: Watched) -> None:
    cards, page = open_alerts(visit), visit.page
    page.get_by_label("Kind").select_option("incorrect_mask")
    visit.wait_for_script("!document.querySelector('#list .no_mask')")
    assert cards.count() == NUMBER // 4 + (NUMBER % 4 > 3)
    assert "17 alerts" in page.locator("#found").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 18 and all(",incorrect_mask," in line for line in lines[1:])
    assert download.value.suggested_filename.startswith("maskwatch-entrance-alerts-")
    page.locator("#search [name=to]").fill("2020-01-01")
    visit.wait_for_script("document.querySelectorAll('#list li').length === 0")
    assert "No alert matches" in page.locator("#none").inner_text()


def test_marks_appear_on_other_pages_and_after_a_reload(visit: Visit, watched: Watched, chromium: Any) -> None:
    cards = open_alerts(visit)
    wait_until_nobody_comes(visit, watched)
    with closing(Visit(chromium, watched)) as other:
        others = open_alerts(other)
        id = cards.nth(2).get_attribute("data-id")
        cards.nth(2).get_by_role("button").click()
        for tab in (visit, other):
            tab.wait_for_script(f"document.querySelector('[data-id=\"{id}\"].seen') !== null")
        assert others.locator("nth=2").get_by_role("button").get_attribute("aria-pressed") == "true"
        other.page.get_by_role("button", name="Mark all found as seen").click()
        for tab in (visit, other):
            tab.wait_for_script("!document.querySelector('#list li:not(.seen)')")
    visit.page.reload()
    visit.page.locator("#search [name=seen]").select_option("no")
    visit.wait_for_script("document.querySelectorAll('#list li').length === 0")


def test_people_by_hour_and_weekday_with_share_and_bias(visit: Visit, watched: Watched) -> None:
    open_alerts(visit)
    visit.page.get_by_text("People by hour and weekday").click()
    tables = visit.page.locator("#people-tables table")
    tables.first.wait_for()
    assert tables.count() == 2 and tables.nth(0).locator("tbody tr").count() == 24
    text = visit.page.locator("#people-tables").inner_text()
    assert "the share with a mask is too low" in text and "95 % interval" in text
    visit.save_screenshot("people")


@pytest.mark.parametrize("size", [(360, 740), (1366, 650)], ids=str)
def test_nothing_is_wider_than_the_screen_or_too_small_to_touch(
    chromium: Any, watched: Watched, size: tuple[int, int]
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    with closing(Visit(chromium, watched, viewport=viewport, has_touch=True)) as visit:
        open_alerts(visit)
        visit.page.get_by_text("People by hour and weekday").tap()
        visit.page.locator("#people-tables table").first.wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        small = visit.page.evaluate(
            """[...document.querySelectorAll("#alerts :is(button, a.button, select, input, summary)")]
                .filter(one => one.offsetParent && one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"""
        )
        assert small == []
