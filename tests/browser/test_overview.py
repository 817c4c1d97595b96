"""All doors of a real broker in a browser: the worst first, live, by name, on a wall screen and on a phone."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from browser.visit import Tab
from support import PATIENCE
from support.brokers import Mosquitto, free_port
from support.many_doors import Doors

from edge.mqtt.messages import AlertMessage, encode

pytestmark = pytest.mark.browser
TODAY = {"people": 20, "mask": 18, "alerts": 2}
ALERT = AlertMessage(
    "no_mask", "0192", "door-150", "2026-01-01T08:00:00.000Z", 0.9, 4, 1.0, "a-1", (0, 0, 9, 9), (640, 480), True, "m"
)
NAMES = "[...document.querySelectorAll('#doors h2')].map(name => name.textContent)"
WALL, PHONE = {"width": 1920, "height": 1080}, {"width": 360, "height": 740}


class Wall:
    """``maskwatch watch --web`` at a broker with 200 doors."""

    def __init__(self, maskwatch: Any, broker: Mosquitto, doors: Doors) -> None:
        self.broker, self.doors, self.port = broker, doors, free_port()
        for number in range(200):
            doors.announce(f"door-{number:03}", "http://192.0.2.1:8080/" if number == 7 else "", today=TODAY)
        self.process = maskwatch("watch", "--broker", broker.address, "--web", "--web-port", self.port)
        self.process.wait_for("the page is at")


@pytest.fixture
def wall(maskwatch: Any, mosquitto: Any) -> Iterator[Wall]:
    broker = mosquitto().start()
    with Doors(broker.port) as doors:
        yield Wall(maskwatch, broker, doors)


def opened(chromium: Any, wall: Wall, viewport: Any, **more: Any) -> Tab:
    tab = Tab(chromium.new_context(viewport=viewport, **more), f"http://127.0.0.1:{wall.port}/")
    tab.page.get_by_text("200 doors: no problem").wait_for()
    return tab


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_200_doors_fit_on_a_wall_screen_and_the_worst_comes_first(chromium: Any, wall: Wall, colours: str) -> None:
    tab = opened(chromium, wall, WALL, color_scheme=colours)
    with closing(tab.page):
        assert tab.page.evaluate("document.documentElement.scrollHeight") <= 1080, "no scrolling"
        assert tab.page.locator("#doors li").count() == 200
        assert tab.page.get_by_role("link", name="door-007").get_attribute("href") == "http://192.0.2.1:8080/"
        first = tab.page.locator("#doors li").first
        wall.doors.say("door-150", "alert", encode(ALERT), retain=False)
        wall.doors.say("door-150", "status", b"offline")
        tab.page.get_by_text("200 doors: 1 needs attention").wait_for()
        assert first.locator("h2").text_content() == "door-150"
        text = first.inner_text()
        assert "Offline since" in text and "No mask: " in text and "Today's counts are unknown" in text
        wall.doors.take_back("door-003")
        tab.page.get_by_text("199 doors: 1 needs attention").wait_for()
        assert "door-003" not in tab.page.evaluate(NAMES)
        tab.save_screenshot(f"overview-{colours}")
        wall.broker.kill()
        tab.page.get_by_text("No connection to the broker since").wait_for()
        assert all("ERR_CONNECTION_REFUSED" in error for error in tab.errors)


def test_a_phone_shows_one_door_below_the_other_and_filters_by_name(chromium: Any, wall: Wall) -> None:
    tab = opened(chromium, wall, PHONE, has_touch=True, is_mobile=True, locale="en")
    with closing(tab.page):
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
        tab.page.get_by_label("Filter by name").fill("door-15")
        tab.wait_for_script(f"{NAMES}.length === 10")
        tab.page.get_by_label("Filter by name").fill("no such")
        tab.page.get_by_text("No door has such a name.").wait_for()
        tab.page.get_by_label("Filter by name").fill("007")
        assert tab.page.get_by_role("link", name="door-007").bounding_box(timeout=PATIENCE * 1000)["height"] >= 44
        tab.save_screenshot("overview-phone")
        assert tab.errors == []


def test_the_page_says_when_watch_itself_has_ended(chromium: Any, wall: Wall) -> None:
    tab = opened(chromium, wall, WALL)
    with closing(tab.page):
        wall.process.popen.kill()
        tab.page.get_by_text("maskwatch watch does not answer").wait_for()
