"""What happens in the loop, for who looks on from another thread: the newest picture, and messages as they are sent.

The loop only leaves things here; it does not know who takes them, and nothing is drawn or encoded for nobody.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..camera.frames import Image
from ..faces.face import Face
from ..faces.geometry import Box
from ..mqtt.messages import AlertMessage, Health, State, Stats

log = logging.getLogger(__name__)
REMEMBERED = 200
"""Alerts that are kept in memory, the newest."""
AFTERGLOW = 1.5
"""Seconds for which a face's place is remembered, to be blurred though the detector misses it in this picture."""
STATS_EVERY = 2.0
"""Seconds between two statistics while somebody listens."""
Listener = Callable[[str, Any], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture with the faces found in it, and where faces were a moment ago."""

    image: Image
    faces: Sequence[Face]
    recent: Sequence[Box]
    number: int


class Bus:
    """Filled by the loop's thread, read by any. It is a ``Publisher`` too, so that it hears what is sent."""

    waiting, enabled, alive = 0, True, True
    watched = False
    """Whether somebody looks at the live picture."""

    def __init__(self) -> None:
        self.sight: Shown | None = None
        self.alerts: deque[AlertMessage] = deque(maxlen=REMEMBERED)
        self.last: dict[str, Any] = {}
        self._glow: deque[tuple[float, Box]] = deque(maxlen=200)
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()
        self._stats_at = float("-inf")

    def see(self, image: Image, faces: Sequence[Face], stats: Callable[[], Stats]) -> None:
        """After each picture."""
        now = time.monotonic()
        if self.sight is None or faces is not self.sight.faces:  # not again while nothing new was searched
            self._glow.extend((now, face.box) for face in faces)
        while self._glow and now - self._glow[0][0] > AFTERGLOW:
            self._glow.popleft()
        number = self.sight.number + 1 if self.sight else 0
        self.sight = Shown(image, faces, tuple(box for _, box in self._glow), number)
        if self._listeners and now - self._stats_at >= STATS_EVERY:
            self._stats_at = now
            self.show(stats())

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        self.alerts.append(alert)
        self._tell("alert", alert)

    def show(self, message: State | Health | Stats) -> None:
        kind = type(message).__name__.lower()
        self.last[kind] = message
        self._tell(kind, message)

    def close(self, timeout: float = 3.0) -> bool:
        return True

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls ``listener(kind, message)`` from the loop's threads from now on; returns what ends that."""
        with self._lock:
            self._listeners += (listener,)
        return lambda: self._forget(listener)

    def _forget(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

    def _tell(self, kind: str, message: Any) -> None:
        for listener in self._listeners:
            try:
                listener(kind, message)
            except Exception:  # who looks on must not end what is looked at
                log.exception("a listener failed, and is not told any more")
                self._forget(listener)
