"""Reads a folder of pictures as a recording."""

import logging
from pathlib import Path

from ..errors import SourceError
from . import pictures
from .frames import Picture

log = logging.getLogger(__name__)


class Folder:
    """Reads the pictures of a folder in the order of their names, ``fps`` of them per second.

    Unreadable pictures are logged and skipped. The constructor raises ``SourceError`` for a folder without pictures.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.name = str(path)
        self._files = sorted(file for file in path.iterdir() if file.suffix.lower() in pictures.PICTURE_SUFFIXES)
        if not self._files:
            raise SourceError(f"{path} has no pictures ({', '.join(sorted(pictures.PICTURE_SUFFIXES))}) in it")
        self._fps = fps
        self._next = 0

    def read(self) -> Picture | None:
        """Reads the next picture; None at the end."""
        while self._next < len(self._files):
            path, moment = self._files[self._next], self._next / self._fps
            self._next += 1
            try:
                return Picture(pictures.read(path), time=moment)
            except SourceError as error:
                log.warning("%s: skipped", error)
        return None

    def close(self) -> None:
        """Ends the reading."""
        self._next = len(self._files)
