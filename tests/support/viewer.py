"""A thread that iterates over a live source and records what it gives, and a driver that counts its pictures."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from support import PATIENCE, until
from support.cameras import picture

from edge.camera.frames import Frame, Picture
from edge.camera.live import Live

SHORT_PAUSES = (0.05, 0.2)
"""Pauses in seconds between attempts to open a camera, so that a test does not wait."""


class Viewer:
    """Iterates over a live source.

    A thread named ``viewer`` owns the iteration. ``frames`` holds the frames so far, ``conditions`` every change of
    condition with its reason, and ``idle_calls`` the number of calls of ``on_idle``.
    """

    def __init__(self, source: Live) -> None:
        self.source = source
        self.frames: list[Frame] = []
        self.conditions: list[tuple[str, str | None]] = []
        self.idle_calls = 0
        source.on_condition = lambda condition, reason: self.conditions.append((condition, reason))
        source.on_idle = self._on_idle
        self.thread = threading.Thread(target=lambda: self.frames.extend(source), name="viewer", daemon=True)
        self.thread.start()

    def _on_idle(self) -> None:
        self.idle_calls += 1

    def wait_for_frames(self, count: int = 3) -> None:
        """Waits until ``count`` more frames have come."""
        start = len(self.frames)
        until(lambda: len(self.frames) >= start + count, f"{count} more frames; conditions {self.conditions}")

    def wait_for(self, condition: str, reason: str = "") -> None:
        """Waits until ``condition`` is the latest one; its reason must contain ``reason``."""
        until(
            lambda: self.conditions and self.conditions[-1][0] == condition,
            f"{condition}; conditions {self.conditions}",
        )
        assert reason in str(self.conditions[-1][1])


@contextmanager
def watching(source: Live) -> Iterator[Viewer]:
    """Views a source, closes it at the end, and checks that the viewer's thread ends."""
    viewer = Viewer(source)
    with closing(source):
        yield viewer
    viewer.thread.join(PATIENCE)
    assert not viewer.thread.is_alive()


class CountingDriver:
    """A driver that gives ``count`` pictures and then blocks until it is closed.

    ``exhausted`` is set when all pictures have been read.
    """

    name = "counting"

    def __init__(self, count: int) -> None:
        self.exhausted = threading.Event()
        self.closed = threading.Event()
        self._count = count
        self._next = 0

    def read(self) -> Picture | None:
        if self._next == self._count:
            self.exhausted.set()
            self.closed.wait(PATIENCE)
            return None
        self._next += 1
        return Picture(picture(self._next - 1))

    def close(self) -> None:
        self.closed.set()
