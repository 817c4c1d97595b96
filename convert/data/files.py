"""Reads tab-separated lists and writes JSON files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from edge.files import replacing

from ..errors import DataError


def read_rows(path: Path, columns: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the line number and the fields of each row of a tab-separated list.

    Blank lines are skipped, and so is a header line, which begins with ``file``. ``columns`` names the expected columns
    for the error text. Raises ``DataError`` if the file does not exist or is not text.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file; expected a tab-separated list with the columns {columns}")
    try:
        rows = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter="\t"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not tab-separated text ({error}); expected the columns {columns}") from error
    yield from ((number, row) for number, row in enumerate(rows, 1) if row and not (number == 1 and row[0] == "file"))


def write_json(path: Path, content: object) -> None:
    """Writes ``content`` as indented JSON. The file is replaced as a whole or left as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
