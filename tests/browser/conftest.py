"""Fixtures of the tests in a browser: Debian's Chromium, driven by Playwright, a maskwatch, and a visit to its page."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import pytest
from browser.visit import Visit
from support import DOOR
from support.browsing import BARE, Watched

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="session")
def webcam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The video of Chromium's fake camera: one person of the clip without a mask."""
    capture = cv2.VideoCapture(str(DOOR))
    path = tmp_path_factory.mktemp("cam") / "cam.mjpeg"
    with path.open("wb") as out:
        for number in range(BARE[1]):
            image = capture.read()[1]
            if number >= BARE[0]:
                out.write(cv2.imencode(".jpg", image)[1].tobytes())
    return path


@pytest.fixture(scope="session")
def chromium(webcam: Path) -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: make test-browser")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
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


@pytest.fixture
def visit(chromium: Any, watched: Watched) -> Iterator[Visit]:
    """A visit to the page that must end without errors, and without a request to any other server."""
    with closing(Visit(chromium, watched)) as started:
        yield started
    assert started.errors == []
    allowed = (f"http://127.0.0.1:{watched.port}/", "data:", "blob:")
    assert all(url.startswith(allowed) for url in started.requested), "nothing is loaded from another server"
