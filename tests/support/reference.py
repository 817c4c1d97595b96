"""The configuration reference, ``systemd/maskwatch.toml``, written from the schema.

Run: PYTHONPATH=.:tests .venv/bin/python -m support.reference > systemd/maskwatch.toml
"""

import json
import textwrap
from dataclasses import fields

from edge.config.option import Allowed
from edge.config.outputs import DRIVER, DRIVERS
from edge.config.schema import options

HEAD = """\
# maskwatch: every option with its default. Copy this file, change what you need (you may delete the rest), and start
# with `maskwatch run --config FILE`, which lists all mistakes in the file at once. Text after a # is a comment; the
# allowed values are written before the colon.
"""
OUTPUTS = """
# Outputs answer the person at the door, or pass alerts on. Each has a table [outputs.NAME]; NAME is 1 to 32 of a-z 0-9
# _ -, and several outputs may have the same driver. Without a table there is no output. To have one, remove the # in
# front of its table, of driver and of the options that you change.
"""
WIDTH, COLUMN = 120, 25


def toml_value(default: object) -> str:
    """Returns a default as TOML."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str):
        return f'"{default}"'
    return json.dumps(default) if isinstance(default, tuple) else str(default)


def lines(key: str, default: object, allowed: Allowed, width: int = WIDTH) -> list[str]:
    """Returns the lines of an option: its default, and its limits and help as a wrapped comment."""
    text = (f"{allowed}: " if allowed.limited else "") + allowed.help
    assignment = f"{key} = {toml_value(default)}".ljust(COLUMN - 1)
    comment = textwrap.wrap(text, width - COLUMN - 2, break_on_hyphens=False)
    return [f"{assignment} # {comment[0]}", *(" " * COLUMN + f"# {more}" for more in comment[1:])]


def reference() -> str:
    """Returns the whole file."""
    text, last = HEAD, ""
    for section, key, default, allowed in options():
        if section != last:
            text += f"\n[{section}]\n"
            last = section
        text += "\n".join(lines(key, default, allowed)) + "\n"
    return text + OUTPUTS + "".join(f"\n{output_table(driver)}" for driver in DRIVERS)


def output_table(driver: str) -> str:
    """Returns the table of an output, as a comment."""
    rows = [f"[outputs.{driver}]", *lines("driver", driver, DRIVER, WIDTH - 2)]
    for entry in fields(DRIVERS[driver]):
        if "allowed" in entry.metadata:
            rows += lines(entry.name, entry.default, entry.metadata["allowed"], WIDTH - 2)
    return "".join(f"# {row}\n" for row in rows)


if __name__ == "__main__":
    print(reference(), end="")
