"""Attacks on the page in a browser: script in what others name, pages of other sites, and answers that are kept."""

import functools
import json
import threading
from contextlib import closing
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Tab, Visit, open_part
from support.brokers import free_port
from support.browsing import Watched
from support.many_doors import Doors

from edge.config.changeable import CHANGEABLE

pytestmark = pytest.mark.browser
SCRIPT = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
LINKS = ("javascript:document.title='owned'", "data:text/html,<script>alert(1)</script>", 'http://x/" onclick="x()')


class Site:
    """A page of another site on this machine; ``files`` are its files by name."""

    def __init__(self, folder: Path, **files: str) -> None:
        for name, text in files.items():
            (folder / f"{name}.html").write_text(text, "utf-8")
        handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
        handler.log_message = lambda *_: None  # type: ignore[attr-defined]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="other site", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


ATTACK = """<!doctype html><title>other</title><iframe id=frame src="DOOR/"></iframe><img id=img src="DOOR/live.jpg">
<form id=form method=post action="DOOR/api/pause" enctype="text/plain"><input name='{"paused": true, "x' value='":1}'>
</form>"""
FETCH = """async door => {
    const tried = {};
    const attempt = async (name, make) => { 
        try { tried[name] = await make(); } catch (e) { tried[name] = "refused"; } };
    const json = { method: "POST", body: '{"paused": true}', headers: { "Content-Type": "application/json" } };
    await attempt("read", async () => (await fetch(door + "/api/now", { credentials: "include" })).text());
    await attempt("blind", async () => (await fetch(door + "/api/pause", { method: "POST", mode: "no-cors",
        body: '{"paused": true}', credentials: "include" })).type);
    await attempt("json", async () => (await fetch(door + "/api/pause", json)).text());
    await attempt("events", () => new Promise((yes, no) => {
        const source = new EventSource(door + "/events", { withCredentials: true });
        source.onopen = () => yes("open"); source.onerror = () => { source.close(); no(); }; }));
    await attempt("socket", () => new Promise((yes, no) => {
        const socket = new WebSocket(door.replace("http", "ws") + "/events");
        socket.onopen = () => yes("open"); socket.onerror = no; }));
    await attempt("worker", async () => new Worker(door + "/js/worker.js") && "made");
    tried.image = document.getElementById("img").naturalWidth;
    return tried;
}"""


def test_a_page_of_another_site_reads_changes_and_frames_nothing(
    chromium: Any, watched: Watched, tmp_path: Path
) -> None:
    """The other site has the same host name and another port: the browser counts it as the same site."""
    (tmp_path / "site").mkdir()
    for host in ("127.0.0.1", "localhost"):
        door = f"http://127.0.0.1:{watched.port}"
        with closing(Site(tmp_path / "site", attack=ATTACK.replace("DOOR", door))) as site:
            tab = Tab(chromium.new_context(), f"http://{host}:{site.port}/attack.html")
            with closing(tab.page):
                tried = tab.page.evaluate(FETCH, door)
                assert tried.pop("blind") in ("opaque", "refused") and tried.pop("image") == 0, host
                assert set(tried.values()) == {"refused"}, (host, tried)
                framed = tab.page.frames[1]
                assert "maskwatch" not in framed.content().lower(), "the page is not framed"
                tab.page.evaluate("document.getElementById('form').submit()")
                tab.page.get_by_text("another site").wait_for()
    assert "watching paused" not in watched.process.err
    assert watched.client.ask("/api/now").json["pause"] == {"paused": False}


def test_names_of_zones_are_text(visit: Visit, watched: Watched) -> None:
    name = SCRIPT[:40]
    zone = {"name": name, "corners": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}
    assert "zones" in CHANGEABLE["detect"]
    for text in (name, "<svg/onload=document.title='owned'>"):
        answer = watched.client.post("/api/settings", {"detect": {"zones": [{**zone, "name": text[:40]}]}})
        assert answer.status in (200, 400), answer.text
    for part in ("live", "camera", "setup", "settings"):
        if visit.page.locator(f"section#{part}").count():
            open_part(visit, part)
    visit.page.wait_for_timeout(500)
    assert visit.page.title() != "owned" and visit.page.locator("img[src=x], svg[onload]").count() == 0


def test_what_doors_say_is_text_on_the_overview(chromium: Any, maskwatch: Any, mosquitto: Any) -> None:
    broker, port = mosquitto().start(), free_port()
    with Doors(broker.port) as doors:
        for number, link in enumerate(LINKS):
            doors.announce(f"door-{number}", link, today={"people": SCRIPT, "mask": SCRIPT, "alerts": SCRIPT})
        health = {"camera": SCRIPT, "problem": SCRIPT, "model": SCRIPT, "running": True}
        doors.say("door-0", "health", json.dumps(health).encode())
        doors.say(SCRIPT.replace("/", "").replace("#", "").replace("+", ""), "status", b"online")
        alert = dict.fromkeys(("event_type", "id", "device", "time", "model", "track"), SCRIPT)
        doors.say("door-1", "alert", json.dumps(alert).encode(), retain=False)
        process = maskwatch("watch", "--broker", broker.address, "--web", "--web-port", port)
        process.wait_for("the page is at")
        tab = Tab(chromium.new_context(), f"http://127.0.0.1:{port}/")
        with closing(tab.page):
            tab.page.get_by_text("door-2").first.wait_for()
            tab.page.get_by_text("<img src=x").first.wait_for()
            hrefs = tab.page.evaluate("[...document.querySelectorAll('#doors a')].map(a => a.href)")
            assert all(href.startswith(("http://", "https://")) for href in hrefs), hrefs
            assert tab.page.title() != "owned"
            assert tab.page.locator("#doors img, #doors script, #doors [onclick]").count() == 0
            assert tab.errors == []


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_a_login_leads_to_this_page_only(chromium: Any, maskwatch: Any, tmp_path: Path, to: str) -> None:
    from urllib.parse import quote

    from edge.serving.passwords import hash_password

    text = f'password_hash = "{hash_password("correct horse")}"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        address = f"http://127.0.0.1:{door.port}"
        tab = Tab(chromium.new_context(), f"{address}/login?to={quote(to)}&next={quote(to)}&back={quote(to)}#{to}")
        with closing(tab.page):
            tab.page.locator("input[type=password]").fill("correct horse")
            tab.page.locator("input[type=password]").press("Enter")
            tab.wait_for_script("!location.pathname.includes('login')")
            assert tab.page.url.startswith(f"{address}/"), tab.page.url
            tab.page.goto("about:blank")
            tab.page.context.clear_cookies()
            tab.page.go_back()
            tab.page.wait_for_timeout(500)
            assert not tab.page.locator("#picture").is_visible(), "no private answer is kept"


def test_another_host_name_that_leads_here_gets_nothing(chromium: Any, watched: Watched) -> None:
    """DNS rebinding: a name of another site leads to this address."""
    flag = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    browser = chromium.browser_type.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", flag])
    with closing(browser):
        page = browser.new_page()
        answer = page.goto(f"http://evil.example:{watched.port}/")
        assert answer.status == 421
        status = page.evaluate("async () => (await fetch('/api/now')).status")
        assert status == 421
