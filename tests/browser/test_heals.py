"""The page comes back by itself: after restarts, lost networks, ended sessions and suspended phones."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from browser.visit import Visit
from chaos.relay import Relay
from support.browsing import Watched

from edge.serving.passwords import hash_password

pytestmark = pytest.mark.browser
PASSWORD = "correct horse"
PICTURE = "document.getElementById('picture')?"
VERDICT = "document.getElementById('verdict').textContent"
WAITING = "document.getElementById('waiting')"
FRAMES = r"Number(/Frames processed(\d+)/.exec(document.getElementById('numbers').textContent)?.[1] ?? 0)"


def wait_for_a_newer_image(visit: Visit) -> None:
    source = visit.page.evaluate(f"{PICTURE}.src")
    visit.wait_for_script(f"{PICTURE}.naturalWidth === 640 && {PICTURE}.src !== {source or ''!r} && {WAITING}.hidden")


def wait_for_newer_numbers(visit: Visit) -> None:
    count = visit.page.evaluate(FRAMES)
    visit.wait_for_script(f"{FRAMES} > {count}")


def test_the_live_image_and_the_events_come_back_after_each_restart(visit: Visit, watched: Watched) -> None:
    for _ in range(2):
        wait_for_a_newer_image(visit)
        watched.process.end(15)
        visit.wait_for_script(
            f"{VERDICT} === 'No connection' && !{WAITING}.hidden && !document.getElementById('broken').hidden"
        )
        watched.again()
        wait_for_a_newer_image(visit)
        visit.wait_for_script(f"document.getElementById('broken').hidden && /problem|mask/i.test({VERDICT})")
        visit.wait_for_script(f"{FRAMES} > 0")
        wait_for_newer_numbers(visit)
    visit.errors.clear()  # the requests that failed while the device was gone


def test_what_belongs_to_an_earlier_run_is_replaced(visit: Visit, watched: Watched) -> None:
    """A restart under another name: title, numbers and settings are those of the new run."""
    wait_for_newer_numbers(visit)
    watched.process.end(15)
    watched.file.write_text(watched.file.read_text() + '[device]\nname = "back-door"\n')
    watched.again()
    visit.wait_for_script(
        "/back-door/.test(document.title) && /back-door/.test(document.getElementById('device').textContent)"
    )
    visit.errors.clear()


@pytest.fixture
def relay(watched: Watched) -> Iterator[Relay]:
    with closing(Relay(watched.port)) as between:
        yield between


def test_a_network_that_loses_everything_is_noticed_and_the_page_recovers(chromium: Any, relay: Relay) -> None:
    """No connection ends: the data of both sides are lost, as on a phone that leaves the network."""
    with closing(Visit(chromium, relay)) as visit:
        wait_for_a_newer_image(visit)
        relay.drops_from_broker = relay.drops_from_client = True
        visit.wait_for_script(f"/No new image for|does not answer/.test({WAITING}.textContent) && !{WAITING}.hidden")
        visit.wait_for_script(f"{VERDICT} === 'No connection'")
        relay.drops_from_broker = relay.drops_from_client = False
        wait_for_a_newer_image(visit)
        visit.wait_for_script(f"document.getElementById('broken').hidden && {VERDICT} !== 'No connection'")
        wait_for_newer_numbers(visit)


def browser_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "chrom" in child.name()]


def test_a_suspended_browser_recovers(chromium: Any, relay: Relay) -> None:
    """A phone sleeps: the browser stands still, and its connections are gone without a sign when it goes on."""
    with closing(Visit(chromium, relay)) as visit:
        wait_for_a_newer_image(visit)
        processes = browser_processes()
        assert processes
        for process in processes:
            process.suspend()
        relay.lose_connections()
        time.sleep(10)
        for process in processes:
            process.resume()
        wait_for_a_newer_image(visit)
        wait_for_newer_numbers(visit)
        visit.wait_for_script(f"document.getElementById('broken').hidden && {VERDICT} !== 'No connection'")


def test_a_page_that_is_left_and_opened_again_by_back_goes_on(visit: Visit, watched: Watched) -> None:
    wait_for_a_newer_image(visit)
    visit.page.goto(f"http://127.0.0.1:{watched.port}/login")
    visit.page.go_back()
    wait_for_a_newer_image(visit)
    wait_for_newer_numbers(visit)


@pytest.fixture
def locked(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, f'password_hash = "{hash_password(PASSWORD)}"\n', "--print")) as door:
        yield door


def log_in(visit: Visit) -> None:
    visit.page.wait_for_load_state()  # with its script
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#picture", state="attached")  # the page that follows: no script runs in between


@pytest.mark.parametrize("part", ["Live", "Alerts", "Health"])
def test_an_ended_session_leads_to_the_login_and_back(chromium: Any, locked: Watched, part: str) -> None:
    with closing(Visit(chromium, locked)) as visit:
        log_in(visit)
        wait_for_a_newer_image(visit)
        visit.page.get_by_role("link", name=part).click()
        other = visit.tab()
        other.wait_for_script(f"{FRAMES} > 0")
        # while nothing answers: a login page must not begin to load from a process that then ends
        locked.again(visit.page.context.clear_cookies)  # the session is not known any more
        for tab in (visit, other):
            tab.page.wait_for_url("**/login*")
        log_in(visit)
        visit.wait_for_script(f"document.title.startsWith({part!r}) && {FRAMES} > 0")
        other.wait_for_script(f"document.title.startsWith('Live') && {FRAMES} > 0")
        assert visit.page.locator("#broken").is_hidden()


def test_a_login_page_that_is_still_loading_notices_the_login_in_another_tab(chromium: Any, locked: Watched) -> None:
    held: list[Any] = []
    with closing(Visit(chromium, locked)) as visit:
        other = visit.tab()
        other.page.wait_for_url("**/login*")
        other.page.route("**/js/login.js", lambda route: held.append(route))
        other.page.reload(wait_until="commit")
        while not held:
            other.page.wait_for_timeout(50)
        log_in(visit)
        wait_for_a_newer_image(visit)
        held[0].continue_()
        other.wait_for_script("document.title.startsWith('Live')")


def test_logging_out_in_one_tab_leads_all_to_the_login(chromium: Any, locked: Watched) -> None:
    with closing(Visit(chromium, locked)) as visit:
        log_in(visit)
        wait_for_a_newer_image(visit)
        other = visit.tab()
        other.page.get_by_role("link", name="Health").click()
        other.wait_for_script(f"{FRAMES} > 0")
        visit.page.get_by_role("button", name="Log out").click()
        visit.page.wait_for_url("**/login")
        other.page.wait_for_url("**/login#health")


def test_a_refusal_is_not_called_silence(chromium: Any, watched: Watched) -> None:
    """Twenty programs follow the events, which is the limit: the device answers, and says so."""
    with ExitStack() as stack:
        for _ in range(19):
            stack.enter_context(watched.client.stream("/events")).readline()
        last = stack.enter_context(ExitStack())
        last.enter_context(watched.client.stream("/events")).readline()
        visit = stack.enter_context(closing(Visit(chromium, watched)))
        visit.wait_for_script("/20 browsers/.test(document.getElementById('broken').textContent)")
        assert "does not answer" not in visit.page.locator("#broken").inner_text()
        last.close()
        visit.wait_for_script("document.getElementById('broken').hidden")
        wait_for_newer_numbers(visit)
