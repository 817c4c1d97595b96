"""Plays a recording: every picture in order, with the recording's own times."""

import threading
import time
from collections.abc import Callable, Iterator

from ..errors import SourceError
from .frames import Condition, Driver, Frame, as_image


class Playback:
    """Iterates over every picture of a recording, in order.

    With ``realtime`` each frame comes at its time; otherwise frames come as fast as they are taken. The iteration
    raises ``SourceError`` if no picture of the recording can be read.
    """

    live = False

    def __init__(self, driver: Driver, *, realtime: bool = False) -> None:
        self.name = driver.name
        self.dropped = 0
        self.condition: Condition = "ok"
        self.on_idle: Callable[[], None] = lambda: None
        self.on_condition: Callable[[Condition, str | None], None] = lambda condition, reason: None
        self._driver = driver
        self._realtime = realtime
        self._stop = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        started = time.monotonic()
        number = 0
        while not self._stop.is_set() and (picture := self._driver.read()) is not None:
            moment = picture.time or 0.0
            while self._realtime and (remaining := started + moment - time.monotonic()) > 0:
                if self._stop.wait(min(remaining, 1.0)):
                    return
                self.on_idle()
            if (image := as_image(picture.image)) is not None:
                yield Frame(image, picture.luma, moment, number)
                number += 1
        if number == 0 and not self._stop.is_set():
            raise SourceError(f"{self.name} contains no readable picture; is the file complete?")

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
