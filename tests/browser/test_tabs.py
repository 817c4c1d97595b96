"""Many tabs of one browser at once, and more browsers than may see the live image."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from browser.visit import Tab, Visit
from chaos.relay import Relay
from support.browsing import Watched, pictures_of

from edge.web.viewers import MAX_VIEWERS

pytestmark = pytest.mark.browser
PICTURE = "document.getElementById('picture')"
FRAMES = r"Number(/Frames processed(\d+)/.exec(document.getElementById('numbers').textContent)?.[1] ?? 0)"


@pytest.fixture
def relay(watched: Watched) -> Iterator[Relay]:
    """Between the browser and the device: it knows every request, of the browser's workers too."""
    with closing(Relay(watched.port)) as between:
        yield between


@pytest.fixture
def tabs(chromium: Any, relay: Relay) -> Iterator[list[Tab]]:
    """Eight tabs of one browser, all visible. A browser opens six connections to a device."""
    with closing(Visit(chromium, relay)) as visit:
        yield [visit, *(visit.tab() for _ in range(7))]


def wait_for_a_newer_state(tab: Tab) -> None:
    """Waits until a tab shows another live image and newer statistics."""
    source, count = tab.page.evaluate(f"{PICTURE}.src"), tab.page.evaluate(FRAMES)
    tab.wait_for_script(f"{PICTURE}.naturalWidth === 640 && {PICTURE}.src !== {source!r}")
    tab.wait_for_script(f"{FRAMES} > {count}")


def turn(tab: Tab, hidden: bool) -> None:
    """Tells a page what a browser tells it when its tab is hidden or shown: headless tabs are always visible."""
    tab.page.evaluate(
        f"""Object.defineProperty(document, "hidden", {{value: {str(hidden).lower()}, configurable: true}});
        document.dispatchEvent(new Event("visibilitychange"))"""
    )


def test_eight_visible_tabs_show_the_live_image_and_events(tabs: list[Tab], relay: Relay) -> None:
    for _ in range(2):
        for tab in tabs:
            wait_for_a_newer_state(tab)
    assert relay.sent.count(b"GET /events ") == 1, "the tabs share a stream"
    assert [tab.errors for tab in tabs] == [[]] * 8


def test_hidden_tabs_ask_for_nothing_and_are_up_to_date_when_they_are_seen(tabs: list[Tab], relay: Relay) -> None:
    for tab in tabs:
        wait_for_a_newer_state(tab)
        turn(tab, hidden=True)
    tabs[0].page.wait_for_timeout(500)
    asked = len(relay.sent)
    tabs[0].page.wait_for_timeout(2000)
    assert len(relay.sent) == asked
    for tab in tabs[:3]:
        turn(tab, hidden=False)
        wait_for_a_newer_state(tab)
    assert relay.sent.count(b"GET /events ") == 2, "the stream was closed, and opened once"


def test_the_limit_of_viewers_is_said_and_a_place_that_is_left_is_given_on(chromium: Any, watched: Watched) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_VIEWERS - 1):
            next(pictures_of(stack.enter_context(watched.client.stream("/live.mjpeg"))))
        last = stack.enter_context(ExitStack())
        next(pictures_of(last.enter_context(watched.client.stream("/live.mjpeg"))))
        visit = stack.enter_context(closing(Visit(chromium, watched)))
        visit.page.locator("#waiting", has_text="4 other browsers").wait_for()  # until it is seen
        last.close()
        wait_for_a_newer_state(visit)
        visit.page.locator("#waiting").wait_for(state="hidden")
        visit.page.get_by_role("link", name="Health").click()

        def is_accepted() -> bool:
            with watched.client.stream("/live.mjpeg") as stream:
                return stream.status == 200

        watched.until(is_accepted, "the place of the page, which shows another part")
