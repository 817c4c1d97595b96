"""The configuration reference, ``systemd/maskwatch.toml``, written from the schema.

Run: PYTHONPATH=.:tests .venv/bin/python -m support.reference > systemd/maskwatch.toml
"""

import json
import textwrap

from edge.config.option import Allowed
from edge.config.schema import options

HEAD = """\
# maskwatch: every option with its default. Copy this file, change what you need (you may delete the rest), and start
# with `maskwatch run --config FILE`, which lists all mistakes in the file at once. Text after a # is a comment; the
# allowed values are written before the colon.
"""
WIDTH, COLUMN = 120, 25


def toml_value(default: object) -> str:
    """Returns a default as TOML."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str):
        return f'"{default}"'
    return json.dumps(default) if isinstance(default, tuple) else str(default)


def lines(key: str, default: object, allowed: Allowed) -> list[str]:
    """Returns the lines of an option: its default, and its limits and help as a wrapped comment."""
    text = (f"{allowed}: " if allowed.limited else "") + allowed.help
    assignment = f"{key} = {toml_value(default)}".ljust(COLUMN - 1)
    comment = textwrap.wrap(text, WIDTH - COLUMN - 2, break_on_hyphens=False)
    return [f"{assignment} # {comment[0]}", *(" " * COLUMN + f"# {more}" for more in comment[1:])]


def reference() -> str:
    """Returns the whole file."""
    text, last = HEAD, ""
    for section, key, default, allowed in options():
        if section != last:
            text += f"\n[{section}]\n"
            last = section
        text += "\n".join(lines(key, default, allowed)) + "\n"
    return text


if __name__ == "__main__":
    print(reference(), end="")
