"""The options that the page changes, and those of them that take effect while maskwatch runs."""

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
"""The only options that the page may change, by section, and that take effect at once."""
KEPT: Mapping[str, tuple[str, ...]] = {
    **CHANGEABLE,
    "web": (*CHANGEABLE["web"], "password_hash"),
    "device": ("name",),
}
"""What ``page.toml`` may set. The service may write that file, and commands of root read it: others do not count."""
TUNING = ("detect", "decide")
"""The sections that say how faces are found and judged: several pages may change them at once."""


def that_are_kept(sections: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Returns the sections of ``page.toml`` with what it may set, and the names of what it may not."""
    kept: dict[str, Any] = {}
    others: list[str] = []
    for name, values in sections.items():
        if name not in KEPT or not isinstance(values, Mapping):
            others.append(name)
            continue
        kept[name] = {key: value for key, value in values.items() if key in KEPT[name]}
        others += [f"{name}.{key}" for key in values if key not in KEPT[name]]
    return kept, others


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
