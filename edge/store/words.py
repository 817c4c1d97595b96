"""Shortens what libpq and PostgreSQL say to one line."""

import re

LIBPQ = re.compile(
    r"^(- host: .*hostaddr: '[^']*': )?(connection (failed|is bad): )?"
    r"(connection to server at .*? failed: )?(FATAL: +)?"
)
"""What libpq writes before the reason of a connection that failed."""


def one_line(text: str, password: str) -> str:
    """Returns the reason in a text of several lines, without the password."""
    lines = [line for line in text.splitlines() if line.strip()]
    attempts = [line for line in lines if line.startswith("- host")]  # one per address of the server
    text = " ".join(LIBPQ.sub("", (attempts or lines)[-1 if attempts else 0]).split())
    return text.replace(password, "...") if len(password) > 3 else text  # a shorter one may be a piece of any word
