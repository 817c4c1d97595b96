"""Reads the texts of the page. ``static/lang/XX.json`` has those of one language; a file more is a language more."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

DEFAULT_LANGUAGE = "en"


@cache
def languages() -> Mapping[str, Mapping[str, str]]:
    """Returns the texts of every language by key, by the language's code."""
    files = sorted((Path(__file__).with_name("static") / "lang").glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}
