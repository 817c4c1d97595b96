"""The notice for the door in a browser, and on paper: one A4 page in each language, with the longest sentences."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Visit
from support.browsing import Watched

pytestmark = pytest.mark.browser
LONGEST = """
setup = false
[snapshots]
mode = "blurred"
[privacy]
blur = "eyes"
[outputs.door]
driver = "relay"
pin = 17
open_when = "mask"
zone = "way"
[detect]
zones = [{name = "way", corners = [[0, 0], [1, 0], [1, 1]]}]
"""
TYPED = {"Who is responsible": "Hospital of Saint <b>Mary</b>, ward 7", "Contact": "dpo@example.org, 0123 456789"}


def open_notice(visit: Visit, watched: Watched, language: str = "") -> Any:
    visit.page.goto(f"http://127.0.0.1:{watched.port}/notice{language and f'?lang={language}'}")
    visit.page.locator("#sentences p").first.wait_for()
    return visit.page


def filled(page: Any) -> dict[str, float]:
    """The share of the height of the page that is filled on paper, and the size of letters there in points."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1009})  # A4 without its margins of 15 mm
    measured: dict[str, float] = page.evaluate(
        """() => { const sheet = document.getElementById("notice");
        const letters = parseFloat(getComputedStyle(sheet).fontSize) * 0.75;
        return { share: sheet.scrollHeight * 25.4 / 96 / 267, letters } }"""
    )
    return measured


def test_set_up_leads_to_it_and_what_is_typed_appears_as_text(visit: Visit, watched: Watched) -> None:
    visit.page.goto(f"http://127.0.0.1:{watched.port}/#setup")
    visit.page.locator("#step-finish summary").click()
    visit.page.get_by_role("link", name="Print the notice for the door").click()
    page = visit.page
    page.locator("#sentences p").first.wait_for()
    assert page.locator("#seen").is_visible(), "the page shows faces until set-up is finished"
    for label, text in TYPED.items():
        page.get_by_label(label, exact=True).fill(text)
        assert text in page.locator("#who").inner_text()
    assert page.locator("#who .line").count() == 1, "the purpose is left to be written by hand"
    page.get_by_label("Days in a database").fill("1")
    assert "for 1 day." in page.locator("#sentences").inner_text()
    page.get_by_label("Language of the notice").select_option(label="Français")
    visit.wait_for_script("document.getElementById('notice').lang === 'fr'")
    assert page.url.endswith("?lang=fr") and TYPED["Contact"] in page.locator("#who").inner_text()
    assert "1 jour." in page.locator("#sentences").inner_text()
    page.go_back()
    visit.wait_for_script("document.getElementById('notice').lang === 'en'")


def test_a_language_that_is_not_there_is_said(visit: Visit, watched: Watched) -> None:
    visit.page.goto(f"http://127.0.0.1:{watched.port}/notice?lang=xx")
    visit.page.locator("#failed").wait_for()
    assert "is not one of" in visit.page.locator("#failed").inner_text()
    visit.errors.clear()  # of the request that the device refuses


def test_it_prints_on_one_page_in_each_language(chromium: Any, maskwatch: Any, tmp_path: Path) -> None:
    with closing(Watched(maskwatch, tmp_path, LONGEST, "--print")) as door, closing(Visit(chromium, door)) as visit:
        for language in ("de", "en", "es", "fr", "it", "zh"):
            page = open_notice(visit, door, language)
            short = filled(page)
            assert 0.9 < short["share"] <= 1 and short["letters"] >= 14, (language, short)
            page.emulate_media(media="screen")
            for field in ("responsible", "contact", "purpose"):
                page.locator(f"#{field}").fill("Krankenhaus der Barmherzigen Schwestern, Station 7, Eingang Nord " * 2)
            page.locator("#store").fill("400")
            assert page.locator("#sentences p").count() == 9
            page.emulate_media(media="print")
            pdf = page.pdf(prefer_css_page_size=True, print_background=True)
            assert len(re.findall(rb"/Type /Page\b", pdf)) == 1, language
            assert 0.9 < filled(page)["share"] <= 1, (language, filled(page))
            assert not page.locator("#values").is_visible(), "no control is printed"
            visit.save_screenshot(f"notice-{language}")
            page.emulate_media(media="screen")
