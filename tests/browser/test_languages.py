"""The languages of the page, in a browser: the browser's own, the visitor's choice, and a language that is added."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Visit
from support import ROOT
from support.browsing import Watched

pytestmark = pytest.mark.browser


def test_the_browser_s_language_counts_until_the_visitor_chooses(chromium: Any, watched: Watched) -> None:
    with closing(Visit(chromium, watched, "#health", locale="de-CH")) as visit:
        assert visit.page.locator("html").get_attribute("lang") == "de"
        visit.page.get_by_label("Sprache").select_option("en")
        visit.wait_for_script("document.documentElement.lang === 'en'")
        assert visit.page.url.endswith("#health"), "the part that is shown stays"
        visit.page.reload()
        visit.page.get_by_role("link", name="Alerts").wait_for()
        assert visit.page.get_by_label("Language").input_value() == "en"
        tab = visit.tab()
        assert tab.page.locator("html").get_attribute("lang") == "en"
        assert visit.errors == tab.errors == []


def test_the_login_has_the_choice_too(chromium: Any, watched: Watched) -> None:
    assert watched.client.post("/api/password", {"current": "", "new": "correct horse"}).status == 200
    with closing(Visit(chromium, watched, locale="en-GB")) as visit:
        visit.page.get_by_label("Language").select_option(label="Deutsch")
        visit.page.fill("#password", "correct horse")
        visit.page.get_by_role("button", name="Anmelden").click()
        visit.page.get_by_role("link", name="Meldungen").wait_for()


def test_dates_and_shares_are_those_of_the_language(chromium: Any, watched: Watched) -> None:
    shown = {}
    for locale in ("en-GB", "de-DE"):
        with closing(Visit(chromium, watched, "#check", locale=locale)) as visit:
            visit.page.set_input_files("#files", ROOT / "edge" / "camera" / "door.jpg")
            shown[locale] = visit.page.locator("#results td:nth-child(3)").first.inner_text()
    assert shown["en-GB"].endswith("%") and " " not in shown["en-GB"]
    assert shown["de-DE"].endswith("\u00a0%")


def test_a_sentence_of_the_device_is_marked_as_english(chromium: Any, maskwatch: Any, tmp_path: Path) -> None:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        with closing(Visit(chromium, door, "#setup", locale="de")) as visit:
            visit.page.locator("#step-name summary").click()
            visit.page.locator("#name").fill("Haustür")
            visit.page.get_by_role("button", name="Name speichern").click()
            sentence = visit.page.locator("#name-told [lang=en]")
            sentence.wait_for()
            assert "allowed: 1 to 64" in sentence.inner_text()
            visit.page.get_by_role("link", name="Zustand").click()
            visit.page.locator("#test").click()
            visit.wait_for_script("/keine Verbindung zum Broker/.test(document.getElementById('tested').textContent)")


def test_a_file_more_is_a_language_more(chromium: Any, maskwatch: Any, tmp_path: Path) -> None:
    code = tmp_path / "code"
    for folder in ("edge", "models"):
        shutil.copytree(ROOT / folder, code / folder, ignore=shutil.ignore_patterns("__pycache__"))
    folder = code / "edge" / "web" / "static" / "lang"
    texts = json.loads((folder / "en.json").read_text("utf-8"))
    texts |= {"language.name": "Nederlands", "language.label": "Taal", "nav.alerts": "Meldingen"}
    (folder / "nl.json").write_text(json.dumps(texts), "utf-8")
    program = ("-c", f"import sys; sys.path.insert(0, {str(code)!r}); from edge.__main__ import main; sys.exit(main())")

    def installed(*args: Any) -> Any:
        return maskwatch(*args, program=program)

    with closing(Watched(installed, tmp_path, "", "--print")) as door:
        with closing(Visit(chromium, door, locale="nl-BE")) as visit:
            visit.page.get_by_role("link", name="Meldingen").wait_for()
            assert visit.page.get_by_label("Taal").locator("option").all_inner_texts() == [
                "Deutsch",
                "English",
                "Nederlands",
            ]
