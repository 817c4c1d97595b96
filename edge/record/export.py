"""Writes tables as CSV (RFC 4180) and as JSON, line by line."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FORMULA = tuple("=+-@\t\r\n")
"""Beginnings of a cell that a spreadsheet would run as a formula."""


def csv_lines(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Iterator[str]:
    """Gives the header, then one line per row. A value of None is an empty cell, a bool is true or false."""
    names = list(names)
    yield _csv_line(names)
    for row in rows:
        yield _csv_line([_cell(row.get(name)) for name in names])


def json_lines(head: Mapping[str, Any], name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Gives one JSON object with the values of ``head`` and the rows under ``name``, one row per line."""
    start = json.dumps({"schema": 1, **head, name: []}, ensure_ascii=False)
    yield start.removesuffix("]}")
    comma = "\n"
    for row in rows:
        yield comma + json.dumps(row, ensure_ascii=False)
        comma = ",\n"
    yield "\n]}\n"


def file_name(device: str, what: str, first: str, last: str, ending: str) -> str:
    """Returns a name for an exported file: the camera, what it has, and the dates."""
    dates = first if first == last else f"{first}-to-{last}"
    return re.sub(r"[^\w.-]", "_", f"maskwatch-{device}-{what}-{dates}.{ending}", flags=re.ASCII)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    # an apostrophe makes it text; spreadsheets show it, programs that need the value take the JSON
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _csv_line(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
