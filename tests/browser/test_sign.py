"""The sign at the door in a browser: what it says and when, how large, and what it does without news."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser.visit import Tab
from support.browsing import Watched

from edge.config.signs import BUNDLED, MESSAGES
from edge.serving.passwords import hash_password
from edge.web.sign_link import hash_key

pytestmark = pytest.mark.browser
TABLET = {"width": 1280, "height": 800}
TABLET_HEIGHT_MM = 136
"""The height of the screen of a tablet with 10 inches, at 16:10."""
CAPITAL = 0.716
"""Height of a capital letter, in font sizes: Arial, Liberation Sans; Roboto and DejaVu Sans are within 2 %."""
SHOWN = "document.body.dataset.message"
FIT = """([message, text]) => {
  document.body.dataset.message = message;
  const at = document.getElementById("text");
  at.textContent = text;
  dispatchEvent(new Event("resize"));
  return [parseFloat(at.style.fontSize), at.scrollWidth <= at.clientWidth && at.scrollHeight <= at.clientHeight + 1];
}"""


@pytest.fixture
def door(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    languages = '[sign]\nlanguages = ["en", "de", "fr", "es", "it", "zh"]\n'
    with closing(Watched(maskwatch, tmp_path, languages, "--print")) as started:
        yield started


def sign(chromium: Any, door: Watched, **options: Any) -> Tab:
    return Tab(chromium.new_context(**{"viewport": TABLET} | options), f"http://127.0.0.1:{door.port}/sign")


def test_it_asks_in_one_language_after_the_other_and_is_idle_without_news(chromium: Any, door: Watched) -> None:
    tab = sign(chromium, door)
    with closing(tab.page):
        tab.wait_for_script(f"{SHOWN} === 'no_mask'")
        for text in ("Please put on a mask", "Bitte Maske aufsetzen", "Veuillez mettre un masque"):
            tab.page.get_by_text(text).wait_for()
        assert tab.page.locator("#text").get_attribute("lang") == "fr"
        assert tab.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert tab.page.locator("img:visible, canvas, video").count() == 0, "no picture of anybody"
        tab.save_screenshot("sign")
        assert tab.errors == []
        door.client.post("/api/pause", {"paused": True})
        tab.wait_for_script(f"{SHOWN} === 'idle'")
        door.client.post("/api/pause", {"paused": False})
        tab.wait_for_script(f"{SHOWN} === 'no_mask'")
        door.process.popen.kill()
        tab.wait_for_script(f"{SHOWN} === 'idle'")
        door.process.popen.wait(10)
        door.process = door._start()
        tab.wait_for_script(f"{SHOWN} === 'no_mask'")


def test_a_screen_whose_link_was_replaced_shows_the_login(chromium: Any, maskwatch: Any, tmp_path: Path) -> None:
    text = f'password_hash = "{hash_password("correct horse")}"\n[sign]\nlink_hash = "{hash_key("k" * 32)}"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        tab = Tab(chromium.new_context(viewport=TABLET), f"http://127.0.0.1:{door.port}/sign?key={'k' * 32}")
        with closing(tab.page):
            tab.wait_for_script(f"{SHOWN} === 'no_mask'")
            door.file.write_text(door.file.read_text().replace(hash_key("k" * 32), hash_key("n" * 32)))
            door.again()
            tab.page.wait_for_url("**/login*")


def test_a_message_stays_long_enough_to_be_read_and_a_request_comes_at_once(chromium: Any, door: Watched) -> None:
    """The browser gets the device's events, as they would be sent, from a stream that the test writes."""
    context = chromium.new_context(viewport=TABLET)
    context.add_init_script(
        """const real = fetch; let write;
        window.tell = message => write(`event: message\\ndata: "${message}"\\n\\n`);
        const isEvents = all => `${all[0]}`.startsWith("sign/events");
        window.fetch = (...all) => isEvents(all) ? Promise.resolve(new Response(new ReadableStream({
          start(stream) { write = text => stream.enqueue(new TextEncoder().encode(text));
            setInterval(() => write(": beat\\n\\n"), 500); },
        }))) : real(...all);
        window.seen = [];
        addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
          const now = document.body.dataset.message;
          if (seen.at(-1)?.[0] !== now) seen.push([now, performance.now()]);
        }).observe(document.body, { attributes: true }));"""
    )
    tab = Tab(context, f"http://127.0.0.1:{door.port}/sign")
    with closing(tab.page):
        for message in ("mask", "no_mask", "idle", "no_mask", "mask"):  # the judgement wavers
            tab.page.evaluate(f"tell('{message}')")
            tab.page.wait_for_timeout(150)
        tab.wait_for_script(f"{SHOWN} === 'mask' && seen.length > 2")
        tab.page.evaluate("tell('idle')")
        tab.wait_for_script(f"{SHOWN} === 'idle'")
        seen = [(name, moment) for name, moment in tab.page.evaluate("seen") if name != "idle" or moment > 1500]
        assert [name for name, _ in seen][-4:] == ["mask", "no_mask", "mask", "idle"], seen
        moments = [moment for _, moment in seen][-4:]
        assert moments[2] - moments[1] >= 2900, "the request can be read"
        assert moments[3] - moments[2] >= 1900, "so can the thanks"
        tab.page.evaluate("tell('mask')")
        tab.wait_for_script(f"{SHOWN} === 'mask'")
        start = tab.page.evaluate("(tell('unknown'), performance.now())")
        tab.wait_for_script(f"{SHOWN} === 'idle'")
        assert tab.page.evaluate("seen.at(-1)[1]") - start < 1900, "without news, the thanks do not stay for their 2 s"


