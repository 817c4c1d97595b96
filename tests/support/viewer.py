"""Somebody who watches a live source in a thread and notes what it shows and says; drivers with a will of their own."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from support import PATIENCE, until
from support.cameras import picture

from edge.camera.frames import Frame, Picture
from edge.camera.live import Live

QUICK = (0.05, 0.2)
"""Pauses between attempts, so that a test need not wait."""


class Viewer:
    """Watches a live source in a thread: ``frames`` so far, and everything that was ``told``."""

    def __init__(self, source: Live) -> None:
        self.source = source
        self.frames: list[Frame] = []
        self.told: list[tuple[str, str | None]] = []
        self.idled = 0
        source.told = lambda condition, text: self.told.append((condition, text))
        source.idle = self._idle
        self.thread = threading.Thread(target=lambda: self.frames.extend(source), name="viewer", daemon=True)
        self.thread.start()

    def _idle(self) -> None:
        self.idled += 1

    def sees(self, more: int = 3) -> None:
        seen = len(self.frames)
        until(lambda: len(self.frames) >= seen + more, f"{more} more frames; told {self.told}")

    def hears(self, condition: str, text: str = "") -> None:
        """Until the last word is that condition, with that in its reason."""
        until(lambda: self.told and self.told[-1][0] == condition, f"{condition}; told {self.told}")
        assert text in str(self.told[-1][1])


@contextmanager
def watching(source: Live) -> Iterator[Viewer]:
    viewer = Viewer(source)
    with closing(source):
        yield viewer
    viewer.thread.join(PATIENCE)
    assert not viewer.thread.is_alive()


class Counting:
    """A driver with ``count`` pictures, the reader then waits; ``exhausted`` tells that it got there."""

    name = "counting"

    def __init__(self, count: int) -> None:
        self.exhausted, self.closed = threading.Event(), threading.Event()
        self._count, self._next = count, 0

    def read(self) -> Picture | None:
        if self._next == self._count:
            self.exhausted.set()
            self.closed.wait(PATIENCE)
            return None
        self._next += 1
        return Picture(picture(self._next - 1))

    def close(self) -> None:
        self.closed.set()
