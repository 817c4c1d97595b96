"""Reads a folder of pictures as a recording."""

import logging
from pathlib import Path

from ..addresses import printable
from ..errors import SourceError
from . import pictures
from .frames import Picture
from .walk import Walk

log = logging.getLogger(__name__)


class Folder:
    """Reads the pictures of a folder and of the folders below it in the order of ``Walk``, ``fps`` of them per second.

    Pictures that cannot be read are logged, skipped and counted at the end, and so is what the walk passes over. What
    is in ``logged`` is not logged again: a repeated recording opens its folder again and again. The constructor raises
    ``SourceError`` for a folder without pictures.
    """

    def __init__(self, path: Path, fps: float, logged: set[str] | None = None) -> None:
        self.name = printable(path)
        self._logged = set() if logged is None else logged
        walk = Walk(path)
        self._files = list(walk)
        summary = walk.summary()
        if not self._files:
            endings = ", ".join(sorted(pictures.PICTURE_SUFFIXES))
            raise SourceError(f"{self.name} has no pictures ({endings}) in it" + (summary and f"; {summary}"))
        self._log(summary)
        self._fps = fps
        self._next = self._unreadable = 0

    def read(self) -> Picture | None:
        """Reads the next picture; None at the end."""
        while self._next < len(self._files):
            path, moment = self._files[self._next], self._next / self._fps
            self._next += 1
            try:
                return Picture(pictures.read(path), time=moment)
            except SourceError as error:
                self._unreadable += 1
                self._log(f"{error}: skipped")
        if self._unreadable:
            self._log(f"{self.name}: {self._unreadable} of {len(self._files)} pictures could not be read")
        return None

    def _log(self, text: str) -> None:
        if text and text not in self._logged:
            self._logged.add(text)
            log.warning("%s", text)

    def close(self) -> None:
        """Ends the reading."""
        self._next = len(self._files)
