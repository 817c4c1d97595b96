"""Answers with the notice for the door: what happens to the people who come in, true for the options in use.

``static/notice/XX.json`` has the sentences of one language; a file more is a language more.
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from ..config.schema import Config
from ..outbox.sql import HISTORY_KEPT
from ..record.sql import DAYS_KEPT
from ..serving.answers import error_response
from .assets import STATIC, html_handler, language_of
from .languages import DEFAULT_LANGUAGE

STORE = "store"
"""The sentence about the database of all doors, which a device does not know of."""


@cache
def notices() -> Mapping[str, Mapping[str, str]]:
    """Returns the sentences of every language by name, by the language's code."""
    files = sorted((STATIC / "notice").glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


class Notice:
    """Answers ``/notice`` and ``/api/notice``. Runs in the page's thread."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of the notice."""
        return web.get("/notice", html_handler("notice.html")), web.get("/api/notice", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """Answers with the notice in the language ``lang``; without it, in the visitor's."""
        language = request.query.get("lang") or language_of(request)
        if language not in notices():
            return error_response(400, f"lang '{language[:40]}' is not one of {', '.join(notices())}")
        return web.json_response(described(self._config(), language))


def described(config: Config, language: str = DEFAULT_LANGUAGE) -> dict[str, Any]:
    """Returns title, sentences and labels, and the two forms of the sentence on the store, with its ``{number}``."""
    texts = notices()[language]
    pictures, counts = duration(config.snapshots.keep_days, texts), duration(DAYS_KEPT, texts)
    return {
        "language": language,
        "languages": {code: other["language"] for code, other in notices().items()},
        "title": texts["title"],
        "sentences": [
            texts[name].format(alerts=HISTORY_KEPT, days=pictures if name.startswith("images") else counts)
            for name in names(config)
        ],
        "rights": texts["rights"],
        "store": {form: texts[STORE].replace("{days}", texts[f"days.{form}"]) for form in ("one", "other")},
        "store_days": config.store.keep_days if config.store.address_file else None,
        "labels": {name: texts[name] for name in ("responsible", "contact", "purpose")},
        "shows_faces": config.web.enabled and config.web.setup,
    }


def duration(days: float, texts: Mapping[str, str]) -> str:
    """Returns a number of days in words. A part of a day counts as a day, so that "at most" stays true."""
    number = math.ceil(days)
    return texts["days.one" if number == 1 else "days.other"].format(number=number)


def names(config: Config) -> list[str]:
    """Returns which sentences are true, in order."""
    mode, hidden, seen = config.snapshots.mode, config.privacy.blur, config.web.enabled
    images = "full" if mode == "full" else hidden if mode == "blurred" else "live" if seen else "off"
    live = ["live_setup" if config.web.setup else f"live_{hidden}"] if seen else []
    opens = any(getattr(output, "open_when", "") for output in config.outputs)
    return ["looks", "identifies", "alerts", f"images_{images}", *live, "counts", *(["interlock"] if opens else [])]
