"""Fills a store with a year of 100 doors, 3.5 million rows, and measures what a report by month then takes.

    PYTHONPATH=.:tests .venv/bin/python -m support.year_of_doors sqlite:/tmp/year.db

The address must be that of a new file or of an empty database. Some minutes pass.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from support.filled import StoredCounts, fill_doors

from edge.record.counts import SLOT_S, Counts
from edge.record.times import day_start
from edge.store.address import parse_address
from edge.store.engine import open_engine

DOORS, DAYS, FIRST = 100, 365, date(2025, 1, 1)
OPEN = range(6, 20)
"""Hours of the day in which people come."""
RUNS = 5


def year() -> Iterator[StoredCounts]:
    """Gives the counts in the order in which they happen."""
    chance = random.Random(1)
    for day in range(DAYS):
        start = day_start(FIRST + timedelta(days=day))
        for quarter in range(86400 // SLOT_S):
            for door in range(DOORS):
                people = chance.randrange(12) if quarter // 4 in OPEN else 0
                mask = round(people * 0.8)
                counts = Counts(people, mask, people - mask, alerts=people - mask, watched=899.9)
                yield f"door-{door:03}", start + quarter * SLOT_S, counts


def main(address: str) -> None:
    """Fills the store, then prints what `maskwatch report` takes."""
    started = time.monotonic()
    engine = open_engine(parse_address(address), writes=True)
    fill_doors(engine, year())
    engine.close()
    print(f"{DOORS} doors, {DAYS} days: {DOORS * DAYS * 96} rows, written in {time.monotonic() - started:.0f} s")
    with TemporaryDirectory() as folder:
        file = Path(folder, "address")
        file.touch(0o600)
        file.write_text(address)
        words = ["--store", str(file), "--from", str(FIRST), "--to", str(FIRST + timedelta(days=DAYS - 1))]
        for by in ("month", "door"):
            took = sorted(_measured([*words, "--by", by]) for _ in range(RUNS))
            print(f"maskwatch report --store FILE --by {by}: {took[RUNS // 2]:.2f} s ({took[0]:.2f} to {took[-1]:.2f})")


def _measured(words: list[str]) -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "edge", "report", *words], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main(sys.argv[1])
