"""Rows from the messages of doors, and what is none of a door's."""

from typing import Any

import pytest
from support.stored import alert, counts, health, slot_before

from edge.store.rows import rows_of
from edge.store.spool import Heard
from edge.store.sql import PUT_COUNTS, PUT_SPAN


def rows(kind: str, payload: bytes, received: float = 1_800_000_000.0) -> tuple[Any, list[str]]:
    reasons: list[str] = []
    made = rows_of([Heard(1, "porch", kind, payload, True, received)], lambda heard, reason: reasons.append(reason))
    return made, reasons


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("alert", b"\xff"), ("alert", b"[" * 9000), ("alert", alert(id="a\0b")), ("alert", alert(time="tomorrow")),
        ("alert", alert().replace(b"0.97", b"NaN")), ("alert", alert(model="m" * 5000)), ("alert", b"null"),
        ("status", b"asleep"), ("health", b'{"schema":1}'), ("health", b'{"schema":2,"camera":"ok","model":"m"}'),
        ("health", b'{"schema":1,"camera":"ok","model":7,"problem":[]}'), ("enabled/state", b"maybe"),
        ("enabled/set", b"ON"), ("snapshot", b"\xff\xd8"), ("counts/2026-11-27", counts((1, 3, 60))),
        ("counts/2026-11-27", counts((slot_before(), -3, 60))), ("counts/2026-11-27", b'{"schema":1,"series":7}'),
        ("counts/2026-11-27", counts((slot_before(), 1e300, 60))),
        ("counts/2026-11-27", counts((slot_before(), 3, float("nan")))), ("counts/x", counts((2**40, 3, 60))),
        ("counts/2026-11-27", counts((slot_before(), 10_001, 900))), ("counts/x", counts((slot_before(), 3, 9001))),
    ],
)  # fmt: skip
def test_what_no_door_says_makes_no_rows(kind: str, payload: bytes) -> None:
    made, reasons = rows(kind, payload)
    assert made.statements == [] and len(reasons) == 1 and len(reasons[0]) <= 230


def test_a_later_version_may_say_more() -> None:
    more = b'{"schema":1,"camera":"ok","model":"m","problem":null,"lens":"clean"}'
    assert rows("health", more)[1] == [] == rows("health", b'{"schema":1,"camera":"ok","model":"m"}')[1]
    assert rows("alert", alert()[:-1] + b',"mood":"good"}')[1] == []


def test_a_problem_is_one_line_of_limited_length() -> None:
    made, _ = rows("health", health(problem="a\nb\0" + "c" * 5000))
    problem = made.statements[0][1][3]
    assert problem.startswith("a?b?c") and len(problem) == 1000


def test_a_slot_of_a_clock_that_was_never_set_is_no_begin_of_a_door() -> None:
    """Else all the time since 1970 would be unknown."""
    made, _ = rows("counts/1970-01-01", counts((0, 1, 60), (1_799_999_100, 2, 60), (1_900_000_800, 3, 60)))
    assert [values[:2] for sql, values in made.statements if sql == PUT_COUNTS] == [
        ("porch", 0), ("porch", 1_799_999_100), ("porch", 1_900_000_800),
    ]  # fmt: skip
    assert [values for sql, values in made.statements if sql == PUT_SPAN] == [("porch", 1_799_999_100, 1_799_999_100)]
    assert made.times["counts"] == {0, 1_799_999_100, 1_900_000_800}


def test_a_slot_that_was_counted_again_after_the_clock_was_set_back_is_one_of_a_door() -> None:
    made, reasons = rows("counts/2026-11-27", counts((slot_before(), 500, 4 * 900)))
    assert reasons == [] and made.statements[0][1][4:6] == (500, 500)


def test_what_is_taken_back_at_the_broker_makes_no_rows() -> None:
    for kind in ("alert", "health", "enabled/state", "counts/2026-11-27"):
        assert rows(kind, b"")[0].statements == []
