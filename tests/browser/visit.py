"""One visit to the page in a browser."""

import os
import re
import time
from typing import Any, Protocol

import cv2
import numpy as np
from support import PATIENCE

from edge.web.assets import STATIC

SHOTS = os.environ.get("MASKWATCH_SCREENSHOTS")
"""The folder that keeps a screenshot of each part of the page, if it is set."""

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
LAPTOP = {"viewport": {"width": 1366, "height": 650}}
PARTS = re.findall(r'<section id="(\w+)"', (STATIC / "index.html").read_text("utf-8"))


class Door(Protocol):
    """What serves the page at a port of this machine: a maskwatch, or a relay to it."""

    port: int


class Tab:
    """The page in a tab; ``errors`` and ``requested`` (addresses) are what the browser reports."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.errors: list[str] = []
        self.requested: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.goto(address)

    def wait_for_script(self, expression: str) -> None:
        """Waits until a JavaScript expression is true.

        ``support.until`` would not do: the page only goes on while Playwright's event loop runs. Playwright's
        ``wait_for_function`` needs eval in the page, which the page's security policy forbids.
        """
        deadline = time.monotonic() + PATIENCE
        while not self._is_true(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(100)

    def _is_true(self, expression: str) -> bool:
        from playwright.sync_api import Error  # the package is only installed for these tests

        try:
            return bool(self.page.evaluate(expression))
        except Error as error:
            # the browser is loading another page
            if "context was destroyed" in str(error) or "properties of null" in str(error):
                return False
            raise

    def live_image(self) -> Any:
        """The pixels that the live image shows now."""
        screenshot = self.page.locator("#picture").screenshot()
        return cv2.imdecode(np.frombuffer(screenshot, np.uint8), cv2.IMREAD_COLOR)

    def save_screenshot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/{name}.png")


class Visit(Tab):
    """The page in a browser context of its own. ``options`` are those of Playwright's ``new_context``.

    ``script`` runs in each page before the page's own.
    """

    def __init__(self, chromium: Any, door: Door, path: str = "", script: str = "", **options: Any) -> None:
        self._context = chromium.new_context(accept_downloads=True, **options)
        if script:
            self._context.add_init_script(script)
        self._address = f"http://127.0.0.1:{door.port}/{path}"
        super().__init__(self._context, self._address)

    def tab(self, part: str = "") -> Tab:
        """Opens the page in another tab of the same browser."""
        return Tab(self._context, self._address + part)

    def close(self) -> None:
        self._context.close()


def open_part(tab: Tab, part: str) -> None:
    tab.page.evaluate(f"location.hash = {part!r}")
    tab.wait_for_script(f"!document.getElementById({part!r}).hidden")
    tab.wait_for_script("document.body.classList.contains('settled')")
