"""Delivers alerts to a webhook or a program: in order, each until it is taken, from their own place in the outbox."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from ..config.outputs import CommandConfig, WebhookConfig
from ..config.zone import Zone
from ..errors import OutputError
from ..mqtt.messages import encode
from ..outbox.listener import SinkPlace
from ..outbox.sql import OutboxMessage
from ..timing import Backoff
from .driver import Failure, Recipient
from .situation import is_within
from .trial import test_alert

log = logging.getLogger(__name__)

CAPACITY = 10_000
"""Alerts that wait, at most; beyond it the oldest become dead letters."""
SHORTEST_PAUSE, LONGEST_PAUSE, SPREAD = 1.0, 60.0, 0.2
"""Seconds between attempts, and the share by which a pause may be shorter: many doors may have one server."""
LONGEST_TEST = 40.0
"""Seconds within which a test is answered: an attempt that is under way ends first."""
ENDING, SHORTEST_ENDING = 1.0, 0.1
"""Seconds after the deadline within which an attempt that was ended has to return, and seconds that it has at least:
several sinks end at the same time."""


class Test:
    """A test that somebody waits for."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.failure: Failure | None = None
        self.done = threading.Event()

    def end(self, failure: Failure | None) -> None:
        """Tells whoever waits how it ended. Only the first call counts."""
        if not self.done.is_set():
            self.failure = failure
            self.done.set()


