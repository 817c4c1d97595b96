"""Reads tab-separated lists and writes JSON files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from edge.addresses import printable
from edge.files import replacing
from edge.paths import read_bytes

from ..errors import DataError


def read_rows(path: Path, columns: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the line number and the fields of each row of a tab-separated list.

    Blank lines are skipped, and so is a header line, which begins with ``file``. ``columns`` names the expected columns
    for the error text. Raises ``DataError`` if the file cannot be read or is not tab-separated.
    """
    name = printable(path)
    try:
        text = read_bytes(path).decode("utf-8", "surrogateescape")  # names of pictures may have any bytes
        rows = list(csv.reader(text.splitlines(), delimiter="\t"))
    except FileNotFoundError as error:
        raise DataError(f"{name} is not a file; expected a tab-separated list with the columns {columns}") from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}; expected a tab-separated list") from error
    except csv.Error as error:
        raise DataError(f"{name} is not tab-separated text ({error}); expected the columns {columns}") from error
    yield from ((number, row) for number, row in enumerate(rows, 1) if row and not (number == 1 and row[0] == "file"))


def write_json(path: Path, content: object) -> None:
    """Writes ``content`` as indented JSON. The file is replaced as a whole or left as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
