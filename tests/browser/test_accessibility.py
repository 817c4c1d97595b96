"""Accessibility: axe-core and Lighthouse find nothing in any page, on a phone and a laptop, light and dark."""

import json
import os
import subprocess
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from browser.visit import LAPTOP, PARTS, PHONE, Tab, Visit, open_part
from support import ROOT
from support.brokers import free_port
from support.browsing import Watched
from support.many_doors import Doors

pytestmark = pytest.mark.browser
TOOLS = (ROOT / os.environ.get("MASKWATCH_BROWSER_TOOLS", ".venv/browser-tools")) / "node_modules"
"""axe-core and Lighthouse, which `make test-browser` installs."""


def tool(path: str) -> Path:
    if not (TOOLS / path).exists():
        pytest.skip(f"needs {path.partition('/')[0]}: make test-browser")
    return TOOLS / path


def violations(tab: Tab) -> list[Any]:
    """What axe-core finds in the page as it is now, with everything unfolded."""
    tab.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    tab.page.wait_for_timeout(700)
    tab.page.evaluate(tool("axe-core/axe.min.js").read_text("utf-8"))
    report = tab.page.evaluate("axe.run().then(found => found.violations)")
    return [(found["id"], [node["html"][:120] for node in found["nodes"]][:3]) for found in report]


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
SCREENS = pytest.mark.parametrize("screen", [PHONE, LAPTOP], ids=["phone", "laptop"])


@SCHEMES
@SCREENS
def test_axe_finds_no_violation(chromium: Any, watched: Watched, screen: dict[str, Any], scheme: str) -> None:
    found = {}
    watched.until(lambda: watched.client.ask("/api/now").json.get("stats"), "statistics")
    with closing(Visit(chromium, watched, color_scheme=scheme, **screen)) as visit:
        for part in PARTS:
            open_part(visit, part)
            found[part] = violations(visit)
            if part == "check":
                visit.page.get_by_role("button", name="Use this device's camera").click()
                visit.page.get_by_role("button", name="Check continuously").click()
                visit.page.locator("#found-now text").first.wait_for()
                found["camera"] = violations(visit)
        visit.page.goto(f"http://127.0.0.1:{watched.port}/report")
        visit.page.locator("#tables table").first.wait_for()
        found["report"] = violations(visit)
        visit.page.goto(f"http://127.0.0.1:{watched.port}/notice")
        visit.page.locator("#sentences p").first.wait_for()
        found["notice"] = violations(visit)
        visit.page.emulate_media(reduced_motion="reduce")  # colours between two messages count for nothing
        visit.page.goto(f"http://127.0.0.1:{watched.port}/sign")
        visit.wait_for_script("document.body.dataset.message === 'no_mask'")
        for message in ("no_mask", "incorrect_mask", "mask", "idle"):
            visit.page.evaluate("message => { document.body.dataset.message = message; }", message)
            found[f"sign, {message}"] = violations(visit)
    assert {part: what for part, what in found.items() if what} == {}


@SCHEMES
@SCREENS
def test_axe_finds_no_violation_in_the_overview(
    chromium: Any, maskwatch: Any, mosquitto: Any, screen: dict[str, Any], scheme: str
) -> None:
    tool("axe-core/axe.min.js")
    broker, port = mosquitto().start(), free_port()
    with Doors(broker.port) as doors:
        doors.announce("good", "http://192.0.2.1:8080/", today={"people": 20, "mask": 18, "alerts": 2})
        doors.announce("gone", "")
        doors.say("gone", "status", b"offline")
        process = maskwatch("watch", "--broker", broker.address, "--web", "--web-port", port)
        process.wait_for("the page is at")
        with closing(Visit(chromium, SimpleNamespace(port=port), color_scheme=scheme, **screen)) as visit:
            visit.page.get_by_text("2 doors: 1 needs attention").wait_for()
            assert violations(visit) == []
            broker.kill()
            visit.page.get_by_text("No connection to the broker since").wait_for()
            assert violations(visit) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("options", [["--preset=desktop"], []], ids=["laptop", "phone"])
def test_lighthouse_gives_full_marks_for_accessibility(
    chromium: Any, watched: Watched, tmp_path: Path, options: list[str]
) -> None:
    command = tool("lighthouse/cli/index.js")
    report = tmp_path / "report.json"
    for part in PARTS if not options else PARTS[:1]:
        subprocess.run(
            [
                "node",
                str(command),
                f"http://127.0.0.1:{watched.port}/#{part}",
                "--only-categories=accessibility",
                "--output=json",
                f"--output-path={report}",
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
                "--max-wait-for-load=6000",
                "--quiet",
                *options,
            ],
            env={**os.environ, "CHROME_PATH": "/usr/bin/chromium"},
            check=True,
            timeout=120,
        )
        content = json.loads(report.read_text("utf-8"))
        bad = [name for name, audit in content["audits"].items() if audit["score"] not in (None, 1)]
        assert (content["categories"]["accessibility"]["score"], bad) == (1, []), part
