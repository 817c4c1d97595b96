"""Publishes the counts of each local day: at the start, and whenever a slot has ended."""

import time
from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta
from typing import Protocol

from ..mqtt.day_counts import KEPT_DAYS, DayCounts
from ..record.bins import slot_of
from ..record.daily import day_of
from ..record.recorder import Recorder
from ..record.times import day_bounds

DAY = timedelta(days=1)


class DayKeeper(Protocol):
    """Where the counts of days are kept for others: ``MqttPublisher``."""

    def keep_day(self, counts: DayCounts) -> None: ...

    def keep_only(self, days: Collection[str]) -> None: ...


class DailyCounts:
    """Follows a recorder, in whose thread it runs: it reads the disk and writes to it.

    The days that are kept are today and the days before it, ``KEPT_DAYS`` together. Others are taken back, but only
    while the clock is synchronized: an old time must not delete what is new. ``config`` returns the id of the options
    in use.
    """

    def __init__(
        self,
        record: Recorder,
        keeper: DayKeeper,
        *,
        detector: str,
        model: str,
        config: Callable[[], str],
        clock_synced: Callable[[], bool],
    ) -> None:
        self._record = record
        self._keeper = keeper
        self._detector = detector
        self._model = model
        self._config = config
        self._clock_synced = clock_synced
        self._changed: set[date] = set()
        self._slot = slot_of(time.time())
        self._kept = kept_days()
        self._publish(self._kept)
        record.followers.append(self.changed)

    def changed(self, days: Collection[date], on_disk: bool) -> None:
        """Publishes the days that have changed, once per slot. What the disk does not take is published too.

        Days that are among the last ones again, because the clock was ahead, were taken back: they are published too.
        """
        self._changed.update(days)
        slot = slot_of(time.time())
        if slot != self._slot:
            self._slot = slot
            before, self._kept = self._kept, kept_days()
            changed, self._changed = self._changed, self._changed & {date.fromtimestamp(slot)}  # that slot is left out
            self._publish(day for day in self._kept if day in changed or day not in before)
            if self._clock_synced():
                self._keeper.keep_only([day.isoformat() for day in self._kept])

    def _publish(self, days: Iterable[date]) -> None:
        for day in days:
            slots = self._record.read(*day_bounds(day))
            if (counts := day_of(day, slots, time.time())) is not None:
                self._keeper.keep_day(
                    DayCounts(day.isoformat(), self._detector, self._model, self._config(), counts.hours, counts.series)
                )


def kept_days() -> list[date]:
    """Returns the days whose counts the broker keeps, the oldest first."""
    today = date.today()
    return [today - age * DAY for age in reversed(range(KEPT_DAYS))]
