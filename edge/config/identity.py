"""Names the options in use, without secrets: what is not a default, what has changed, and a short id of them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..addresses import shown, shown_program
from .option import Allowed
from .schema import Config, options

if TYPE_CHECKING:  # nothing of outputs is loaded unless one is configured
    from .outputs import OutputConfig

SECRET = "(secret)"
"""Stands for the value of a secret option."""


@dataclass(frozen=True, slots=True)
class _Used:
    """An option of a configuration. Its secrets are compared, and never shown."""

    value: Any
    default: Any
    allowed: Allowed

    @property
    def shown(self) -> Any:
        """Returns the value as JSON, without secrets."""
        return _shown(self.value, self.allowed)


def options_in_use(config: Config) -> dict[str, Any]:
    """Returns the options that differ from their defaults, by name, as JSON, without secrets."""
    return {name: used.shown for name, used in _used(config) if used.value != used.default}


def config_id(config: Config) -> str:
    """Returns a text that differs where ``options_in_use`` differ."""
    text = json.dumps(options_in_use(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def changes(before: Config, after: Config) -> list[dict[str, Any]]:
    """Returns ``option``, ``old`` and ``new`` of each option that differs, a secret one too, without secrets."""
    old, new = dict(_used(before)), dict(_used(after))
    found = []
    for name in old | new:
        was, now = old.get(name), new.get(name)
        default = (was or new[name]).default  # of an output that is there only before, or only after
        if (was.value if was else default) != (now.value if now else default):
            found.append({"option": name, "old": was.shown if was else None, "new": now.shown if now else None})
    return found


def edits(known: Mapping[str, Any], config: Config) -> list[dict[str, Any]]:
    """Returns how a configuration differs from ``options_in_use`` as they are known, like ``changes``."""
    now = dict(_used(config))
    found = []
    for name in {**now, **known}:
        used = now.get(name)
        if used is None and not name.startswith("outputs."):
            continue  # an earlier version had this option
        old = known.get(name, _shown(used.default, used.allowed) if used else None)
        new = used.shown if used else None
        if old != new:
            found.append({"option": name, "old": old, "new": new})
    return found


def _used(config: Config) -> Iterator[tuple[str, _Used]]:
    for section, key, default, allowed in options():
        yield f"{section}.{key}", _Used(getattr(getattr(config, section), key), default, allowed)
    for output in config.outputs:
        yield from _of_output(output)


def _of_output(output: "OutputConfig") -> Iterator[tuple[str, _Used]]:
    from .outputs import DRIVER, DRIVERS

    drivers = " or ".join(driver for driver, kind in DRIVERS.items() if type(output) is kind)
    yield f"outputs.{output.name}.driver", _Used(drivers, None, DRIVER)
    for part in fields(output):
        if "allowed" in part.metadata:
            used = _Used(getattr(output, part.name), part.default, part.metadata["allowed"])
            yield f"outputs.{output.name}.{part.name}", used


def _shown(value: Any, allowed: Allowed) -> Any:
    if allowed.secret and value:
        return SECRET
    if allowed.arguments and value:
        return [shown_program(value[0]), *[SECRET for _ in value[1:]]]
    if isinstance(value, tuple):
        return [_shown_entry(entry, allowed) for entry in value]
    return shown(value) if isinstance(value, str) and not allowed.choices and not allowed.plain else value


def _shown_entry(entry: Any, allowed: Allowed) -> Any:
    """Returns a zone, or a text in a list: an address may have a login, but a network or a host name has none."""
    if isinstance(entry, str):
        return shown(entry) if not allowed.plain and ("@" in entry or "://" in entry) else entry
    return entry.plain
