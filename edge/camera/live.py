"""Does the camera see anything: pictures that never change, and pictures that show nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from .frames import Condition, Driver, Frame, Image, Picture, as_image, as_luma

FROZEN = 6.0
"""Seconds of bit-identical pictures; a real sensor's noise makes two alike never, a coded stream's for a moment."""
DARK = 4.0
"""Seconds without anything to see."""
DARK_MEAN, LIT_MEAN = 16.0, 20.0
"""Mean brightness, of 255, below which a flat picture is dark, and above which it is not any more."""
FLAT = 3.0
"""Standard deviation below which a picture shows nothing, whatever its brightness: a covered or dazzled lens."""
STEP = 8
"""Every so many pixels are looked at."""
SILENCE = 8.0
"""Seconds without a picture after which a live camera counts as lost."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 4.0
"""Seconds between attempts to open a lost camera again: doubled each time, until it has stayed for a while."""
EYES = {
    "frozen": "the same picture again and again; restart the camera",
    "dark": "nothing to see; is the lens covered, or the light off?",
}


class ConditionWatch:
    """Looks at each picture of one camera; ``condition`` is ``ok``, ``frozen`` or ``dark``."""

    def __init__(self, frozen: float = FROZEN, dark: float = DARK) -> None:
        self.condition: Condition = "ok"
        self._frozen, self._dark = frozen, dark
        self._last: NDArray[np.uint8] | None = None
        self._moved = self._seen = float("-inf")

    def look(self, image: Image, now: float) -> Condition:
        sample = image[::STEP, ::STEP]
        if self._last is None:
            self._moved = self._seen = now
        elif not np.array_equal(sample, self._last):
            self._moved = now
        self._last = sample.copy()
        mean, spread = float(sample.mean()), float(sample.std(axis=(0, 1)).max())
        dim = mean < (DARK_MEAN if self.condition == "ok" else LIT_MEAN) and spread < 10
        if not dim and spread >= FLAT:
            self._seen = now
        if now - self._moved > self._frozen:
            self.condition = "frozen"
        else:
            self.condition = "dark" if now - self._seen > self._dark else "ok"
        return self.condition


class _Reader(threading.Thread):
    """Opens one driver, reads it until asked to stop, and closes it, all in its own thread: it may hang in any call."""

    def __init__(self, opener: Callable[[], Driver], opened: Driver | None, deliver: Callable[[Picture], None]) -> None:
        super().__init__(name="camera", daemon=True)
        self.stopped = threading.Event()
        self.failure: str | None = None
        self._opener, self._driver, self._deliver = opener, opened, deliver

    def run(self) -> None:
        driver = self._driver
        try:
            driver = driver or self._opener()
            while not self.stopped.is_set():
                found = driver.read()
                if found is None:
                    self.failure = "the camera gives no pictures any more"
                    break
                self._deliver(found)
        except Exception as error:  # a driver may fail in its own ways; the loop must hear of every one
            self.failure = str(error) if isinstance(error, SourceError) else f"{type(error).__name__}: {error}"
        if driver is not None:
            with suppress(Exception):
                driver.close()


class Live:
    """The newest picture of a camera that runs in its own thread, opened again whenever it is lost.

    ``condition`` is ``ok``, ``lost`` (no picture for ``silence`` seconds, or an error), ``frozen`` or ``dark``, told
    to ``told`` with the reason on every change. The first opening raises ``SourceError``, unless ``patient``.
    ``idle`` is called at least once a second while there is no frame.
    """

    live = True

    def __init__(
        self,
        opener: Callable[[], Driver],
        name: str,
        *,
        silence: float = SILENCE,
        pauses: tuple[float, float] = (SHORTEST_PAUSE, LONGEST_PAUSE),
        patient: bool = False,
        sight: Callable[[], ConditionWatch] = ConditionWatch,
    ) -> None:
        self.name = name
        self.dropped = 0
        self.condition: Condition = "ok"
        self.idle: Callable[[], None] = lambda: None
        self.told: Callable[[Condition, str | None], None] = lambda condition, text: None
        self._opener, self._silence = opener, silence
        self._reader: _Reader | None = None
        self._fresh, self._stop = threading.Event(), threading.Event()
        self._newest: Frame | None = None
        self._count = 0
        self._new_sight, self._sight = sight, sight()
        self._hung: list[_Reader] = []
        self._pauses, self._pause, self._next = pauses, pauses[0], 0.0
        driver = None if patient else opener()
        self.name = driver.name if driver else name
        self._heard = self._opened = time.monotonic()
        self._reader = self._start(driver)

    def _start(self, driver: Driver | None = None) -> _Reader:
        reader = _Reader(self._opener, driver, lambda picture: self._deliver(reader, picture))
        reader.start()
        return reader

    def _deliver(self, reader: _Reader, picture: Picture) -> None:
        """In the reader's thread. Only the present reader counts; a hung one that comes back has nothing to say."""
        image = as_image(picture.image)
        if image is None or reader.stopped.is_set():
            return
        self._newest = Frame(image, as_luma(picture.luma), time.monotonic(), self._count)
        self._count += 1
        self._fresh.set()

    def __iter__(self) -> Iterator[Frame]:
        last = -1
        while not self._stop.is_set():
            arrived = self._fresh.wait(0.2)  # short: a signal must end the loop soon
            self._fresh.clear()
            frame, now = self._newest, time.monotonic()
            if arrived and frame is not None and frame.number > last:
                self.dropped += frame.number - last - 1
                last, self._heard = frame.number, now
                if now - self._opened > self._pauses[1]:  # not for one that comes and goes
                    self._pause = self._pauses[0]
                condition = self._sight.look(frame.image, frame.time)
                self._tell(condition, EYES.get(condition))
                yield frame
            else:
                self._supervise(now)
                self.idle()

    def _supervise(self, now: float) -> None:
        """Without a picture: gives a broken or silent reader up, and opens the camera again after a pause."""
        reader = self._reader
        if reader is None:
            if now >= self._next:
                self._reader, self._opened = self._start(), now
            return
        silent = now - max(self._heard, self._opened) > self._silence
        if not silent and (reader.failure is None or reader.is_alive()):
            return
        self._tell("lost", reader.failure or f"no picture for {self._silence:g} s")
        reader.stopped.set()
        if reader.is_alive():
            self._hung.append(reader)
        self._hung = [each for each in self._hung if each.is_alive()]
        self._reader, self._next = None, now + self._pause
        self._pause = min(2 * self._pause, self._pauses[1])
        self._sight = self._new_sight()  # what comes back is a new camera: its first pictures may well be black

    def _tell(self, condition: Condition, text: str | None) -> None:
        """Once per change of condition or reason; a lost camera's reasons may alternate, the first one counts."""
        if condition != self.condition:
            self.condition = condition
            named = text is None or text.startswith(self.name)  # a driver's own reasons are
            self.told(condition, text if named else f"{self.name}: {text}")

    def alive(self) -> bool:
        """False when a driver hangs and no other way to the pictures was found: only a new process can help then."""
        hangs = any(reader.is_alive() for reader in self._hung)
        return not (hangs and time.monotonic() - self._heard > 2 * self._silence)

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        """Bounded: a reader that hangs is left behind and closes its driver if it ever comes back."""
        self._stop.set()
        if self._reader is not None:
            self._reader.stopped.set()
            self._reader.join(2.0)
