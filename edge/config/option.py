"""What one option takes: its help, its limits, and the check of a value."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from ..addresses import shown
from .zone import Zone, checked_zones

NAME = re.compile(r"[a-z0-9_-]{1,64}")
"""Device name and topic prefix. Invalid names are rejected, not corrected, because subscribers rely on them."""
HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
"""Two times of day, in local time."""
OPEN_LIST = re.compile(r"\s*\[(?![^\],\s]*:[^\],\s]*\])")
"""The beginning of a list, and not of an IPv6 address in brackets."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an option takes besides its type."""

    help: str
    low: float | None = None
    high: float | None = None
    none: int | None = None
    """A value outside of the limits that stands for none."""
    name: bool = False
    hours: bool = False
    choices: tuple[str | int, ...] = ()
    arguments: bool = False
    """A list of a program and its arguments, which may be secrets: only the program is shown. The texts are whole: one
    text is not split, and empty ones count."""
    plain: bool = False
    """A text, or a list of whole texts, that is no address, no path and no login: it is shown as it is."""
    secret: bool = False
    """Messages never show the value: it is a secret, or somebody may have typed one instead of a file."""

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(str(choice) or '""' for choice in self.choices)
        if self.name:
            return "1 to 64 of a-z 0-9 _ -"
        if self.hours:
            return "HH:MM-HH:MM or empty"
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return self.help

    @property
    def limited(self) -> bool:
        """Returns whether there are limits beside the type."""
        return bool(self.choices) or self.name or self.hours or self.low is not None


def option(default: Any, text: str, **limits: Any) -> Any:
    """Declares an option with its default, help text and limits."""
    return field(default=default, metadata={"allowed": Allowed(text, **limits)})


def checked(value: Any, kind: Any, allowed: Allowed) -> Any:
    """Returns the value as the option's type. Raises ``ValueError`` that says what is wrong with it."""
    if kind == tuple[str, ...]:
        _refuse_open_list(value)
        return _whole(value) if allowed.arguments or allowed.plain else _texts(value, allowed)
    if kind == tuple[Zone, ...]:
        return checked_zones(value)
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        names = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise ValueError(f"must be {names[kind]}")
    if allowed.low is not None and allowed.high is not None and not allowed.low <= value <= allowed.high:
        if value != allowed.none:
            raise ValueError("out of range")
    if allowed.choices and value not in allowed.choices:
        raise ValueError("unknown")
    if allowed.name and not NAME.fullmatch(value):
        raise ValueError("not usable in a topic")
    if allowed.hours and value and (fault := fault_of_hours(value)):
        raise ValueError(fault)
    if kind is str and any(ord(letter) < 32 for letter in value):
        raise ValueError("has control characters")
    return value


def fault_of_hours(text: str) -> str:
    """Returns what is wrong with two times of day like 22:00-06:00; empty if nothing is."""
    if not re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", text, re.ASCII):
        return "must have two digits for each hour and minute, and no spaces, for example 22:00-06:00"
    if not HOURS.fullmatch(text):
        return "no times of day: hours are 00 to 23, minutes 00 to 59"
    return "the two times are the same" if text[:5] == text[6:] else ""


def _refuse_open_list(value: Any) -> None:
    """Raises ``ValueError`` for a list whose texts have no quotes: a shell has removed them, or nobody wrote them."""
    if isinstance(value, str) and OPEN_LIST.match(value):
        raise ValueError(
            'must have each text of the list in double quotes, for example ["one", "two"]; on a command line, put the '
            "whole of it in single quotes"
        )


def _texts(value: Any, allowed: Allowed) -> tuple[str, ...]:
    """Returns a list of texts; one text, as typed on a command line, is split at commas and spaces."""
    split = re.split(r"[,\s]+", value.strip(", \t")) if isinstance(value, str) else value
    texts = tuple(text for text in _whole(split) if text)
    if allowed.choices and not texts:
        raise ValueError("must name at least one")
    for text in texts if allowed.choices else ():
        if text not in allowed.choices:
            raise ValueError(f"{shown(text)[:80]!r} is unknown")
    return texts


def _whole(value: Any) -> tuple[str, ...]:
    """Returns a list of texts as it is; one text is a list of one."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise ValueError('must be a list of texts, for example ["one", "two"]')
    if any(ord(letter) < 32 for text in texts for letter in text):
        raise ValueError("has control characters")
    return tuple(texts)


def shown_value(value: Any, allowed: Allowed) -> str:
    """Returns `` = VALUE`` for messages; empty for what may contain a secret: a text is shown like an address."""
    if allowed.secret or allowed.arguments:
        return ""
    if isinstance(value, str):
        return f" = {shown(value)[:80]!r}"
    text = repr(value) if isinstance(value, int | float) else ""  # not the texts in lists and tables
    return f" = {text}" if 0 < len(text) < 80 else ""
