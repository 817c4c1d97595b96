"""Declares the options of the store: all doors of a broker in one database."""

from dataclasses import dataclass

from .option import option


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Options of the store (``maskwatch watch --store`` and ``maskwatch report --store``)."""

    address_file: str = option(
        "",
        "file with the address of the database, not readable by every user (chmod 640): postgresql://user:password@host"
        "/database, or sqlite:/path/of/a/file.db; empty takes systemd's credential store if there is one",
        secret=True,
    )
    keep_days: int = option(400, "days for which alerts, counts and health are kept in the store", low=1, high=36500)
