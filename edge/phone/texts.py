"""Writes the texts for a phone, in plain words and local time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..mqtt.lines import clean, local_time, now, raised, word
from ..mqtt.messages import AlertMessage

HIGH, NORMAL = 4, 3
"""Priorities as in ntfy, from 1 to 5."""
LONGEST_TEXT = 1500
"""Letters; ntfy takes 4096 bytes."""
COUNTED = {"no_mask": "without mask", "incorrect_mask": "with mask worn incorrectly"}
CONDITIONS = {
    "offline": "is offline: no power, no network, or stopped",
    "lost": "has lost its camera",
    "frozen": "has a camera that shows a still image",
    "ok": "works again",
}
"""What is said of a door in each condition."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text for a phone. ``device`` is the door that it is about, empty if there are several."""

    title: str
    message: str
    device: str
    priority: int = HIGH
    tag: str = "mask"
    picture: bytes | None = None


def alert_text(alert: AlertMessage, picture: bytes | None) -> Text:
    """Returns the text about one alert."""
    what = f"{alert.device}: {word(alert).lower()}"
    return Text(clean(what), clean(f"{what}, {_when(alert)}"), alert.device, picture=picture)


def burst_text(alerts: Sequence[AlertMessage], told: Sequence[AlertMessage], picture: bytes | None) -> Text:
    """Returns the text about several alerts of one door; ``told`` are those before them that had a text already."""
    every = [*told, *alerts]
    what = f"{alerts[0].device}: {people(every)} in {_span(every)}"
    more = f" ({len(alerts)} more since {local_time(told[-1])})" if told else f", the first at {_when(every[0])}"
    return Text(clean(what), clean(what + more), alerts[0].device, picture=picture)


def fault_text(device: str, condition: str, noticed: datetime) -> Text:
    """Returns the text about a door that has a fault, or that works again."""
    what = f"{device} {CONDITIONS.get(condition, condition)}"
    priority, tag = (NORMAL, "white_check_mark") if condition == "ok" else (HIGH, "warning")
    return Text(clean(what), clean(f"{what}, {_clock(noticed)}"), device, priority, tag)


def test_text(origin: str, device: str = "") -> Text:
    """Returns a text that only shows that texts arrive."""
    return Text("maskwatch: test", clean(f"{origin}: a test, {now()}"), device, NORMAL, "bell")


def summary_text(alerts: dict[str, list[AlertMessage]], faults: Sequence[tuple[str, str]]) -> Text:
    """Returns one text about all doors, after quiet hours: the alerts by door, and the conditions in their order."""
    parts = [f"{device}: {people(of_door)} ({_from_to(of_door)})" for device, of_door in alerts.items()]
    parts += [f"{device} {CONDITIONS.get(condition, condition)}" for device, condition in faults]
    every = [alert for of_door in alerts.values() for alert in of_door]
    title = f"in the quiet hours: {people(every)}" if every else "in the quiet hours"
    devices = {*alerts, *(device for device, _ in faults)}
    message = clean("; ".join(parts), LONGEST_TEXT)
    return Text(clean(title), message, devices.pop() if len(devices) == 1 else "", NORMAL)


def people(alerts: Iterable[AlertMessage]) -> str:
    """Returns how many people the alerts are about, for example ``2 people without mask``."""
    counts: dict[str, int] = {}
    for alert in sorted(alerts, key=lambda alert: alert.event_type, reverse=True):  # no_mask first
        counts[alert.event_type] = counts.get(alert.event_type, 0) + 1
    return ", ".join(
        f"{count} {'person' if count == 1 else 'people'} {COUNTED.get(kind, kind)}" for kind, count in counts.items()
    )


def _times(alerts: Iterable[AlertMessage]) -> list[datetime]:
    return sorted(filter(None, map(raised, alerts)))


def _span(alerts: Sequence[AlertMessage]) -> str:
    """Returns the time between the first and the last alert, in whole minutes or hours, rounded up."""
    times = _times(alerts)
    minutes = max(1, -(-int((times[-1] - times[0]).total_seconds()) // 60)) if times else 1
    number, unit = (minutes, "minute") if minutes < 120 else (-(-minutes // 60), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _from_to(alerts: Sequence[AlertMessage]) -> str:
    times = [moment.strftime("%H:%M") for moment in _times(alerts)] or ["?"]
    return times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"


def _when(alert: AlertMessage) -> str:
    """Returns when the alert was raised."""
    return _clock(raised(alert) or datetime.now())


def _clock(moment: datetime) -> str:
    """Returns the local time of day, with the date unless it is today's: texts may wait for days."""
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now().date() else f"{moment:%H:%M:%S on %Y-%m-%d}"
