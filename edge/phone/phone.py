"""Makes texts of what the subscriber receives, and posts them until the service has taken them."""

import logging
import threading
import time
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from paho.mqtt.enums import MQTTProtocolVersion

from ..config.phone import PhoneConfig
from ..mqtt.messages import UNBLURRED, AlertMessage
from ..mqtt.session_id import keep_protocol
from ..outbox.file import CHECK_INTERVAL
from ..timing import Backoff
from .destination import Destination, PostFailure
from .faults import Faults
from .formats import request_for
from .plan import Batch, Plan
from .quiet import QuietHours
from .store import Store
from .texts import Text

log = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Alerts that may wait; the oldest is dropped first."""
MAX_AGE = 86400.0
"""Seconds after which a text that no server accepts is dropped."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between attempts."""
PICTURE_PATIENCE = 5.0
"""Seconds for which an alert waits for its snapshot, which comes a moment before or after it."""
MAX_PICTURES = 20
LARGEST_PICTURE = 2**20
"""Snapshots in memory at most, and bytes of one."""


class Phone:
    """Sends one phone what the subscriber hears (it is an ``AlertListener``).

    Owns the thread ``post``; other threads may call its public methods. ``link`` is the address that a text opens, in
    which ``{device}`` stands for the door. ``store`` keeps what waits; the caller closes it.
    """

    def __init__(
        self,
        config: PhoneConfig,
        link: str,
        destination: Destination,
        store: Store,
        *,
        backoff: Backoff | None = None,
        max_waiting: int = MAX_WAITING,
        max_age: float = MAX_AGE,
    ) -> None:
        self.wants_pictures = config.pictures and config.format == "ntfy"
        self._config = config
        self._link = link
        self._destination = destination
        self._store = store
        self._max_waiting = max_waiting
        self._max_age = max_age
        self._backoff = backoff or Backoff(SHORTEST_PAUSE, LONGEST_PAUSE)
        self._plan = Plan(config.burst, QuietHours.parse(config.quiet))
        self._faults = Faults(config.fault_after, lambda device: store.setting(f"told:{device}"))
        self._early: dict[str, tuple[float, bytes]] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._deadline: float | None = None
        self._dropping = False
        self._failure = ""
        self._plan.restore(store.entries.values())
        if store.entries:
            log.warning("%d alerts of an earlier run wait for the phone", len(store.entries))
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)
        self._thread.start()

    # What the subscriber hears, in its thread.

    def alert(self, alert: AlertMessage, payload: bytes) -> bool:
        """Takes an alert: on disk when this returns. Returns False for one that was taken before."""
        with self._changed:
            self._make_room()
            if not self._store.put("alert", alert.device, payload, id=alert.id):
                return False
            if alert.snapshot and self.wants_pictures:
                self._expect_picture(alert.device)
            self._changed.notify()
        return True

    def snapshot(self, device: str, jpeg: bytes) -> None:
        """Takes the snapshot of an alert that has just come, or is about to come."""
        if not jpeg.startswith(b"\xff\xd8\xff") or jpeg.startswith(UNBLURRED) or len(jpeg) > LARGEST_PICTURE:
            return
        with self._changed:
            alerts = [entry for entry in self._store.entries.values() if entry.kind == "alert"]
            waiting = [entry for entry in alerts if entry.device == device and entry.picture is None]
            waiting = [entry for entry in waiting if entry.picture_due > time.monotonic()]
            if not waiting:
                self._early = {device: (time.monotonic(), jpeg)}
            elif sum(entry.picture is not None for entry in alerts) < MAX_PICTURES:
                waiting[0].picture = jpeg
                self._changed.notify()

    def status(self, device: str, online: bool | None) -> None:
        """Takes whether a door is online; None for a door that was removed."""
        with self._changed:
            if online is not None:
                self._faults.status(device, online, time.monotonic())
            else:
                self._faults.forget(device)
                if self._store.setting(f"told:{device}"):
                    self._store.set(f"told:{device}", "")
            self._changed.notify()

    def camera(self, device: str, condition: str) -> None:
        """Takes the condition of a door's camera."""
        with self._changed:
            self._faults.camera(device, condition, time.monotonic())
            self._changed.notify()

    def connected(self, protocol: MQTTProtocolVersion) -> None:
        """Takes that there is a connection to the broker, and its MQTT version: the next start begins with it."""
        with self._changed:
            keep_protocol(self._store, protocol)

    def disconnected(self) -> None:
        """Takes that there is no connection to the broker."""
        with self._changed:
            self._faults.unknown()

    def test(self, device: str) -> None:
        """Takes the request for a test at a door."""
        with self._changed:
            if not any(entry.kind == "test" for entry in self._store.entries.values()):
                self._store.put("test", device, b"")
                self._changed.notify()

    def close(self, timeout: float = 2.0) -> None:
        """Posts what is due, for at most ``timeout`` seconds, and says what still waits."""
        with self._changed:
            self._deadline = time.monotonic() + timeout
            self._closing.set()
            self._changed.notify()
        self._thread.join(timeout + 1)
        if (count := len(self._store.entries)) and self._store.durable:
            log.warning("%d alerts wait for the phone on disk; the next start posts them", count)
        elif count:
            log.error("%d alerts for the phone are lost: they could not be posted or stored", count)

    def _make_room(self) -> None:
        while len(self._store.entries) >= self._max_waiting:
            self._store.remove([next(iter(self._store.entries.values()))])
            if not self._dropping:
                log.error("%d alerts wait for the phone; for each new one the oldest is dropped", self._max_waiting)
            self._dropping = True

    def _expect_picture(self, device: str) -> None:
        """Gives the newest alert the picture that came before it, or lets it wait for one."""
        entry = next(reversed(self._store.entries.values()))
        came, jpeg = self._early.pop(device, (float("-inf"), b""))
        if time.monotonic() - came < PICTURE_PATIENCE:
            entry.picture = jpeg
        else:
            entry.picture_due = time.monotonic() + PICTURE_PATIENCE

    # Everything below runs in the thread ``post``.

    def _run(self) -> None:
        while True:
            batch: Batch | float = SHORTEST_PAUSE
            try:
                with self._changed:
                    batch = self._next()
                    if self._deadline is not None and self._is_finished(batch, self._deadline):
                        return
                    if not isinstance(batch, Batch):
                        self._changed.wait(batch)
                        continue
                self._deliver(batch)
            except Exception:  # one odd alert must neither end the thread nor keep back those behind it
                log.exception("phone: a text could not be made, and was dropped")
                with self._changed:
                    self._store.remove(batch.entries if isinstance(batch, Batch) else [])
                self._closing.wait(SHORTEST_PAUSE)

    def _is_finished(self, batch: Batch | float, deadline: float) -> bool:
        return not isinstance(batch, Batch) or bool(self._failure) or time.monotonic() > deadline

    def _next(self) -> Batch | float:
        self._store.check()
        now = time.monotonic()
        wait = min(self._note_faults(now), CHECK_INTERVAL)
        self._drop_old(now)
        if len(self._store.entries) < self._max_waiting:
            self._dropping = False
        batch = self._plan.next(list(self._store.entries.values()), now, datetime.now())
        return batch if isinstance(batch, Batch) else min(batch, wait)

    def _note_faults(self, now: float) -> float:
        """Keeps the faults that must be told as entries; returns the seconds until the next may be due."""
        wait = float("inf")
        for device, condition, due in self._faults.pending() if self._config.fault_after else []:
            if now >= due:
                self._make_room()
                self._store.put("fault", device, condition.encode(), settings={f"told:{device}": condition})
            else:
                wait = min(wait, due - now)
        return wait

    def _drop_old(self, now: float) -> None:
        if old := [entry for entry in self._store.entries.values() if now - entry.since > self._max_age]:
            self._store.remove(old)
            log.error("%s accepted no text for a day; %d alerts were dropped", self._destination.server, len(old))

    def _deliver(self, batch: Batch) -> None:
        failure = self._post(batch.text)
        self._log_change(failure)
        if failure and failure.retry:
            pause = self._backoff.next() if failure.pause is None else max(failure.pause, SHORTEST_PAUSE)
            self._closing.wait(pause)
            return
        self._backoff.reset()
        with self._changed:
            self._store.remove(batch.entries)
            if failure is None:
                self._plan.sent(batch, time.monotonic())

    def _post(self, text: Text) -> PostFailure | None:
        failure = self._request(text)
        if failure and text.picture and 400 <= failure.status < 500 and failure.pause is None:
            return self._request(replace(text, picture=None))  # the picture may be what it refuses: size, quota
        return failure

    def _request(self, text: Text) -> PostFailure | None:
        link = self._link.replace("{device}", quote(text.device, ""))
        if "{device}" in self._link and not text.device:
            link = ""
        request = request_for(text, self._config.format, link)
        return self._destination.post(request.headers, request.body)

    def _log_change(self, failure: PostFailure | None) -> None:
        reason = f"{failure.reason}; {'texts wait' if failure.retry else 'the text was dropped'}" if failure else ""
        if reason and reason != self._failure:
            log.error("%s: %s", self._destination.server, reason)
        elif self._failure and not reason:
            log.warning("%s accepts texts again", self._destination.server)
        self._failure = reason
