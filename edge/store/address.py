"""Reads the address of the database."""

from dataclasses import dataclass, field
from typing import Literal

DatabaseKind = Literal["postgresql", "sqlite"]


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where the database is. ``value`` is libpq's address, or the path of SQLite's file, and never shown."""

    kind: DatabaseKind
    value: str = field(repr=False)
    shown: str


def parse_address(text: str) -> StoreAddress:
    """Reads ``postgresql://...`` or ``sqlite:PATH``. Raises ``ConfigError`` that shows no secret."""
    raise NotImplementedError
