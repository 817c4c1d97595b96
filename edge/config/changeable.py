"""The options that take effect while maskwatch runs: the page changes them, and no others."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .schema import Config

CHANGEABLE: Mapping[str, tuple[str, ...]] = {
    "detect": ("zones", "min_face", "score"),
    "decide": ("threshold",),
    "web": ("setup",),
}
"""The only options that the page may change, by section."""
TUNING = ("detect", "decide")
"""The sections that say how faces are found and judged: several pages may change them at once."""


def tuning(config: Config) -> dict[str, Any]:
    """Returns how faces are found and judged, as JSON."""
    names = [(section, key) for section in TUNING for key in CHANGEABLE[section]]
    return {key: _plain(getattr(getattr(config, section), key)) for section, key in names}


def version(config: Config) -> str:
    """Returns a text that differs where ``tuning`` differs. A restart leaves it as it is."""
    return hashlib.sha256(json.dumps(tuning(config)).encode()).hexdigest()[:16]


def with_changes(running: Config, kept: Config) -> Config:
    """Returns the configuration in use, with those options of another that take effect while maskwatch runs."""
    sections = {
        name: replace(getattr(running, name), **{key: getattr(getattr(kept, name), key) for key in CHANGEABLE[name]})
        for name in TUNING
    }
    return replace(running, web=kept.web, **sections)


def _plain(value: Any) -> Any:
    return [zone.plain for zone in value] if isinstance(value, tuple) else value
