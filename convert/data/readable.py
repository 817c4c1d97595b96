"""Leaves out the pictures that cannot be read, before anything is split, cut or counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from ..arguments import warn
from ..errors import DataError
from .trees import read_picture


class WithPicture(Protocol):
    """Names a picture file."""

    @property
    def path(self) -> Path: ...


Item = TypeVar("Item", bound=WithPicture)


def readable(items: Sequence[Item]) -> list[Item]:
    """Returns the items whose picture can be read; prints why each other picture is left out, and how many are.

    Raises ``DataError`` if no picture can be read.
    """
    paths = {item.path for item in items}
    reasons: dict[Path, str] = {}
    for path in sorted(paths):
        try:
            read_picture(path)
        except DataError as error:
            reasons[path] = str(error)
    if reasons and len(reasons) == len(paths):
        raise DataError(f"none of {len(paths)} pictures can be read; {next(iter(reasons.values()))}")
    for reason in reasons.values():
        warn(reason)
    if reasons:
        warn(f"left out {len(reasons)} of {len(paths)} pictures, which cannot be read")
    return [item for item in items if item.path not in reasons]
