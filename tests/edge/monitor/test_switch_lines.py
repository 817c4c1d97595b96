"""edge.monitor.switch_lines: which pauses get a line, and how far back a trail goes that somebody fills."""

from datetime import date
from pathlib import Path
from typing import Any

from edge.monitor.switch_lines import MOST_SWITCHED, REFILL_S, SwitchLines
from edge.record.audit import KEPT_BYTES, AuditTrail
from edge.record.audit_reading import entries, read_lines
from edge.record.counts import Counts
from edge.record.day_lines import day_values
from edge.record.reading import Slot

LONGEST_NAME = "output/" + "x" * 64
DAY_S = 86400


def written(lines: SwitchLines, moment: float) -> list[dict[str, Any]]:
    found = []
    while (line := lines.next(moment)) is not None:
        lines.written(line)
        found.append(line[1])
    return found


def test_the_last_of_those_left_out_gets_its_line_when_there_is_room() -> None:
    lines = SwitchLines()
    for number in range(MOST_SWITCHED + 5):
        lines.put("enabled", False, f"by {number}", 1000.0)
        written(lines, 1000.0)
    assert written(lines, 1000.0 + REFILL_S - 1) == []
    assert written(lines, 1000.0 + REFILL_S) == [{"by": f"by {MOST_SWITCHED + 4}", "left_out": 4}]
    assert written(lines, 1000.0 + 2 * REFILL_S) == []
    lines.put("enabled", True, "later", 1000.0 + 2 * REFILL_S)
    assert written(lines, 1000.0 + 2 * REFILL_S) == [{"by": "later"}]


def test_what_waits_for_a_disk_is_bounded() -> None:
    lines = SwitchLines()
    for number in range(1000):
        lines.put("enabled", False, f"by {number}", 1000.0)
    found = written(lines, 1000.0)
    assert len(found) == MOST_SWITCHED and found[0]["left_out"] == 1000 - MOST_SWITCHED
    assert found[-1] == {"by": "by 999"}


def test_a_clock_that_is_set_back_frees_nothing_and_blocks_nothing() -> None:
    lines = SwitchLines()
    for moment in (2e9, *[1e9] * MOST_SWITCHED):
        lines.put("enabled", False, "x", moment)
        written(lines, moment)
    assert written(lines, 1e9 + REFILL_S) == [{"by": "x"}]


def test_the_newest_half_of_a_full_trail_is_of_more_than_two_years(tmp_path: Path) -> None:
    """Whoever switches at the broker all the time; each line as long as it can be."""
    lines, trail = SwitchLines(), AuditTrail(tmp_path / "audit.jsonl")
    days = 20
    for minute in range(0, days * 1440, 10):
        moment = 1.8e9 + minute * 60
        lines.put(LONGEST_NAME, False, "over MQTT", moment)
        lines.put(LONGEST_NAME, True, "over MQTT", moment)
        while (line := lines.next(moment)) is not None:
            trail.append(*line)
            lines.written(line)
    known = list(entries(read_lines(trail.path)))
    assert len(known) <= MOST_SWITCHED + days * DAY_S / REFILL_S
    a_day = DAY_S / REFILL_S * max(map(len, read_lines(trail.path)))
    counted = Slot(0, "yunet", "mask@12345678", Counts())
    values = {**day_values(date(2026, 1, 1), [counted]), "mark": "0" * 16, "model": "m" * 64}
    trail.append("day", values | {"config": "01234567"})
    a_day += len(read_lines(trail.path)[-1])
    assert KEPT_BYTES / a_day > 2 * 365
    again = SwitchLines()
    again.remember(known)
    again.put("enabled", False, "x", moment)
    assert again.next(moment) is None, "a restart gives no new budget"
