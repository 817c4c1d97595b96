"""Hands results from the loop to the page: the newest frame, and each message as it is sent.

The loop does not know who reads them, and it neither draws nor encodes anything.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..camera.frames import Image
from ..faces.face import Face
from ..faces.geometry import Box
from ..mqtt.messages import AlertMessage, CameraCondition, Health, State, Stats
from .listeners import Listener, Listeners

MAX_ALERTS = 200
"""Alerts kept in memory; the oldest is dropped first."""
MAX_RECENT_BOXES = 200
BLUR_HOLD = 1.5
"""Seconds for which a face's box is still blurred after the detector has missed the face."""
STATS_INTERVAL = 2.0
"""Seconds between two statistics messages while there is a listener."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether watching is paused, whoever paused it."""

    topic: ClassVar[str] = "pause"
    paused: bool


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera's condition, the reason unless it is ``ok``, and since when (UTC)."""

    topic: ClassVar[str] = "camera"
    condition: CameraCondition
    reason: str | None
    since: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame as the page shows it, with its faces, and the boxes of the last ``BLUR_HOLD`` seconds.

    ``time`` is when the loop was done with it, in seconds since the epoch.
    """

    image: Image
    faces: Sequence[Face]
    recent_boxes: Sequence[Box]
    number: int
    time: float


class Bus:
    """Keeps the newest frame and messages for the page; a ``Publisher``, so it receives each message that is sent.

    Crosses threads: the loop's thread calls ``show_frame``, any thread calls ``publish`` and ``show``, the page's
    threads read. What they read is replaced as a whole, never changed in place.
    """

    waiting = 0
    enabled = True
    alive = True

    def __init__(self) -> None:
        self.shown: Shown | None = None
        self.last_messages: dict[str, Any] = {}
        self.viewed_until = 0.0
        """Monotonic time until which somebody looks at the live image. Set by the page's thread."""
        self._alerts: deque[AlertMessage] = deque(maxlen=MAX_ALERTS)
        self._recent_boxes: deque[tuple[float, Box]] = deque(maxlen=MAX_RECENT_BOXES)
        self._listeners = Listeners()
        self._lock = threading.Lock()
        self._stats_sent = float("-inf")

    @property
    def has_viewers(self) -> bool:
        """Whether anyone looks at the live image."""
        return time.monotonic() < self.viewed_until

    @property
    def alerts(self) -> tuple[AlertMessage, ...]:
        """The alerts of this run, the oldest first."""
        with self._lock:
            return tuple(self._alerts)

    @property
    def faces(self) -> Sequence[Face]:
        """The faces in view. While the camera sees nothing, those of the last frame are in view no more."""
        camera = self.last_messages.get(Camera.topic)
        return () if self.shown is None or (camera and camera.condition != "ok") else self.shown.faces

    def show_frame(self, image: Image, faces: Sequence[Face], stats: Callable[[], Stats]) -> None:
        """Replaces the newest frame, and sends ``stats()`` to the listeners when it is due."""
        now = time.monotonic()
        if self.shown is None or faces is not self.shown.faces:  # the same list as before: nothing was searched since
            self._recent_boxes.extend((now, face.box) for face in faces)
        while self._recent_boxes and now - self._recent_boxes[0][0] > BLUR_HOLD:
            self._recent_boxes.popleft()
        number = self.shown.number + 1 if self.shown else 0
        self.shown = Shown(image, faces, tuple(box for _, box in self._recent_boxes), number, time.time())
        if self._listeners and now - self._stats_sent >= STATS_INTERVAL:
            self._stats_sent = now
            self.show(stats())

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        """Keeps an alert and passes it to the listeners."""
        with self._lock:
            self._alerts.append(alert)
        self._listeners.notify(alert)

    def enable(self, on: bool, how: str) -> None:
        """Does nothing: the page shows a pause, and another publisher keeps it."""

    def show_pause(self, paused: bool) -> None:
        """Shows whether watching is paused, unless that is known already. For any thread."""
        if self.last_messages.get(Pause.topic) != Pause(paused):
            self.show(Pause(paused))

    def show(self, message: "State | Health | Stats | Pause | Camera") -> None:
        """Keeps a message as the newest of its topic and passes it to the listeners."""
        with self._lock:
            self.last_messages = self.last_messages | {message.topic: message}
        self._listeners.notify(message)

    def tell(self, message: Any) -> None:
        """Passes a message from one page to the listeners, which are the other pages. It is not kept."""
        self._listeners.notify(message)

    def send_test(self) -> bool:
        """Returns False: the page is no phone."""
        return False

    def close(self, timeout: float = 3.0) -> bool:
        """Does nothing: no message waits here."""
        return True

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Calls ``listener(topic, message)`` for each message from now on; returns a function that removes it.

        Topics are ``alert``, ``state``, ``health``, ``stats``, ``pause``, ``camera`` and ``marks``.
        """
        return self._listeners.add(listener)
