"""What holds for every part of the page: size, nothing that jumps, and values that nobody expects."""

import re
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from browser.visit import PARTS, PHONE, Visit, open_part
from support import until
from support.brokers import free_port
from support.browsing import Watched

from edge.config.web import WebConfig
from edge.mqtt.messages import Health, Stats
from edge.serving.answers import error_response
from edge.serving.server import Server
from edge.web.assets import file_routes, html_handler
from edge.web.bus import Bus
from edge.web.feed import Feed

pytestmark = pytest.mark.browser
LARGEST_PAGE = 60_000
LARGEST_SHIFT = 0.05
SHIFTS = """window.shift = 0; window.shifts = [];
    const name = source => (source.node?.id ?? source.node?.nodeName) + source.node?.className;
    new PerformanceObserver(list => list.getEntries().filter(entry => !entry.hadRecentInput).forEach(entry => {
        window.shift += entry.value;
        window.shifts.push([entry.value, entry.sources.map(name)]);
    })).observe({ type: "layout-shift", buffered: true })"""


def test_the_page_is_small(visit: Visit, watched: Watched) -> None:
    """HTML and every file that it loads, as they are sent to a browser that takes compressed answers, with headers."""
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    paths = {re.sub(r"^https?://[^/]+|\?.*", "", url) for url in visit.requested if url.startswith("http")}
    files = {path for path in paths if not re.match(r"/(api/|live|events)", path)} | {"/js/worker.js"}
    sizes = {}
    for path in files:
        answer = watched.client.ask(path, Accept_Encoding="gzip", Accept_Language="de")
        assert answer.status == 200, path
        sizes[path] = len(answer.body) + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
    assert {"/", "/style.css", "/js/page.js", "/js/stream.js"} <= files
    assert sum(sizes.values()) < LARGEST_PAGE, sorted(sizes.items(), key=lambda pair: -pair[1])


def test_a_reload_loads_only_what_has_changed(visit: Visit) -> None:
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    visit.page.reload()
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    sent = "performance.getEntriesByType('resource').filter(e => /(js|css)$/.test(e.name)).map(e => e.transferSize)"
    sizes = visit.page.evaluate(sent)
    assert sizes and max(sizes) <= 300, "answers without a body"


def test_nothing_jumps_on_a_phone(chromium: Any, watched: Watched) -> None:
    """35 s with alerts, people who come and go, and numbers that change; each part in a tab of its own."""
    with closing(Visit(chromium, watched, script=SHIFTS, **PHONE)) as visit:
        tabs = {part: visit.tab(f"#{part}") for part in PARTS}
        visit.page.wait_for_timeout(35_000)
        shifts = {part: tab.page.evaluate("[window.shift, window.shifts]") for part, tab in tabs.items()}
        assert all(shift < LARGEST_SHIFT for shift, _ in shifts.values()), shifts


def test_focus_title_and_place_follow_the_part_that_is_selected(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 360, "height": 400})
    visit.wait_for_script("document.getElementById('picture').naturalWidth === 640")
    page.evaluate("scrollTo(0, 120)")
    page.wait_for_timeout(500)
    before = page.evaluate("scrollY")
    assert before > 0
    for name in ("Health", "Alerts"):
        page.evaluate(f"location.hash = {name.lower()!r}")  # a click would scroll to the link first
        visit.wait_for_script(f"document.activeElement.textContent === {name!r}")
        assert page.title() == f"{name} – entrance" and page.evaluate("scrollY") == 0
    page.go_back()
    visit.wait_for_script("document.activeElement.textContent === 'Health'")
    page.go_back()
    visit.wait_for_script("document.activeElement.textContent === 'Live'")
    assert page.evaluate("scrollY") == before


def test_numbers_are_changed_where_they_stand(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Health").click()
    visit.wait_for_script(r"/Frames processed\d/.test(document.getElementById('numbers').textContent)")
    visit.page.evaluate(
        """window.changes = []; new MutationObserver(list => list.forEach(change =>
            changes.push(change.target.nodeName))).observe(document.getElementById("numbers"),
            { childList: true, subtree: true, characterData: true })"""
    )
    visit.wait_for_script("changes.length >= 4")
    assert set(visit.page.evaluate("changes")) <= {"DD", "#text"}


HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


@pytest.fixture
def stranger() -> Iterator[SimpleNamespace]:
    """The real page over a device whose values are what a test sets."""
    bus, state = Bus(), dict[str, Any]()

    def application() -> web.Application:
        app = web.Application()

        async def now(request: web.Request) -> web.Response:
            return web.json_response(state)

        async def nothing(request: web.Request) -> web.Response:
            return error_response(404, HOSTILE)

        feed = Feed(bus, lambda: state)
        app.add_routes([web.get("/", html_handler("index.html")), *file_routes(), web.get("/events", feed.events)])
        app.add_routes([web.get("/api/now", now), web.get("/{rest:.*}", nothing)])
        return app

    port, problems = free_port(), list[str | None]()
    server = Server(WebConfig(port=port), application, problems.append).start()
    until(lambda: problems == [None], lambda: f"the page: {problems}")
    yield SimpleNamespace(port=port, bus=bus, state=state)
    bus.show(Health("ok", "mask"))  # the stream notices that its page is gone
    server.close()


def test_hostile_values_are_shown_as_text(chromium: Any, stranger: SimpleNamespace) -> None:
    stranger.state.update(
        run="1", device=HOSTILE, version=HOSTILE, model="m" * 5000 + HOSTILE, detector=HOSTILE, frame_size=[640, 480],
        zones=[], min_face=48, setup=HOSTILE, fps=5, locked=False, snapshots=True, blur=HOSTILE, next_name=HOSTILE,
        health={"camera": HOSTILE, "model": HOSTILE, "problem": HOSTILE},
        camera={"condition": HOSTILE, "reason": HOSTILE, "since": HOSTILE}, pause={"paused": False},
        state={"people": 10**300, "mask": -1, "no_mask": HOSTILE, "today": {"people": HOSTILE}},
        stats={"fps": 1e308, "frames": 10**200, "cpu_temp_c": HOSTILE},
    )  # fmt: skip
    with closing(Visit(chromium, stranger, **PHONE)) as visit:
        visit.wait_for_script("/<script>/.test(document.getElementById('verdict').textContent)")
        for part in PARTS:
            open_part(visit, part)
            visit.page.wait_for_timeout(300)
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360, part
        assert visit.page.evaluate("window.hacked") is None
        assert visit.page.locator("main script, header script, [onerror]").count() == 0


def test_a_value_that_is_missing_does_not_stop_the_page(chromium: Any, stranger: SimpleNamespace) -> None:
    stranger.state.update(device="entrance", zones=None, frame_size="wide", stats=None, state=[])
    with closing(Visit(chromium, stranger)) as visit:
        visit.wait_for_script("document.title.includes('entrance')")
        stranger.bus.show(Health("ok", "mask", "the disk is full"))
        visit.wait_for_script("document.getElementById('verdict').textContent === 'the disk is full'")
        stranger.bus.show(Stats(5.0, 77, 0, 1.0, 1.0, 1.0, None, None, 90.0, 0, 12))  # type: ignore[call-arg]
        visit.wait_for_script("/Frames processed77/.test(document.getElementById('numbers').textContent)")
