"""Everything on its way to the broker: queued, in flight, acknowledged, refused, or suspected of ending connections."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from paho.mqtt.reasoncodes import ReasonCode

from ..outbox.outbox import Outbox
from ..outbox.sql import OutboxMessage
from .alert_queue import CAPACITY, AlertQueue
from .events import Disconnected
from .limits import Limits, advice, hangs_up
from .link import Link
from .outgoing import ACK_TIMEOUT, IN_FLIGHT, SUCCESS, HeadStart, Outgoing, of_alert
from .refusals import PausedAlerts, Refusals, Repeats, is_final
from .retrials import Retrials
from .suspects import Suspect, Suspects, patience

log = logging.getLogger(__name__)


class Delivery:
    """Delivers alerts in order, at most ``IN_FLIGHT`` at a time, and other messages before them.

    A message on which the broker hangs up is found and left out (an alert: a dead letter), all else is still sent.
    Belongs to the publisher's thread. ``report`` receives in one sentence what the broker does not take.
    """

    def __init__(self, link: Link, outbox: Outbox, report: Callable[[str | None], None]) -> None:
        self.limits = Limits(report)
        self.head_start = HeadStart()
        self._link = link
        self._outbox = outbox
        self._queue = AlertQueue()
        self._others: dict[str, Outgoing] = {}
        self._in_flight: dict[int, tuple[Outgoing, float]] = {}
        self._late: dict[int, Outgoing] = {}
        self._suspects = Suspects()
        self._refusals = Refusals()
        self._repeats = Repeats()
        self._paused = PausedAlerts()
        self._retrials = Retrials(outbox)
        self.waiting = 0
        """How many alerts no broker has acknowledged yet. Any thread may read it."""
        self.idle = False
        """Whether nothing but alerts was on its way at the last ``send``, and no message was looked for."""

    def explains_end(self) -> bool:
        """Returns whether a message that was just sent may be the reason for the connection's end."""
        return any(time.monotonic() - at < patience(message) for message, at in self._in_flight.values())

    def add(self, message: OutboxMessage) -> None:
        """Queues a new alert."""
        self.waiting += 1
        self._queue.add(message)
        if len(self._queue) > CAPACITY:
            self._refuse(self._queue.take(), f"more than {CAPACITY} alerts waited")

    def restore(self, messages: Sequence[OutboxMessage]) -> None:
        """Queues the alerts of an earlier run: they go first."""
        self.waiting += len(messages)
        self._queue.restore(messages)

    def offer(self, message: Outgoing) -> bool:
        """Queues a message other than an alert for this connection, unless it is left out; a newer one replaces it."""
        if not self._link.connected or (admitted := self.limits.admit(message)) is None:
            return False
        self._repeats.replaced(admitted.key)
        if admitted.key in self._suspects:
            self._suspects.renew(admitted)
        elif self.limits.on_trial(admitted):
            self._suspects.add(admitted, again=True)
        else:
            self._others.pop(admitted.key, None)
            self._others[admitted.key] = admitted
        return True

    def connected(self, after_outage: bool) -> None:
        """Notes a new connection."""
        if after_outage:
            self.limits.try_again()  # the broker may have other rules now
        self._retrials.connected(after_outage, time.monotonic())
        self._suspects.connected(time.monotonic())
        self.head_start.connected(bool(self._queue or self._suspects.alerts) and not self._suspects.narrowed)
        if self._queue or self._suspects.alerts:
            log.warning("%d alerts waited for the broker", self.waiting)

    def send(self) -> None:
        """Sends what may be in flight; closes the connection when an alert stays unacknowledged."""
        now = time.monotonic()
        self._give_up_waiting(now)
        self._paused.retry(self._suspects.alerts, now)
        self._retrials.begin(now)
        for message in self._repeats.due(now):
            self.offer(message)
        while self._link.connected and (following := self._next(now)) is not None:
            self._transmit(following, now)
        others = self._others or any(not message.alert for message, _ in self._in_flight.values())
        if self._link.connected and not others:
            self.limits.tell()
        self.idle = not (others or self._suspects.careful(now))

    def acknowledged(self, mid: int, reason: ReasonCode) -> Outgoing | None:
        """Takes the broker's answer, that a message is delivered or refused; returns the message, if it is known."""
        message, _ = self._in_flight.get(mid, (self._late.pop(mid, None), 0.0))
        if message is None or message.qos == 0 and mid in self._in_flight:  # paho has written it: that is no answer
            return None
        for earlier, (other, _) in list(self._in_flight.items()):
            if earlier == mid or other.qos > 0:
                break  # the broker reads in order
            self._answered(earlier, SUCCESS)
        if mid in self._in_flight:
            self._answered(mid, reason)
        else:
            self.limits.answered(message, reason)
        return message

    def disconnected(self, reason: object) -> bool:
        """Queues what was in flight, and looks for the reason; returns whether to go on looking soon."""
        now = time.monotonic()
        unanswered = [one for one in self._in_flight.values() if not self._retrials.holds(one[0].alert)]
        self._retrials.ended(hangs_up("this alert", reason))
        self.head_start.disconnected()
        for pending in (self._in_flight, self._late, self._others, self._repeats):
            pending.clear()
        guilty = self._suspects.ended(unanswered, reason, now)
        alerts = self._suspects.release_alerts(fresh_only=True) if self._suspects.all_alerts_fail else []
        alerts += [m.alert for m, _ in unanswered if m.alert and m.key not in self._suspects and m.alert not in alerts]
        self._queue.give_back(alerts)
        if guilty is not None:
            self._convict(guilty, reason)
        if self._suspects.hopeless:
            self.limits.hopeless(reason)
        return guilty is not None or self._suspects.searching

    def _next(self, now: float) -> Outgoing | None:
        if self._suspects.careful(now):
            if self._in_flight:
                return None
            return (None if self.head_start.runs else self._suspects.next(now, bool(self._others))) or self._queued()
        following = None if self._retrials.alone(now) else self._queued()
        busy = self._in_flight or self._queue or self._suspects.alerts
        return following if following or busy else self._retrials.next(now)

    def _queued(self) -> Outgoing | None:
        if len(self._in_flight) >= self._link.terms.window:
            return None
        if self._others:
            return self._others.pop(next(iter(self._others)))
        alerts = sum(message.alert is not None for message, _ in self._in_flight.values())
        # a kill now would send the undeleted again, although they were acknowledged
        held = self._suspects.all_alerts_fail or self.head_start.runs or alerts >= IN_FLIGHT - self._outbox.undeleted
        if held or not self._queue:
            return None
        place = self._refusals.next(self._queue, alerts, time.monotonic())
        return None if place is None else of_alert(self._queue.take(place))

    def _transmit(self, message: Outgoing, now: float) -> None:
        try:
            if message.subscribes:
                mid = self._link.subscribe(message.topic)
            else:
                mid = self._link.send(
                    message.topic, message.payload, qos=message.qos, retain=message.retain, expiry=message.expiry
                )
        except ValueError as error:
            self._suspects.clear(message.key)
            if message.alert:
                self._refuse(message.alert, str(error))
            else:
                self.limits.too_large(message, self._link.terms.largest)
            return
        self._suspects.sent()
        self._in_flight[mid] = (replace(message, qos=min(message.qos, self._link.terms.qos)), now)

    def _give_up_waiting(self, now: float) -> None:
        """Goes on without the answer to a message other than an alert: the broker has not hung up on it."""
        for mid, (message, sent_at) in list(self._in_flight.items()):
            if now - sent_at > patience(message) and (message.alert is None or message.qos == 0):
                del self._in_flight[mid]
                self._suspects.clear(message.key)
                if message.alert:
                    self._acknowledge(message.alert)
                elif len(self._late) < CAPACITY:
                    self._late[mid] = message
            elif now - sent_at > ACK_TIMEOUT:
                event = self._link.drop(f"no acknowledgement for {ACK_TIMEOUT:.0f} s")
                if isinstance(event, Disconnected):
                    self.disconnected(event.reason)
                return

    def _answered(self, mid: int, reason: ReasonCode) -> None:
        message, _ = self._in_flight.pop(mid)
        false_alarm = self._suspects.answered(message)
        self.limits.say("everything", None)
        if message.alert is None:
            self.limits.answered(message, reason)
            return self._repeats.answered(message, reason, time.monotonic())
        if false_alarm:  # the broker hangs up for another reason: all go again, in order
            self._queue.give_back(self._suspects.release_alerts(fresh_only=False))
        self._paused.taken(self._suspects.alerts)
        if reason.is_failure and not is_final(reason) and not self._retrials.holds(message.alert):
            return self._refused_for_now(message.alert, reason)
        self.limits.say("alerts", None)
        if reason.is_failure:
            return self._refuse(message.alert, f"the broker refuses it on {message.topic}: {reason}")
        if self._refusals.taken(message.alert):
            self._suspects.false_alarm()
        self._acknowledge(message.alert)

    def _refused_for_now(self, alert: OutboxMessage, reason: ReasonCode) -> None:
        """Lets an alert wait at its place in the queue; refuses it if the broker takes others meanwhile."""
        self._refusals.refused(alert, time.monotonic())
        if self._refusals.only_this_one(alert, self._suspects.needed):
            self._refuse(alert, f"the broker refuses it on {alert.topic} and takes others: {reason}")
        else:
            self._queue.give_back([alert])
            self.limits.say("alerts", f"the broker refuses alerts for now ({reason}); they wait and are tried again")

    def _acknowledge(self, alert: OutboxMessage) -> None:
        if not self._retrials.taken(alert):
            self.waiting -= 1
            self._queue.forget(alert)
            self._outbox.delivered(alert)

    def _refuse(self, alert: OutboxMessage, reason: str) -> None:
        if self._retrials.refused(alert, reason):
            return
        self.waiting -= 1
        self._queue.forget(alert)
        self._refusals.forget(alert)
        log.error("alert %s is refused: %s", alert.id, reason)
        self._outbox.refused(alert, reason)

    def _convict(self, suspect: Suspect, reason: object) -> None:
        """Leaves out what the broker hangs up on; an alert only if the broker takes others."""
        message = suspect.message
        if message.alert is None:
            self._suspects.clear(message.key)
            if (variant := self.limits.guilty(message, reason)) is not None:
                self._suspects.add(variant, again=True)
        elif self._suspects.takes_others(suspect):
            self._suspects.clear(message.key)
            self._refuse(message.alert, hangs_up("this alert", reason))
        else:
            self._paused.pause(self._suspects.alerts if self._suspects.all_alerts_fail else [suspect], time.monotonic())
            self.limits.say("alerts", f"{hangs_up(message.topic, reason)}; alerts wait{advice(reason)}")
        self.limits.tell()
