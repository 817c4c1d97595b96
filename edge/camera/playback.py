"""Plays a recording: every picture in order, with the recording's own times."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from ..errors import SourceError
from .frames import Condition, Driver, Frame, as_image

log = logging.getLogger(__name__)

JUMP_S, JUMP_RATIO = 5.0, 4.0
"""A step between two pictures is a jump if it is longer than this many seconds, and than this many steps before."""


class Playback:
    """Iterates over every picture of a recording, in order.

    With ``realtime`` each frame comes at its time, counted from the first one, and a jump in time is logged and waited
    for; otherwise frames come as fast as they are taken. The iteration raises ``SourceError`` if no picture of the
    recording can be read.
    """

    live = False
    unchanged_s = 0.0

    def __init__(self, driver: Driver, *, realtime: bool = False) -> None:
        self.name = driver.name
        self.dropped = 0
        self.condition: Condition = "ok"
        self.on_idle: Callable[[], None] = lambda: None
        self.on_condition: Callable[[Condition, str | None], None] = lambda condition, reason: None
        self._driver = driver
        self._realtime = realtime
        self._stop = threading.Event()
        self._started: float | None = None
        self._last = self._step = 0.0

    def __iter__(self) -> Iterator[Frame]:
        number = 0
        while not self._stop.is_set() and (picture := self._driver.read()) is not None:
            moment = picture.time or 0.0
            if self._realtime and not self._waited_for(moment):
                return
            if not picture.is_damaged and (image := as_image(picture.image)) is not None:
                yield Frame(image, picture.luma, moment, number)
                number += 1
        if number == 0 and not self._stop.is_set():
            raise SourceError(f"{self.name} contains no readable picture; is the file complete?")

    def _waited_for(self, moment: float) -> bool:
        """Waits until a picture's time has come; False if the iteration was stopped."""
        if self._started is None:
            self._started = time.monotonic() - moment
            self._last = moment
        step, self._last = moment - self._last, moment
        if step > max(JUMP_S, JUMP_RATIO * self._step) and self._step:
            log.info("%s jumps %.0f s in time; waiting (a replay without realtime does not wait)", self.name, step)
        else:
            self._step = step
        while (remaining := self._started + moment - time.monotonic()) > 0:
            if self._stop.wait(min(remaining, 1.0)):
                return False
            self.on_idle()
        return True

    def alive(self) -> bool:
        """Returns True: a recording never hangs for good."""
        return True

    def stop(self) -> None:
        """Ends the iteration. May be called from any thread and from a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Ends the iteration and closes the recording."""
        self._stop.set()
        self._driver.close()
