"""The page as people use it: Debian's Chromium, driven by Playwright, over a real maskwatch and a real broker.

``MASKWATCH_SCREENSHOTS=FOLDER`` keeps a picture of each part of the page.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import DOOR, ROOT
from support.browsing import BARE, Watched
from support.cameras import clip_pictures

from edge.config.load import load
from edge.web.passwords import hash_password

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not here: make test-browser")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not here: apt install chromium"),
]
SHOTS = os.environ.get("MASKWATCH_SCREENSHOTS")
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def webcam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Chromium's fake camera shows: one bare person of the clip."""
    capture = cv2.VideoCapture(str(DOOR))
    path = tmp_path_factory.mktemp("cam") / "cam.mjpeg"
    with path.open("wb") as out:
        for number in range(BARE[1]):
            image = capture.read()[1]
            if number >= BARE[0]:
                out.write(cv2.imencode(".jpg", image)[1].tobytes())
    return path


@pytest.fixture(scope="module")
def chromium(webcam: Path) -> Iterator[Any]:
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*flags, f"--use-file-for-fake-video-capture={webcam}"]
        )
        yield browser
        browser.close()


@pytest.fixture
def watched(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--broker", mosquitto().start().address)) as door:
        yield door


class Visit:
    """A page in a context of its own, and what went wrong in it."""

    def __init__(self, chromium: Any, watched: Watched, **context: Any) -> None:
        self._context = chromium.new_context(accept_downloads=True, **context)
        self.page = self._context.new_page()
        self.page.set_default_timeout(30_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"http://127.0.0.1:{watched.port}/")

    def until(self, expression: str) -> None:
        """Waits. Not Playwright's ``wait_for_function``: in the page it needs eval, which our policy forbids."""
        deadline = time.monotonic() + 30
        while not self._holds(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(100)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.page.evaluate(expression))
        except sync_api.Error as error:
            if "context was destroyed" in str(error):  # the page is on its way to another
                return False
            raise

    def shot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/{name}.png")

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def visit(chromium: Any, watched: Watched) -> Iterator[Visit]:
    with closing(Visit(chromium, watched)) as opened:
        yield opened
    assert opened.wrong == []
    own = (f"http://127.0.0.1:{watched.port}/", "data:", "blob:")
    assert all(url.startswith(own) for url in opened.asked), "nothing comes from elsewhere"


def pixels(visit: Visit) -> Any:
    """What the live picture shows now."""
    shot = visit.page.locator("#picture").screenshot()
    return cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)


def test_the_live_picture_moves(visit: Visit) -> None:
    visit.until("document.getElementById('picture').naturalWidth === 640")
    first = pixels(visit)
    visit.page.wait_for_timeout(1500)
    assert first.shape == pixels(visit).shape and np.any(first != pixels(visit))
    visit.until("/problem|mask/i.test(document.getElementById('verdict').textContent)")
    visit.shot("live")


