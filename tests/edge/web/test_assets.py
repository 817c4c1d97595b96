"""edge.web.assets: the visitor's language, and texts that are complete in every language."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched

from edge.web.assets import STATIC, render
from edge.web.languages import languages

HTML = sorted(path.name for path in STATIC.glob("*.html"))
MORE_FORMS = re.compile(r"\.(zero|two|few|many)$")
USED = re.compile(r"""\b(?:t|count)\(\s*"([\w.]+)"|\bt\(\s*\w[\w.]*\s*\?\s*"([\w.]+)"\s*:\s*"([\w.]+)\"""")


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_texts_with_the_same_values(language: str) -> None:
    texts, english = languages()[language], languages()["en"]
    forms = {key for key in texts if re.search(MORE_FORMS, key) and re.sub(MORE_FORMS, ".other", key) in english}
    assert texts.keys() - forms == english.keys(), "a language may have more forms for numbers"
    for key, text in texts.items():
        of_english = english[re.sub(MORE_FORMS, ".other", key) if key in forms else key]
        assert placeholders(text) == placeholders(of_english), key


def test_every_text_that_a_module_names_exists() -> None:
    for path in sorted((STATIC / "js").glob("*.js")):
        for keys in USED.findall(path.read_text("utf-8")):
            for key in filter(None, keys):
                assert key in languages()["en"] or f"{key}.other" in languages()["en"], f"{path.name}: {key}"


@pytest.mark.parametrize("name", HTML)
@pytest.mark.parametrize("language", languages())
def test_html_is_filled_in(name: str, language: str) -> None:
    page = render(name, language)
    assert f'<html lang="{language}">' in page and "{{" not in page


def test_paths_are_relative_so_that_the_page_works_below_any_path() -> None:
    for path in [*STATIC.glob("*.html"), *STATIC.glob("js/*.js")]:
        assert not re.search(r"""(href|src|action)="/|[("'`]/(api|events|live|log)""", path.read_text("utf-8")), path


def test_the_page_comes_in_the_visitor_s_language(maskwatch: Any, tmp_path: Path) -> None:
    preferred = {
        "de-CH,de;q=0.9,en;q=0.8": "de",
        "fr,en;q=0.5,de;q=0.7": "de",
        "fr": "en",
        "de;q=0": "en",
        ";q=x": "en",
    }
    with closing(Watched(maskwatch, tmp_path)) as watched:
        for accepted, language in preferred.items():
            assert f'<html lang="{language}">' in watched.client.ask("/login", Accept_Language=accepted).text
        chosen = watched.client.ask("/login", Accept_Language="en", Cookie="maskwatch_language=de")
        assert '<html lang="de">' in chosen.text
