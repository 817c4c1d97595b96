"""Defines the message with the counts of one local day: ``PREFIX/DEVICE/counts/YYYY-MM-DD``, retained."""

from dataclasses import dataclass
from typing import Any

KEPT_DAYS = 8
"""Days after which the broker forgets a day's counts."""
SLOT_COLUMNS = (
    "start people mask no_mask incorrect_mask unsure alerts watched_s paused_s camera_lost_s unsynced_s".split()
)
"""What each list in ``slots`` of a series holds; ``start`` is in Unix seconds, the rest counts and seconds."""


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What was counted on a day, in the slots that have ended.

    ``hours`` are sums per local hour for people and programs that know no slots: ``start`` (ISO 8601 with the
    offset), people, mask, no_mask, incorrect_mask, unsure, alerts, clock_synced (null where nothing is known),
    watched_s, paused_s, camera_lost_s.
    ``series`` has the slots of 15 minutes, apart for each detector and model: ``{"detector", "model", "slots":
    [[...]]}`` in the order of ``SLOT_COLUMNS``. ``detector``, ``model`` and ``config`` are those in use now.
    """

    day: str
    detector: str
    model: str
    config: str
    hours: list[dict[str, Any]]
    series: list[dict[str, Any]]
