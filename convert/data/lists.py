"""Reads the list of labelled faces that ``maskwatch-convert prepare`` cuts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.faces.geometry import Box

from ..errors import DataError
from .files import read_rows
from .splits import is_excluded
from .trees import label_of


@dataclass(frozen=True, slots=True)
class ListedFace:
    """One row of a list. ``box`` is the labelled face, or None where the picture is a face crop already."""

    path: Path
    label: str
    source: str
    box: Box | None


def read_list(path: Path, exclude: Sequence[str] = ()) -> list[ListedFace]:
    """Reads a tab-separated list with the columns file, source, label and box, without the sources ``exclude``.

    ``file`` is relative to the list. ``box`` is ``x0,y0,x1,y1`` in pixels; it may be empty or missing. Raises
    ``DataError`` naming the first line that cannot be used.
    """
    faces = []
    for number, row in read_rows(path, "file, source, label, box"):
        label = label_of(row[2]) if len(row) >= 3 else None
        if label is None:
            raise DataError(f"{path}, line {number}: expected file, source, label, box; got {row}")
        if not is_excluded(row[1], exclude):
            box = _box(row[3] if len(row) > 3 else "", f"{path}, line {number}")
            faces.append(ListedFace(path.parent / row[0], label, row[1], box))
    return faces


def _box(text: str, where: str) -> Box | None:
    if not text.strip():
        return None
    try:
        box = Box(*map(int, text.replace(",", " ").split()))
    except (ValueError, TypeError):
        raise DataError(f"{where}: a box is x0,y0,x1,y1 in whole pixels; got '{text}'") from None
    if box.width <= 0 or box.height <= 0:
        raise DataError(f"{where}: a box is x0,y0,x1,y1 with x0 < x1 and y0 < y1; got '{text}'")
    return box
