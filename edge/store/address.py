"""Reads the address of the database."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..addresses import SERVER, printable, shown
from ..errors import ConfigError

DatabaseKind = Literal["postgresql", "sqlite"]
ALLOWED = "postgresql://user:password@host/database, or sqlite:/path/of/a/file.db"
PREFIXES = ("postgresql://", "postgres://")
RAW = "in a password, write %40 %3A %2F %23 %3F %25 for each of the signs @ : / # ? %"
"""The hint at a password that ends too early."""
SOCKET = re.compile(r"%2F[\w.%-]+", re.ASCII | re.IGNORECASE)
"""The folder of a Unix socket in the place of a host."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where the database is. ``value`` is libpq's address, or the path of SQLite's file, and never shown."""

    kind: DatabaseKind
    value: str = field(repr=False)
    shown: str


def parse_address(text: str) -> StoreAddress:
    """Reads ``postgresql://...`` or ``sqlite:PATH``. Raises ``ConfigError`` that shows no secret."""
    text = text.strip()
    if text.startswith("sqlite:"):
        return _sqlite(text.removeprefix("sqlite:"))
    if not text.startswith(PREFIXES):
        raise ConfigError(f"the address of the store is not one of a database; write {ALLOWED}")
    _check(text)
    return StoreAddress("postgresql", text, shown(text))


def _sqlite(path: str) -> StoreAddress:
    """Reads a path. An address of another program has slashes that would name another file than is meant."""
    if not path or path.startswith("//") or "\0" in path or "\n" in path:
        raise ConfigError(f"the address of the store names no file; write {ALLOWED}")
    try:
        file = Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError("the address of the store begins with the home folder of an unknown user") from error
    return StoreAddress("sqlite", str(file), f"sqlite:{printable(file)}")


def _check(text: str) -> None:
    """Raises ``ConfigError`` for an address that libpq would read in another way than it is meant.

    libpq ends a password at the first ``@``: what follows would become a host name, and be looked up and shown.
    """
    authority, behind = _split(text)
    login, _, servers = authority.rpartition("@")
    names = [server for server in servers.split(",") if server]
    known = all(SERVER.fullmatch(name) or SOCKET.fullmatch(name) for name in names)
    if not known or "@" in behind + login or login.count(":") > 1:
        raise ConfigError(f"the address of the store cannot be read; write {ALLOWED}; {RAW}")
    if not text.isprintable() or " " in text:
        raise ConfigError(f"the address of the store has a space or a control character; write {ALLOWED}; {RAW}")


def _split(text: str) -> tuple[str, str]:
    """Returns what is between ``://`` and the next sign that ends it, and what is behind."""
    rest = text.partition("://")[2]
    end = min((place for sign in "/?#" if (place := rest.find(sign)) >= 0), default=len(rest))
    return rest[:end], rest[end:]