def test_every_text_can_be_read_from_3_m_on_a_small_tablet(chromium: Any, door: Watched) -> None:
    tab = sign(chromium, door)
    with closing(tab.page):
        tab.page.route("**/sign/events*", lambda route: route.abort())
        tab.page.reload()
        for file in sorted(BUNDLED.glob("*.json")):
            texts = json.loads(file.read_text("utf-8"))
            for message in MESSAGES:
                size, fits = tab.page.evaluate(FIT, [message, texts[message]])
                height = size * CAPITAL * TABLET_HEIGHT_MM / TABLET["height"]
                assert fits and height >= 24.5, (file.stem, message, height)


@pytest.mark.parametrize(
    "size", [(360, 740), (740, 360), (1366, 650), (800, 1280), (1080, 1920), (3840, 2160)], ids=lambda size: f"{size}"
)
def test_the_text_is_whole_on_any_screen(size: tuple[int, int], chromium: Any, door: Watched) -> None:
    tab = sign(chromium, door, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    with closing(tab.page):
        tab.wait_for_script(f"{SHOWN} === 'no_mask'")
        assert tab.page.evaluate(FIT, ["incorrect_mask", "Bitte auch die Nase bedecken"])[1]
        assert tab.page.evaluate("getComputedStyle(document.body).transitionDuration") == "0s"
        tab.save_screenshot(f"sign-{size[0]}x{size[1]}")


def test_no_text_touches_the_edges_of_a_phone(chromium: Any, door: Watched) -> None:
    tab = sign(chromium, door, viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    with closing(tab.page):
        tab.page.route("**/sign/events*", lambda route: route.abort())
        tab.page.reload()
        for file in sorted(BUNDLED.glob("*.json")):
            texts = json.loads(file.read_text("utf-8"))
            for message in MESSAGES:
                assert tab.page.evaluate(FIT, [message, texts[message]])[1]
                image = cv2.imdecode(np.frombuffer(tab.page.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE).astype(int)
                rows, columns = np.nonzero(np.abs(image - image[0, 0]) > 60)
                edges = columns.min(), 359 - columns.max(), rows.min(), 739 - rows.max()
                assert min(edges) >= 12, (file.stem, message, edges)
