"""States that the page must not hide: watching is paused, or the camera sees nothing."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Visit
from support import DOOR
from support.brokers import Subscriber
from support.browsing import BARE, Watched
from support.cameras import black, clip_pictures

pytestmark = pytest.mark.browser
PAUSED = "!document.getElementById('paused').hidden && /Paused/.test(document.getElementById('verdict').textContent)"
RUNS = (
    "document.getElementById('paused').hidden && /problem|mask$/i.test(document.getElementById('verdict').textContent)"
)
TEXT = "(document.getElementById('waiting').hidden ? '' : document.getElementById('waiting').textContent)"
DIMMED = "document.getElementById('stage').classList.contains('old')"


def test_a_pause_is_shown_and_changed_on_every_page_whoever_makes_it(
    chromium: Any, maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    with (
        closing(Watched(maskwatch, tmp_path, "", "--broker", broker.address)) as door,
        closing(Subscriber(broker.port)) as received,
        closing(Visit(chromium, door)) as visit,
    ):
        other = Visit(chromium, door, locale="de-DE")
        visit.wait_for_script(RUNS)
        visit.page.get_by_role("button", name="Pause watching").click()
        visit.wait_for_script(PAUSED)
        visit.save_screenshot("paused")
        other.wait_for_script("/pausiert/.test(document.getElementById('paused').textContent)")
        other.wait_for_script("!document.getElementById('paused').hidden")
        assert received.wait_for("maskwatch/entrance/enabled/state")[-1] == b"OFF"
        received.publish("maskwatch/entrance/enabled/set", b"ON")
        visit.wait_for_script(RUNS)
        other.wait_for_script("document.getElementById('paused').hidden")
        received.publish("maskwatch/entrance/enabled/set", b"OFF")
        visit.wait_for_script(PAUSED)
        visit.page.reload()
        visit.wait_for_script(PAUSED)
        box = visit.page.get_by_role("button", name="Resume watching").bounding_box()
        assert box["height"] >= 44
        visit.page.get_by_role("button", name="Resume watching").press("Enter")
        visit.wait_for_script(RUNS)
        assert visit.errors == other.errors == []
        other.close()


def test_the_page_opened_while_paused_says_so_and_not_that_all_is_well(visit: Visit, watched: Watched) -> None:
    watched.client.post("/api/pause", {"paused": True})
    tab = visit.tab()
    tab.wait_for_script(PAUSED)
    seen = tab.page.locator("#verdict").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert seen >= 20, "it is large"
    for _ in range(5):
        assert "No problem" not in tab.page.locator("header").inner_text()
        tab.page.wait_for_timeout(100)


def still(number: int) -> Any:
    return clip_pictures(DOOR, BARE[0], BARE[0] + 1, 1)[0]


@pytest.mark.parametrize(
    ("condition", "begin"),
    [
        ("lost", lambda camera: camera.unplug()),
        ("dark", lambda camera: camera.show(black)),
        ("frozen", lambda camera: camera.show([still(0)])),
    ],
)
def test_a_camera_that_sees_nothing_stands_over_the_image_until_it_heals(
    visit: Visit, watched: Watched, condition: str, begin: Callable[[Any], None]
) -> None:
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    visit.wait_for_script(RUNS)
    begin(watched.camera)
    for tab in (visit, visit.tab()):  # also a page that is opened during the fault
        tab.wait_for_script(f"/Camera {condition} since .*[0-9]:[0-9]{{2}}.*: ./.test({TEXT})")
        tab.wait_for_script(DIMMED)
        assert ("The image is old: it is from" in tab.page.evaluate(TEXT)) == (condition == "lost")
        tab.save_screenshot(f"camera-{condition}")
    tab.page.close()
    if condition == "lost":
        watched.camera.plug_in()
    watched.camera.show(clip_pictures(DOOR, *BARE, 1))
    visit.wait_for_script(f"{TEXT} === '' && !{DIMMED}")
    visit.wait_for_script(RUNS)
