"""The steps of the first run, in a browser: password, name and restart, aim, zone, test message, end of set-up."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Visit
from support.browsing import Watched

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


@pytest.fixture
def service(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> Iterator[Watched]:
    """A maskwatch with what systemd gives a service: a state folder, and a socket that hears of its state."""
    (tmp_path / "state").mkdir()
    socket_path = f"/tmp/{tmp_path.parent.name}-{tmp_path.name}"[:100]
    given = {"STATE_DIRECTORY": str(tmp_path / "state"), "NOTIFY_SOCKET": socket_path}
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(socket_path)
        broker = mosquitto().start().address
        try:
            with closing(Watched(partial(maskwatch, env=given), tmp_path, "", "--broker", broker)) as door:
                yield door
        finally:
            Path(socket_path).unlink()


def told(visit: Visit, where: str, text: str) -> None:
    visit.wait_for_script(f"document.querySelector('{where}').textContent.includes({json.dumps(text)})")


def save_password(visit: Visit, new: str, again: str | None = None, current: str | None = None) -> None:
    if current is not None:
        visit.page.get_by_label("Current password").fill(current)
    visit.page.get_by_label("New password", exact=True).fill(new)
    visit.page.get_by_label("The new password again").fill(new if again is None else again)
    visit.page.get_by_role("button", name="Save password").click()


def mark(visit: Visit, step: str) -> str:
    return str(visit.page.locator(f"#step-{step} .mark").inner_text())


def test_the_steps_lead_from_the_first_start_to_the_end_of_set_up(chromium: Any, service: Watched) -> None:
    with closing(Visit(chromium, service, viewport={"width": 360, "height": 740})) as visit:
        visit.page.get_by_role("link", name="Continue set-up").click()
        told(visit, "#progress", "0 of 6")
        save_password(visit, PASSWORD)
        told(visit, "#password-told", "Saved")
        assert mark(visit, "password") == "done"
        visit.page.locator("#step-password").get_by_role("button", name="Later").click()
        assert visit.page.evaluate("document.activeElement.parentElement.id") == "step-name", "focus follows the steps"
        visit.page.locator("#name").fill("Front Door")
        visit.page.get_by_role("button", name="Save name").click()
        told(visit, "#name-told", "allowed: 1 to 64 of a-z 0-9 _ -")
        visit.page.locator("#name").fill("front")
        visit.page.get_by_role("button", name="Save name").click()
        told(visit, "#name-told", "Until maskwatch is restarted, this camera is called entrance; then front.")
        assert service.client.ask("/api/now").status == 401, "the password counts at once"
        visit.save_screenshot("setup-phone")
        visit.page.get_by_role("button", name="Restart maskwatch now").click()
        assert service.process.end() == 0, "it ends in order, and systemd starts it again"
        service.process = service._start()
        visit.wait_for_script("document.getElementById('device').textContent === 'maskwatch: front'")
        visit.page.locator("#step-aim summary").click()
        visit.page.get_by_role("link", name="To the live image").click()
        told(visit, "#aim", "pixels wide")
        visit.page.get_by_role("link", name="Continue set-up").click()
        visit.page.locator("#step-zone summary").click()
        visit.page.get_by_role("link", name="To the zones").click()
        visit.wait_for_script("document.getElementById('editing').open")
        visit.page.get_by_role("link", name="Set up", exact=True).click()
        visit.page.locator("#step-test summary").click()
        visit.page.locator("#setup-test").click()
        told(visit, "#setup-tested", "Sent")
        assert mark(visit, "test") == "done" and mark(visit, "zone") == "to do", "a step can be left out"
        visit.page.locator("#step-finish summary").click()
        visit.page.get_by_role("button", name="Finish set-up").last.click()
        told(visit, "#progress", "Set-up is finished")
        assert not visit.page.locator("#unfinished").is_visible()
    assert 'name = "front"' in service.file.read_text() and "setup = false" in service.file.read_text()
    assert PASSWORD not in service.file.read_text() + service.process.err


def test_a_changed_password_ends_all_other_sessions_at_once(chromium: Any, watched: Watched) -> None:
    with closing(Visit(chromium, watched, "#setup")) as visit, closing(Visit(chromium, watched)) as other:
        save_password(visit, "short")
        told(visit, "#password-told", "5 characters")
        save_password(visit, PASSWORD, again="correct house")
        told(visit, "#password-told", "differ")
        save_password(visit, PASSWORD)
        told(visit, "#password-told", "Saved")
        other.wait_for_script("location.pathname === '/login'")
        other.page.fill("#password", PASSWORD)
        other.page.keyboard.press("Enter")
        other.wait_for_script("document.getElementById('device')?.textContent === 'maskwatch: entrance'")
        save_password(visit, "another horse", current="a guess")
        told(visit, "#password-told", "current password is wrong")
        save_password(visit, "another horse", current=PASSWORD)
        told(visit, "#password-told", "Saved")
        other.wait_for_script("location.pathname === '/login'")
        visit.page.get_by_role("link", name="Health").click()
        visit.wait_for_script("document.querySelector('#numbers dd')?.textContent === 'ok'")
        assert visit.page.url.endswith("#health"), "whoever changes the password stays logged in"


def test_the_page_can_be_installed(chromium: Any, watched: Watched) -> None:
    with closing(Visit(chromium, watched)) as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        found = session.send("Page.getAppManifest")
        assert not found.get("errors") and json.loads(found["data"])["name"] == "maskwatch: entrance"
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [error["errorId"] for error in errors] in ([], ["in-incognito"]), "Playwright's window is a private one"
        for path in ("icon-192.png", "icon-512.png", "icon-maskable.png", "icon-apple.png"):
            assert watched.client.ask(f"/{path}").body.startswith(b"\x89PNG")


def test_the_manifest_of_a_page_with_a_password_is_loaded_with_the_session(chromium: Any, watched: Watched) -> None:
    assert watched.client.post("/api/password", {"current": "", "new": PASSWORD}).status == 200
    assert watched.client.ask("/manifest.webmanifest").status == 401, "the name of the door is nobody's business"
    assert watched.client.ask("/icon-192.png").status == 200
    with closing(Visit(chromium, watched, "login")) as visit:
        visit.page.fill("#password", PASSWORD)
        visit.page.keyboard.press("Enter")
        visit.wait_for_script("document.getElementById('device')?.textContent === 'maskwatch: entrance'")
        session = visit.page.context.new_cdp_session(visit.page)
        assert json.loads(session.send("Page.getAppManifest")["data"])["start_url"] == "./"