class SinkWorker:
    """The queue of one webhook or command (``driver.AlertSink``). Any thread may call it.

    Owns the thread ``output-NAME``, which alone delivers. ``fault`` tells what the output lacks on this machine.
    """

    def __init__(
        self,
        config: WebhookConfig | CommandConfig,
        recipient: Recipient,
        zones: Sequence[Zone],
        report: Callable[[str, str | None], None],
        *,
        fault: Callable[[Sequence[Zone]], str] = lambda zones: "",
        backoff: Backoff | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self.name = config.name
        self._config = config
        self._recipient, self._fault = recipient, fault
        self._zones = tuple(zones)
        self._report = partial(report, f"output {config.name}")
        self._backoff = backoff or Backoff(SHORTEST_PAUSE, LONGEST_PAUSE, SPREAD)
        self._capacity = capacity
        self._place: SinkPlace | None = None
        self.muted = False
        self._changed = threading.Condition()
        self._queue: deque[OutboxMessage] = deque()
        self._tests: deque[Test] = deque()  # the first one may be under way
        self._under_way: OutboxMessage | None = None
        self._due = 0.0
        self._failing = False
        self._has_fault, self._look_at = False, 0.0
        self._has_failed = False  # the problem of an attempt was reported
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"output-{config.name}", daemon=True)
        self._thread.start()

    # What the outbox asks (``outbox.listener.Sink``).

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def attach(self, place: SinkPlace) -> None:
        self._place = place

    def wants(self, payload: bytes) -> bool:
        """Returns whether the alert is one of ``when`` and in the zone; one that cannot be read is none."""
        if self.muted:
            return False
        try:
            alert = json.loads(payload)
            return alert["event_type"] in self._config.when and self._is_in_zone(alert["box"], alert["frame_size"])
        except (ValueError, LookupError, TypeError, ArithmeticError):
            return False

    def _is_in_zone(self, box: Sequence[int], size: Sequence[int]) -> bool:
        chosen = [zone for zone in self._zones if zone.name == self._config.zone] if self._config.zone else []
        x, y = (box[0] + box[2]) / 2 / size[0], (box[1] + box[3]) / 2 / size[1]
        return not chosen or is_within(chosen, x, y)

    def take(self, copy: OutboxMessage) -> None:
        with self._changed:
            self._queue.append(copy)
            if len(self._queue) > self._capacity:
                oldest = next(one for one in self._queue if one is not self._under_way)
                self._refuse(oldest, f"more than {self._capacity} alerts waited")
            self._changed.notify()

    def restore(self, copies: list[OutboxMessage]) -> None:
        log.warning("%d alerts of an earlier run wait for output %s", len(copies), self.name)
        with self._changed:
            self._queue.extendleft(reversed(copies))
            self._changed.notify()

    def stop(self, deadline: float) -> None:
        with self._changed:
            self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)
            while self._tests:
                self._tests.popleft().end(Failure("maskwatch ends", retry=True))
            self._changed.notify()

    def join(self) -> None:
        deadline = time.monotonic() if self._deadline is None else self._deadline
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._recipient.close()
        self._thread.join(max(SHORTEST_ENDING, deadline + ENDING - time.monotonic()))

    # What the outputs ask (``driver.AlertSink``).

    def mute(self, muted: bool) -> None:
        self.muted = muted

    def watch(self, zones: Sequence[Zone]) -> None:
        """Takes other zones. While none has the name of the configuration, alerts from everywhere are delivered."""
        with self._changed:
            self._zones, self._look_at = tuple(zones), 0.0
            self._changed.notify()

    def fire(self) -> None:
        test = Test(encode(test_alert(self._config)))
        with self._changed:
            if self._deadline is not None:
                raise OutputError(f"output {self.name} ends with maskwatch")
            self._tests.append(test)
            self._changed.notify()
        if not test.done.wait(LONGEST_TEST):
            raise OutputError(f"output {self.name} does not answer within {LONGEST_TEST:.0f} s")
        if test.failure:
            raise OutputError(f"output {self.name}: {test.failure.reason}")

    def close(self, deadline: float) -> None:
        self.stop(deadline)
        self.join()

    # Everything below runs in the thread ``output-NAME``.

    def _run(self) -> None:
        while True:
            if not (self._queue or self._tests) and time.monotonic() >= self._look_at:
                self._look()
            with self._changed:
                if self._is_over():
                    return
                if (wait := self._wait()) > 0:
                    self._changed.wait(wait)
                    continue
                test = self._tests[0] if self._tests else None
                self._under_way = None if test else self._queue[0]
            if test:
                test.end(self._attempt(test.payload))
                with self._changed:
                    if test in self._tests:  # not ended meanwhile
                        self._tests.remove(test)
            elif self._under_way:
                self._deliver(self._under_way)

    def _look(self, was_failing: bool = False) -> None:
        """Reports what the output lacks, each minute while nothing is to be delivered: before an alert comes."""
        self._look_at = time.monotonic() + LONGEST_PAUSE
        fault = self._fault(self._zones)
        if fault or self._has_fault or was_failing:
            self._report(f"output {self.name}: {fault}" if fault else None)
        self._has_fault = bool(fault)

    def _is_over(self) -> bool:
        idle = self._failing or not (self._queue or self._tests)
        return self._deadline is not None and (idle or time.monotonic() > self._deadline)

    def _wait(self) -> float:
        """Returns the seconds until something is to be done."""
        if self._tests:
            return 0.0
        return min(self._due - time.monotonic(), LONGEST_PAUSE) if self._queue else LONGEST_PAUSE

    def _deliver(self, copy: OutboxMessage) -> None:
        assert self._place is not None
        self._place.wait_until_kept(copy)
        failure = self._attempt(copy.payload)
        with self._changed:
            self._under_way = None
            self._failing = failure is not None and failure.retry
            if failure is None:
                self._queue.remove(copy)
                self._place.delivered(copy)
            elif not failure.retry:
                self._refuse(copy, failure.reason)
            if failure and failure.retry:
                pause = self._backoff.next() if failure.pause is None else max(failure.pause, SHORTEST_PAUSE)
                self._due = time.monotonic() + pause
            else:
                self._due = 0.0
                self._backoff.reset()
        if failure is None or self._deadline is None:  # at the end an attempt fails because it was ended
            self._tell(failure)

    def _attempt(self, payload: bytes) -> Failure | None:
        try:
            return self._recipient.deliver(payload)
        except Exception as error:  # one odd alert must neither end the thread nor keep back those behind it
            log.exception("output %s: an alert could not be delivered", self.name)
            return Failure(f"an unexpected {type(error).__name__}", retry=False)

    def _refuse(self, copy: OutboxMessage, reason: str) -> None:
        assert self._place is not None
        log.error("alert %s is set aside: %s", copy.id, reason)
        self._queue.remove(copy)
        self._place.refused(copy, reason)

    def _tell(self, failure: Failure | None) -> None:
        if failure is None:
            if self._has_failed:
                self._has_failed = False
                self._look(was_failing=True)
            return
        self._has_failed = True
        outcome = (
            "its alerts wait" if failure.retry else "an alert was set aside; `maskwatch outbox --resend` tries it again"
        )
        self._report(f"output {self.name}: {failure.reason}; {outcome}")
