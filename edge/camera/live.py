"""Supervises a live camera: newest frame only, reopened when lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from ..errors import SourceError
from ..timing import Backoff, running
from .condition import REASONS, ConditionWatch
from .frames import Condition, Driver, Frame, Picture, as_image, as_luma

LOST_AFTER_S = 8.0
"""Seconds without a picture after which a camera counts as lost."""
HUNG_RATIO, HUNG_OPENING_RATIO = 2.0, 8.0
"""A call of a driver hangs if it lasts this many times longer. The slowest read that ends by itself takes 7 s. The
slowest opening takes 30 s and more: a name that three name servers are asked for in vain, without a network."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 4.0
"""Pauses between attempts to open a lost camera again."""


class _Reader(threading.Thread):
    """Opens one driver, reads it until ``stopped`` is set, and closes it.

    Only this thread calls the driver, because any of its calls may hang. ``failure`` is the reason why the reader
    ended, or None while it reads. ``opened`` tells whether the driver was opened, ``called_at`` when the latest call of
    it began (running seconds), and ``gives_damaged`` whether its latest picture was damaged.
    """

    def __init__(self, opener: Callable[[], Driver], opened: Driver | None, deliver: Callable[[Picture], None]) -> None:
        super().__init__(name="camera", daemon=True)
        self.stopped = threading.Event()
        self.failure: str | None = None
        self.opened = opened is not None
        self.gives_damaged = False
        self.called_at = running()
        self._opener = opener
        self._driver = opened
        self._deliver = deliver

    def hangs(self, now: float, lost_after: float) -> bool:
        """Returns whether the latest call of the driver lasts longer than any that ends by itself."""
        return now - self.called_at > lost_after * (HUNG_RATIO if self.opened else HUNG_OPENING_RATIO)

    def run(self) -> None:
        """Reads until stopped, until the driver ends, or until it fails."""
        driver = self._driver
        try:
            driver = driver or self._opener()
            self.opened = True
            while not self.stopped.is_set():
                self.called_at = running()
                picture = driver.read()
                if picture is None:
                    self.failure = "the camera gives no pictures any more"
                    break
                self._deliver(picture)
        except Exception as error:  # drivers raise errors of many types, and the loop must learn of all of them
            self.failure = str(error) if isinstance(error, SourceError) else f"{type(error).__name__}: {error}"
        if driver is not None:
            with suppress(Exception):
                driver.close()


class Live:
    """Iterates over the newest frames of a camera, and opens the camera again whenever it is lost.

    The camera is read in a thread named ``camera``; the iteration, ``on_idle`` and ``on_condition`` run in the thread
    that iterates. A camera is ``lost`` after ``lost_after`` seconds without a picture, or after an error.
    ``on_condition`` receives each change of ``condition`` with its reason. ``on_idle`` is called at least once per
    second while there is no frame. The constructor raises ``SourceError`` if the camera cannot be opened; with
    ``retry_opening`` it raises nothing and the camera counts as lost until it appears.
    """

    live = True

    def __init__(
        self,
        opener: Callable[[], Driver],
        name: str,
        *,
        lost_after: float = LOST_AFTER_S,
        pauses: tuple[float, float] = (SHORTEST_PAUSE_S, LONGEST_PAUSE_S),
        retry_opening: bool = False,
        new_watch: Callable[[], ConditionWatch] = ConditionWatch,
    ) -> None:
        self.name = name
        self.dropped = 0
        self.condition: Condition = "ok"
        self.on_idle: Callable[[], None] = lambda: None
        self.on_condition: Callable[[Condition, str | None], None] = lambda condition, reason: None
        self._opener = opener
        self._lost_after = lost_after
        self._new_watch = new_watch
        self._watch = new_watch()
        self._reader: _Reader | None = None
        self._hung: list[_Reader] = []
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._newest: Frame | None = None
        self._count = 0
        self._stable_after = pauses[1]
        self._backoff = Backoff(*pauses)
        self._reopen_at = 0.0
        driver = None if retry_opening else opener()
        self.name = driver.name if driver else name
        self._last_frame_at = self._opened_at = running()
        self._reader = self._start(driver)

    def _start(self, driver: Driver | None = None) -> _Reader:
        reader = _Reader(self._opener, driver, lambda picture: self._deliver(reader, picture))
        reader.start()
        return reader

    def _deliver(self, reader: _Reader, picture: Picture) -> None:
        """Stores the newest frame. Runs in the reader's thread; a reader that was given up is ignored."""
        image = as_image(picture.image)
        if image is None or reader.stopped.is_set():
            return
        reader.gives_damaged = picture.is_damaged
        if picture.is_damaged:
            return
        self._watch.update(image, running(), picture.is_key)
        self._newest = Frame(image, as_luma(picture.luma), time.monotonic(), self._count)
        self._count += 1
        self._arrived.set()

    def __iter__(self) -> Iterator[Frame]:
        last = -1
        while not self._stop.is_set():
            arrived = self._arrived.wait(0.2)  # short, because a signal must end the loop soon
            self._arrived.clear()
            frame, now = self._newest, running()
            if arrived and frame is not None and frame.number > last:
                self.dropped += frame.number - last - 1
                last, self._last_frame_at = frame.number, now
                if now - self._opened_at > self._stable_after:  # a loose contact keeps its long pauses
                    self._backoff.reset()
                condition = self._watch.condition
                self._set_condition(condition, REASONS.get(condition))
                yield frame
            else:
                self._supervise(now)
                self.on_idle()

    def _supervise(self, now: float) -> None:
        """Gives up a reader that failed or is silent, and opens the camera again after a pause."""
        reader = self._reader
        if reader is None:
            if now >= self._reopen_at:
                self._reader, self._opened_at = self._start(), now
            return
        silent = now - max(self._last_frame_at, self._opened_at) > self._lost_after
        if not silent and (reader.failure is None or reader.is_alive()):
            return
        self._set_condition("lost", reader.failure or self._silence(reader))
        reader.stopped.set()
        if reader.is_alive():
            self._hung.append(reader)
        self._hung = [hung for hung in self._hung if hung.is_alive()]
        self._reader = None
        self._reopen_at = now + self._backoff.next()
        self._watch = self._new_watch()  # which lets the exposure settle anew

    def _silence(self, reader: _Reader) -> str:
        what = "only damaged pictures for" if reader.gives_damaged else "no picture for"
        return f"{what} {self._lost_after:g} s{'' if reader.opened else '; it is still being opened'}"

    def _set_condition(self, condition: Condition, reason: str | None) -> None:
        """Reports a change of condition once. The reasons of a lost camera may alternate; the first one is reported."""
        if condition != self.condition:
            self.condition = condition
            complete = reason is None or reason.startswith(self.name)  # a driver's own reasons name the camera
            self.on_condition(condition, reason if complete else f"{self.name}: {reason}")

    @property
    def unchanged_s(self) -> float:
        """Returns the seconds since the last picture that showed something new; infinite while there was none."""
        return running() - self._watch.new_at

    def alive(self) -> bool:
        """Returns False if a driver hangs and opening the camera again did not help: then only a new process can."""
        now = running()
        hangs = any(reader.is_alive() and reader.hangs(now, self._lost_after) for reader in self._hung)
        return not (hangs and now - self._last_frame_at > HUNG_RATIO * self._lost_after)

    def stop(self) -> None:
        """Ends the iteration. May be called from any thread and from a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Stops the reader and waits for it at most 2 s; a reader that hangs closes its driver if it ever returns."""
        self._stop.set()
        if self._reader is not None:
            self._reader.stopped.set()
            self._reader.join(2.0)
