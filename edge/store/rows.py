"""Makes rows of the messages of doors. Whatever a message holds, only what is named here is kept of it."""

import json
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..mqtt.day_counts import SLOT_COLUMNS
from ..mqtt.lines import clean
from ..mqtt.messages import SCHEMA, AlertMessage, encode
from ..record.counts import KINDS, SLOT_S
from .engine import Statement
from .spool import Heard
from .sql import (
    AHEAD,
    FLOOR,
    FORGET_DOOR,
    PUT_ALERT,
    PUT_CONDITION,
    PUT_COUNTS,
    PUT_HEALTH,
    PUT_HEARD,
    PUT_PAUSED,
    PUT_SPAN,
    PUT_STATUS,
)

LONGEST_TEXT = 1000
LONGEST_NAME = 200
MOST_PEOPLE = 10_000
"""People and alerts of a slot, at most: eleven per second."""
MOST_SECONDS = 10 * SLOT_S
"""Seconds of a slot, at most. A clock that is set back counts the same slot again, at each start of a door without one
that keeps time; more cannot be. Counts only grow, so that a number that cannot be would hide all later ones."""
LATEST = 2**40
"""Unix seconds before which every slot begins."""
LARGEST = {int: MOST_PEOPLE, float: MOST_SECONDS}
ORDER = {PUT_ALERT: 0, PUT_COUNTS: 1, PUT_SPAN: 2, PUT_HEARD: 3}
"""Which statements of a batch go first, so that equal ones stand together. Each of these finds its row in any order."""


@dataclass(slots=True)
class Rows:
    """Statements, and the times of their rows by table."""

    statements: list[Statement] = field(default_factory=list)
    times: dict[str, set[int]] = field(default_factory=lambda: {"alerts": set(), "counts": set(), "health": set()})


def rows_of(batch: Iterable[Heard], left_out: Callable[[Heard, str], None]) -> Rows:
    """Returns the rows of messages; ``left_out`` receives a message that is none of a door, and why."""
    rows = Rows()
    heard: dict[str, int] = {}
    for message in batch:
        try:
            statements, times = _rows_of(message)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            left_out(message, f"no door says this ({error!r:.{LONGEST_NAME}})")
            continue
        rows.statements += statements
        for table, found in times.items():
            rows.times[table].update(found)
        if not message.retained and message.payload:
            heard[message.device] = _received(message)
    rows.statements += [(PUT_HEARD, pair) for pair in heard.items()]
    rows.statements.sort(key=_place)
    return rows


def _place(statement: Statement) -> tuple[Any, ...]:
    """Returns the place of a statement. Rows are locked by their keys in order: two stores then wait for no circle."""
    sql, values = statement
    return (ORDER[sql], *values[:4]) if sql in ORDER else (len(ORDER),)


def without_track(kind: str, payload: bytes) -> bytes:
    """Returns what may wait on disk of a message: an alert has neither its track nor its place in the image there.

    It can be decoded as before. What is no alert stays as it is, to be left out by ``rows_of``.
    """
    if kind != AlertMessage.topic:
        return payload
    with suppress(ValueError):
        alert = AlertMessage.decode(payload)
        kept = replace(alert, track="", box=(0, 0, 0, 0), frame_size=(0, 0), snapshot=bool(alert.snapshot))
        return encode(kept)
    return payload


Made = tuple[list[Statement], dict[str, Collection[int]]]


def _rows_of(heard: Heard) -> Made:
    kind = heard.kind.partition("/")[0]
    if not heard.payload and kind != "status":  # a retained message was taken back
        return [], {}
    return MAKERS[kind](heard)


def _alert(heard: Heard) -> Made:
    alert = AlertMessage.decode(heard.payload)
    moment = _moment(alert.time)
    row = (
        heard.device, moment, _text(alert.id), _text(alert.event_type), float(alert.score), int(alert.frames),
        float(alert.seen_s), alert.clock_synced, bool(alert.snapshot), _text(alert.model), _received(heard),
    )  # fmt: skip
    return [(PUT_ALERT, row)], {"alerts": [moment]}


def _counts(heard: Heard) -> Made:
    received = _received(heard)
    statements: list[Statement] = []
    for series in _object(heard)["series"]:
        names = (_text(series["detector"]), _text(series["model"]))
        for slot, *numbers in map(_slot, series["slots"]):
            statements.append((PUT_COUNTS, (heard.device, slot, *names, *numbers, received)))
    slots = {values[1] for _, values in statements}
    known = [slot for slot in slots if FLOOR <= slot <= heard.received + AHEAD]
    if known:
        statements.append((PUT_SPAN, (heard.device, min(known), max(known))))
    return statements, {"counts": slots}


def _health(heard: Heard) -> Made:
    data, received = _object(heard), _received(heard)
    problem = data.get("problem")
    problem = None if problem is None else clean(problem, LONGEST_TEXT)
    condition = (_text(data["camera"]), problem, _text(data["model"]))
    as_before = (heard.device, condition[0], problem or "", condition[2])
    return [
        (PUT_HEALTH, (heard.device, received, *condition, received, *as_before)),
        (PUT_CONDITION, (heard.device, *condition)),
    ], {"health": [received]}


def _status(heard: Heard) -> Made:
    if not heard.payload:
        return [(FORGET_DOOR, (heard.device,))], {}
    online = {b"online": True, b"offline": False}[heard.payload]
    return [(PUT_STATUS, (heard.device, online, _received(heard)))], {}


def _enabled(heard: Heard) -> Made:
    if heard.kind != "enabled/state":
        raise ValueError("not a message of a door")
    return [(PUT_PAUSED, (heard.device, {b"ON": False, b"OFF": True}[heard.payload]))], {}


MAKERS = {"alert": _alert, "counts": _counts, "health": _health, "status": _status, "enabled": _enabled}
"""What makes rows of a message, by the first part of its topic below the door."""


def _object(heard: Heard) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(heard.payload)
    if data["schema"] != SCHEMA:
        raise ValueError("unknown schema")
    return data


def _slot(values: list[Any]) -> tuple[int | float, ...]:
    """Checks the numbers of a slot, and returns them as the table has them."""
    if len(values) != len(SLOT_COLUMNS) or not all(type(value) in (int, float) for value in values):
        raise ValueError(f"a slot is not {len(SLOT_COLUMNS)} numbers")
    slot, *numbers = values
    limits = [LARGEST[kind] for kind in KINDS.values()]
    is_one = 0 <= slot < LATEST and slot % SLOT_S == 0
    if not is_one or not all(0 <= number <= limit for number, limit in zip(numbers, limits, strict=True)):
        raise ValueError("a slot has a number that cannot be")
    return int(slot), *(kind(number) for kind, number in zip(KINDS.values(), numbers, strict=True))


def _text(value: Any) -> str:
    """Checks a name, which every database can store."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
        raise ValueError("a text is too long, or not one of printable characters")
    return value


def _moment(time: str) -> int:
    """Returns a time in ISO 8601 as Unix milliseconds; one without offset is in UTC."""
    moment = datetime.fromisoformat(time)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _received(heard: Heard) -> int:
    return round(heard.received * 1000)
