"""Plays a recording: every picture in order, with the recording's own times."""

import threading
import time
from collections.abc import Callable, Iterator

from ..errors import SourceError
from .frames import Condition, Driver, Frame, as_image


class Playback:
    """Every picture in order; ``realtime`` waits for each picture's time, otherwise as fast as they are taken."""

    live = False

    def __init__(self, driver: Driver, *, realtime: bool = False) -> None:
        self.name = driver.name
        self.dropped = 0
        self.condition: Condition = "ok"
        self.idle: Callable[[], None] = lambda: None
        self.told: Callable[[Condition, str | None], None] = lambda condition, text: None
        self._driver = driver
        self._realtime = realtime
        self._stop = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        started = time.monotonic()
        number = 0
        while not self._stop.is_set() and (found := self._driver.read()) is not None:
            moment = found.time or 0.0
            while self._realtime and (early := started + moment - time.monotonic()) > 0:
                if self._stop.wait(min(early, 1.0)):
                    return
                self.idle()
            if (image := as_image(found.image)) is not None:
                yield Frame(image, found.luma, moment, number)
                number += 1
        if number == 0 and not self._stop.is_set():
            raise SourceError(f"{self.name}: not one picture in it can be read; is the file complete?")

    def alive(self) -> bool:
        return True

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        self._stop.set()
        self._driver.close()
