"""Checks the options of one section, or of the table of one output."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from ..addresses import shown_name
from .option import Allowed, checked, shown_value

T = TypeVar("T")


def with_options(section: T, values: Mapping[str, Any], where: str, faults: list[str], hint: Callable[[str], str]) -> T:
    """Returns a section with options that are checked; appends a line per fault to ``faults``.

    ``where`` begins each line. ``hint`` may say where an unknown option belongs.
    """
    known = {part.name: part for part in fields(section) if "allowed" in part.metadata}  # type: ignore[arg-type]
    accepted: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            faults.append(f"{where}.{shown_name(key)}: unknown; {hint(key) or nearest(key, known)}")
            continue
        allowed: Allowed = known[key].metadata["allowed"]
        try:
            accepted[key] = checked(value, known[key].type, allowed)
        except (ValueError, OverflowError) as fault:
            limits = "" if known[key].type is bool else f" (allowed: {allowed})"
            faults.append(f"{where}.{key}{shown_value(value, allowed)}: {fault}{limits}")
    return replace(section, **accepted)  # type: ignore[type-var]


def nearest(key: str, known: Iterable[str]) -> str:
    """Returns which of the known names may be meant."""
    close = difflib.get_close_matches(key, list(known), 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
