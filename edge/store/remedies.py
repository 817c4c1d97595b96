"""Says what helps where a database cannot be reached or written, as far as its words tell."""

import os
from pathlib import Path

from ..addresses import printable
from .address import RAW

OF_SERVER = {
    "password authentication failed": f"check user and password in the address; {RAW}",
    "no password supplied": "write the password into the address, as user:password@host",
    "pg_hba.conf": "let this user connect from here in the server's pg_hba.conf; where it demands encryption, add "
    "?sslmode=require to the address",
    "role": "make this user: sudo -u postgres createuser -P NAME",
    "database": "make this database: sudo -u postgres createdb NAME -O USER",
    "could not translate host name": "check the host in the address",
    "Connection refused": "start the server, and let it listen at this host and port (listen_addresses)",
}
"""Remedies by what PostgreSQL or libpq says, in English; the first that fits counts."""
MISSING = ("role", "database")
"""What these words name is missing only if the server says that it does not exist."""


def of_server(words: str) -> str:
    """Returns what helps against a connection that failed, to be added to its reason; empty if that is not known."""
    for part, remedy in OF_SERVER.items():
        if part in words and (part not in MISSING or "does not exist" in words):
            return f"; {remedy}"
    return ""


def of_file(path: Path) -> str:
    """Returns what helps against a file that cannot be written; empty if that is not known."""
    folder = path.absolute().parent
    if not folder.is_dir():
        return f"; make the folder {printable(folder)}, or name a file in another one"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"; let the user of this process write into {printable(folder)}, or name a file in another folder"
    return ""
