"""Zones in a browser, by touch, mouse and keyboard, and the sliders that say which faces count."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from browser.visit import Tab, Visit
from support import until
from support.browsing import Watched

from edge.config.load import load

pytestmark = pytest.mark.browser
ZONE = [[0.25, 0.2], [0.75, 0.2], [0.75, 0.8], [0.25, 0.8]]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def edit(tab: Tab) -> None:
    tab.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    tab.page.locator("#editing summary").click()
    tab.wait_for_script("document.getElementById('editing').open")


def saved(watched: Watched) -> list[Any]:
    return [zone.plain for zone in load(watched.file).detect.zones]


def save(tab: Tab) -> None:
    tab.page.get_by_role("button", name="Save", exact=True).click()
    tab.wait_for_script("/in use/.test(document.getElementById('saved').textContent)")


class Finger:
    """Touches the screen as a finger does, through Chromium's own input: it may scroll the page."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self._send("touchStart", start)
        for step in range(1, 21):
            share = step / 20
            self._send("touchMove", tuple(a + (b - a) * share for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
            self._page.wait_for_timeout(15)
        self._send("touchEnd")

    def tap(self, point: tuple[float, float]) -> None:
        self._send("touchStart", point)
        self._send("touchEnd")


def middle(tab: Tab, selector: str) -> tuple[float, float]:
    box = tab.page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def place(tab: Tab, x: float, y: float) -> tuple[float, float]:
    box = tab.page.locator("#stage").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.fixture
def phone(chromium: Any, watched: Watched) -> Iterator[Visit]:
    with closing(Visit(chromium, watched, **PHONE)) as visit:
        yield visit
        assert visit.errors == []


def test_a_finger_moves_corners_and_zones_and_adds_and_removes_corners(phone: Visit, watched: Watched) -> None:
    page, finger = phone.page, Finger(phone.page)
    edit(phone)
    page.get_by_role("button", name="Add a zone").click()
    page.evaluate("scrollTo(0, 120)")
    page.wait_for_timeout(300)
    scrolled = page.evaluate("scrollY")
    finger.drag(middle(phone, "#zone-0-0"), place(phone, 0.1, 0.6))  # mostly downwards, where a page scrolls
    finger.drag(middle(phone, "#zone-0-2"), place(phone, 0.9, 0.95))
    assert page.evaluate("scrollY") == scrolled, "the page stays under the finger"
    save(phone)
    [corners] = saved(watched)
    assert corners[0] == pytest.approx([0.1, 0.6], abs=0.02) and corners[2] == pytest.approx([0.9, 0.95], abs=0.02)
    finger.drag(place(phone, 0.65, 0.38), place(phone, 0.6, 0.28))  # inside: the zone as a whole
    finger.tap(middle(phone, "#middle-0-1"))
    save(phone)
    [whole] = saved(watched)
    assert len(whole) == 5 and whole[0] == pytest.approx([0.05, 0.5], abs=0.02)
    for _ in range(2):
        finger.tap(middle(phone, "#zone-0-2"))
    phone.wait_for_script("document.querySelectorAll('.grip.corner').length === 4")
    phone.save_screenshot("zones-phone")


def test_a_finger_scrolls_the_page_elsewhere(phone: Visit) -> None:
    edit(phone)
    finger, page = Finger(phone.page), phone.page
    page.evaluate("scrollTo(0, 0)")
    finger.drag(place(phone, 0.5, 0.9), place(phone, 0.5, 0.1))
    phone.wait_for_script("scrollY > 40")


def test_handles_are_as_large_as_a_finger_and_everything_fits_the_screen(phone: Visit) -> None:
    page = phone.page
    edit(phone)
    page.get_by_role("button", name="Add a zone").click()
    for view in ({"width": 360, "height": 740}, {"width": 740, "height": 360}):
        page.set_viewport_size(view)
        page.wait_for_timeout(300)
        sizes = page.evaluate(
            "[...document.querySelectorAll('.grip')].map(grip => [grip.offsetWidth, grip.offsetHeight])"
        )
        assert len(sizes) >= 5 and all(width >= 44 and height >= 44 for width, height in sizes)
        assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
        stage = page.locator("#stage").bounding_box()
        assert stage["height"] <= view["height"]
        phone.save_screenshot(f"zones-phone-{view['width']}")


def test_image_and_controls_are_side_by_side_on_a_laptop(chromium: Any, watched: Watched) -> None:
    with closing(Visit(chromium, watched, viewport={"width": 1366, "height": 650})) as visit:
        edit(visit)
        visit.page.get_by_role("button", name="Add a zone").click()
        visit.page.wait_for_timeout(300)
        for part in ("#stage", "#save", "#add", "#remove", "#zone-name", "#zone-0-2"):
            box = visit.page.locator(part).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= 650, f"{part} is seen without scrolling"
        visit.save_screenshot("zones-laptop")


def test_zones_are_named_removed_and_undone_by_keyboard(visit: Visit, watched: Watched) -> None:
    page = visit.page
    edit(visit)
    add, keys = page.get_by_role("button", name="Add a zone"), page.keyboard
    for name in ("left door", "right door"):
        add.press("Enter")
        page.locator("#zone-name").fill(name)
    page.locator("#shape-1").focus()
    keys.press("ArrowRight")
    keys.press("Shift+ArrowDown")
    page.locator("#middle-1-0").press("Enter")
    assert page.evaluate("document.activeElement.id") == "zone-1-1"
    save(visit)
    first, second = saved(watched)
    assert (first["name"], second["name"]) == ("left door", "right door")
    assert len(second["corners"]) == 5 and second["corners"][0] == pytest.approx([0.29, 0.28])
    page.locator("#zone-1-1").press("Delete")
    page.locator("#shape-0").press("Delete")
    save(visit)
    [only] = saved(watched)
    assert only["name"] == "right door" and len(only["corners"]) == 4
    keys.press("Control+z")
    page.reload()
    edit(visit)
    assert "right door" in page.locator(".zone-name").inner_text()
    page.locator("#shape-0").press("Delete")
    page.get_by_role("button", name="Undo").click()
    visit.wait_for_script("document.querySelectorAll('#drawing .zone').length === 1")


def test_a_zone_that_crosses_itself_is_reported(visit: Visit, watched: Watched) -> None:
    watched.client.post("/api/settings", {"detect": {"zones": [[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]]}})
    edit(visit)
    visit.wait_for_script("/crosses itself/.test(document.getElementById('crossing').textContent)")


def test_two_pages_show_each_other_s_zones_and_overwrite_none(visit: Visit, watched: Watched) -> None:
    other = visit.tab()
    for tab in (visit, other):
        edit(tab)
    visit.page.bring_to_front()
    visit.page.get_by_role("button", name="Add a zone").click()
    save(visit)
    other.page.bring_to_front()
    other.wait_for_script("document.querySelectorAll('#drawing .zone').length === 1")
    other.page.locator("#shape-0").press("ArrowLeft")
    watched.client.post("/api/settings", {"detect": {"zones": [ZONE[:3]]}})
    other.page.locator("#conflict").wait_for(state="visible")
    assert other.page.locator("#drawing .other").count() == 1 and other.page.locator("#drawing .zone").count() == 1
    other.page.get_by_role("button", name="Save", exact=True).click()
    other.wait_for_script("/changed meanwhile/.test(document.getElementById('saved').textContent)")
    assert saved(watched) == [ZONE[:3]], "nothing is overwritten"
    other.page.get_by_role("button", name="Keep mine").click()
    save(other)
    assert saved(watched)[0][0] == pytest.approx([0.24, 0.2])
    other.errors.clear()  # the browser reports the answer 409


def test_sliders_take_effect_at_once_and_show_the_faces_in_view(visit: Visit, watched: Watched) -> None:
    page = visit.page
    edit(visit)
    visit.wait_for_script("/reaches the threshold/.test(document.getElementById('faces').textContent)")
    visit.save_screenshot("tuning")
    page.locator("#threshold").fill("1")
    until(lambda: load(watched.file).decide.threshold == 1.0, "the threshold in the file")
    visit.wait_for_script("/below the threshold/.test(document.getElementById('faces').textContent)")
    page.locator("#threshold-default").click()
    until(lambda: load(watched.file).decide.threshold == 0.8, "the default in the file")
    page.locator("#smallest").fill("300")
    visit.wait_for_script("!document.getElementById('no-faces').hidden")
    assert load(watched.file).detect.min_face == 300
