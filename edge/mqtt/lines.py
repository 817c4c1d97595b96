"""Writes alerts as lines of text for people."""

from datetime import datetime

from .messages import AlertMessage

WORDS = {"no_mask": "NO MASK", "incorrect_mask": "MASK WORN INCORRECTLY"}
LONGEST_LINE = 300


def clean(text: str, longest: int = LONGEST_LINE) -> str:
    """Makes a text from outside safe for a terminal: no control characters, one line, at most ``longest`` letters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:longest])


def line(alert: AlertMessage) -> str:
    """Returns an alert as one line of text."""
    x0, y0, x1, _ = alert.box
    return (
        f"{local_time(alert)}  {alert.device}  {word(alert)}  score {alert.score:.2f} in {alert.frames} frames, "
        f"there for {alert.seen_s:.1f} s, face of {x1 - x0} px at {x0},{y0}"
    )


def word(alert: AlertMessage) -> str:
    """Returns what an alert is about, in capitals."""
    return WORDS.get(alert.event_type, alert.event_type)


def local_time(alert: AlertMessage) -> str:
    """Returns the alert's time of day in this time zone. It may be before the arrival: alerts wait for the broker."""
    moment = raised(alert)
    return moment.strftime("%H:%M:%S") if moment else now()


def raised(alert: AlertMessage) -> datetime | None:
    """Returns when the alert was raised, in this time zone; None if its time cannot be read."""
    try:
        return datetime.fromisoformat(alert.time).astimezone()
    except (ValueError, OverflowError):
        return None


def now() -> str:
    """Returns the time of day."""
    return datetime.now().strftime("%H:%M:%S")
