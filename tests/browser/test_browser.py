"""The page in a browser, over a real maskwatch and a real broker.

``MASKWATCH_SCREENSHOTS=FOLDER`` saves a screenshot of each part of the page.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser.visit import Visit
from support import DOOR, until
from support.browsing import BARE, Watched
from support.cameras import clip_pictures

from edge.config.load import load
from edge.serving.passwords import hash_password

pytestmark = pytest.mark.browser
PASSWORD = "correct horse"


def test_the_live_image_changes(visit: Visit) -> None:
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    first = visit.live_image()
    assert first.shape == visit.live_image().shape
    until(lambda: np.any(first != visit.live_image()), "another live image")
    visit.wait_for_script("/problem|mask/i.test(document.getElementById('verdict').textContent)")
    visit.save_screenshot("live")


def test_a_part_without_live_image_requests_no_stream(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Health").click()
    visit.wait_for_script("!document.getElementById('picture').hasAttribute('src')")
    visit.wait_for_script("/Frames per second/.test(document.getElementById('numbers').textContent)")
    visit.save_screenshot("health")


def test_an_alert_appears_without_a_reload(visit: Visit, watched: Watched) -> None:
    visit.page.get_by_role("link", name="Alerts").click()
    rows = visit.page.locator("#list li")
    rows.first.wait_for()
    count = rows.count()
    assert "No mask" in rows.first.inner_text()
    # nobody is in the image for longer than a track is kept
    empty = cv2.VideoCapture(str(DOOR)).read()[1]
    watched.camera.show(lambda number: cv2.add(empty, np.full_like(empty, number % 2)))
    visit.page.wait_for_timeout(5000)
    watched.camera.show(clip_pictures(DOOR, *BARE, 1))
    visit.wait_for_script(f"document.querySelectorAll('#list li').length > {count}")
    assert visit.page.locator("#chart .bar").count() == 7
    visit.save_screenshot("alerts")


def test_zones_are_drawn_with_mouse_and_keys_and_saved(visit: Visit, watched: Watched) -> None:
    page = visit.page
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    page.locator("#editing summary").click()
    page.get_by_role("button", name="Add a zone").click()
    page.evaluate("scrollTo(0, 0)")
    corner = page.locator("#zone-0-0")
    box, stage = corner.bounding_box(), page.locator("#drawing").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.1, stage["y"] + stage["height"] * 0.1, steps=5)
    page.mouse.up()
    page.locator("#zone-0-2").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.locator("#smallest").fill("64")
    visit.save_screenshot("zones")
    page.get_by_role("button", name="Save", exact=True).click()
    visit.wait_for_script("/in use/.test(document.getElementById('saved').textContent)")
    saved = load(watched.file).detect
    assert saved.min_face == 64 and len(saved.zones) == 1
    assert saved.zones[0][0] == pytest.approx((0.1, 0.1), abs=0.02)
    assert saved.zones[0][2] == pytest.approx((0.75, 0.83), abs=0.01)
    page.reload()
    visit.wait_for_script("document.querySelectorAll('#drawing .zone').length === 1")


def test_finishing_set_up_blurs_faces_and_the_page_reports_it(visit: Visit, watched: Watched) -> None:
    visit.page.get_by_role("button", name="Finish set-up").click()
    visit.wait_for_script("/blurred/.test(document.getElementById('mode').textContent)")
    visit.page.wait_for_timeout(1500)
    visit.save_screenshot("blurred")
    assert load(watched.file).web.setup is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_s_screen(chromium: Any, watched: Watched, scheme: str) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme, "has_touch": True}
    with closing(Visit(chromium, watched, **phone)) as visit:
        for part in ("Live", "Check an image", "Alerts", "Health"):
            visit.page.get_by_role("link", name=part).click()
            visit.page.wait_for_timeout(700)
            width = visit.page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, f"{part} is {width} pixels wide"
            visit.save_screenshot(f"phone-{scheme}-{part.split()[0].lower()}")
        heights = (
            "[...document.querySelectorAll('button, .button')].filter(b => b.offsetParent).map(b => b.offsetHeight)"
        )
        assert all(height >= 40 for height in visit.page.evaluate(heights)), "buttons are high enough for a finger"
        assert visit.errors == []


def test_the_keyboard_reaches_every_control_and_all_controls_have_names(visit: Visit) -> None:
    page, reached = visit.page, set[str]()
    page.locator("#editing summary").click()
    page.get_by_role("button", name="Add a zone").click()
    page.evaluate("document.activeElement.blur()")
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {
        "Live",
        "Alerts",
        "Health",
        "zone-0-0",
        "zone-0-3",
        "smallest-corner",
        "add",
        "save",
        "mode-switch",
    } <= reached
    unnamed = page.evaluate(
        """[...document.querySelectorAll("button, a, input, img, [role=button], section")].filter(element =>
            !(element.ariaLabel || element.textContent.trim() || element.labels?.length || element.hasAttribute("alt")
              || element.getAttribute("aria-labelledby"))).map(element => element.outerHTML)"""
    )
    assert unnamed == []


def test_a_page_with_a_password_asks_for_it(chromium: Any, maskwatch: Any, tmp_path: Path) -> None:
    text = f'password_hash = "{hash_password(PASSWORD)}"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as watched, closing(Visit(chromium, watched)) as visit:
        page = visit.page
        assert page.url.endswith("/login")
        page.get_by_label("Password").fill("wrong horse")
        page.get_by_role("button", name="Log in").click()
        visit.wait_for_script("/Wrong password/.test(document.getElementById('told').textContent)")
        visit.save_screenshot("login")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        visit.wait_for_script("document.getElementById('picture')?.naturalWidth === 640")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        page.goto(f"http://127.0.0.1:{watched.port}/")
        assert page.url.endswith("/login")


def test_the_page_reports_when_the_device_is_gone_and_when_it_returns(visit: Visit, watched: Watched) -> None:
    visit.wait_for_script("document.getElementById('device').textContent.includes('entrance')")
    watched.process.end(15)
    visit.page.locator("#broken").wait_for(state="visible")
    watched.again()
    visit.page.locator("#broken").wait_for(state="hidden")
    visit.errors.clear()  # the requests that failed while the device was gone