def test_nothing_is_encoded_for_a_part_that_shows_no_picture(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Health").click()
    assert visit.page.locator("#picture").get_attribute("src") is None
    visit.until("/Frames per second/.test(document.getElementById('numbers').textContent)")
    visit.shot("health")


def test_an_alert_appears_without_a_reload(visit: Visit, watched: Watched) -> None:
    visit.page.get_by_role("link", name="Alerts").click()
    rows = visit.page.locator("#list tbody tr")
    rows.first.wait_for()
    count = rows.count()
    assert "No mask" in rows.first.inner_text()
    # everybody leaves, for longer than they are remembered
    empty = cv2.VideoCapture(str(DOOR)).read()[1]
    watched.camera.show(lambda number: cv2.add(empty, np.full_like(empty, number % 2)))
    visit.page.wait_for_timeout(5000)
    watched.camera.show(clip_pictures(DOOR, *BARE, 1))
    visit.until(f"document.querySelectorAll('#list tbody tr').length > {count}")
    assert visit.page.locator("#chart .bar").count() == 7
    visit.shot("alerts")


def test_pictures_are_checked_and_downloaded(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "no picture.jpg").write_text("hello")
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.set_input_files("#files", [ROOT / "edge" / "camera" / "door.jpg", tmp_path / "no picture.jpg"])
    visit.until("/checked,/.test(document.getElementById('checking').textContent)")
    texts = visit.page.locator("#results > li").all_inner_texts()
    assert "the file is not a JPEG, PNG or WebP image" in texts[0]
    assert texts[1].startswith("door.jpg") and texts[1].count("No mask") == 2
    visit.shot("check")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "door-checked.jpg"
    assert cv2.imread(str(download.value.path())).shape == (360, 1440, 3)
    visit.wrong[:] = [text for text in visit.wrong if "415" not in text]  # the browser's own word on the bad file


def test_pictures_can_be_dropped(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.evaluate(
        """async () => {
            const blob = await (await fetch("/live.jpg")).blob(), data = new DataTransfer();
            data.items.add(new File([blob], "dropped.jpg", { type: "image/jpeg" }));
            document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
    )
    visit.until("/1 checked/.test(document.getElementById('checking').textContent)")
    assert "dropped.jpg" in visit.page.locator("#results > li").first.inner_text()


def test_the_browsers_own_camera_is_checked(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.get_by_role("button", name="Use this device's camera").click()
    visit.until("document.getElementById('video').videoWidth > 0")
    visit.page.wait_for_timeout(500)
    visit.page.get_by_role("button", name="Check this image").click()
    visit.page.locator("#results td.no_mask").first.wait_for()
    visit.page.get_by_role("button", name="Camera off").click()
    assert not visit.page.locator("#video").is_visible()


def test_zones_are_drawn_with_mouse_and_keys_and_saved(visit: Visit, watched: Watched) -> None:
    page = visit.page
    visit.until("document.getElementById('picture').naturalWidth === 640")
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
    visit.shot("zones")
    page.get_by_role("button", name="Save", exact=True).click()
    visit.until("/in use/.test(document.getElementById('saved').textContent)")
    own = load(watched.file).detect
    assert own.min_face == 64 and len(own.zones) == 1
    assert own.zones[0][0] == pytest.approx((0.1, 0.1), abs=0.02) and own.zones[0][2] == pytest.approx(
        (0.75, 0.83), abs=0.01
    )
    page.reload()
    visit.until("document.querySelectorAll('#drawing .zone').length === 1")


def test_leaving_set_up_blurs_faces_and_says_so(visit: Visit, watched: Watched) -> None:
    visit.page.get_by_role("button", name="Finish set-up").click()
    visit.until("/blurred/.test(document.getElementById('mode').textContent)")
    visit.page.wait_for_timeout(1500)
    visit.shot("blurred")
    assert load(watched.file).web.setup is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off(chromium: Any, watched: Watched, scheme: str) -> None:
    context = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme, "has_touch": True}
    with closing(Visit(chromium, watched, **context)) as visit:
        for part in ("Live", "Check an image", "Alerts", "Health"):
            visit.page.get_by_role("link", name=part).click()
            visit.page.wait_for_timeout(700)
            width = visit.page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, f"{part} is {width} pixels wide"
            visit.shot(f"phone-{scheme}-{part.split()[0].lower()}")
        heights = (
            "[...document.querySelectorAll('button, .button')].filter(b => b.offsetParent).map(b => b.offsetHeight)"
        )
        assert all(height >= 40 for height in visit.page.evaluate(heights)), "fingers need room"
        assert visit.wrong == []


def test_the_keyboard_reaches_everything_and_names_are_spoken(visit: Visit) -> None:
    page, reached = visit.page, set[str]()
    page.locator("#editing summary").click()
    page.get_by_role("button", name="Add a zone").click()
    page.evaluate("document.activeElement.blur()")
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"Live", "Alerts", "Health", "zone-0-0", "zone-0-3", "smallest-corner", "add", "save", "setup"} <= reached
    unnamed = page.evaluate(
        """[...document.querySelectorAll("button, a, input, img, [role=button], section")].filter(element =>
            !(element.ariaLabel || element.textContent.trim() || element.labels?.length || element.hasAttribute("alt")
              || element.getAttribute("aria-labelledby"))).map(element => element.outerHTML)"""
    )
    assert unnamed == []


def test_a_locked_page_is_opened_with_the_password(chromium: Any, maskwatch: Any, tmp_path: Path) -> None:
    text = f'password_hash = "{hash_password(PASSWORD)}"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as watched, closing(Visit(chromium, watched)) as visit:
        page = visit.page
        assert page.url.endswith("/login")
        page.get_by_label("Password").fill("wrong horse")
        page.get_by_role("button", name="Log in").click()
        visit.until("/wrong password/.test(document.getElementById('told').textContent)")
        visit.shot("login")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        visit.until("document.getElementById('picture')?.naturalWidth === 640")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        page.goto(f"http://127.0.0.1:{watched.port}/")
        assert page.url.endswith("/login")


def test_it_says_when_the_device_is_gone_and_comes_back(visit: Visit, watched: Watched) -> None:
    visit.until("document.getElementById('device').textContent.includes('entrance')")
    watched.process.end(15)
    visit.page.locator("#broken").wait_for(state="visible")
    watched.again()
    visit.page.locator("#broken").wait_for(state="hidden")
    visit.wrong.clear()  # the browser's own words on what did not answer
