"""Writes sums as a table for a terminal."""

from collections.abc import Iterator, Sequence

from .counts import FEWEST_PEOPLE
from .period import EVENTS, Period, total

LABEL_WIDTH = 26


def table_lines(by: str, rows: Sequence[Period]) -> Iterator[str]:
    """Gives the header, a line for each row, and their sum; ``by`` is what the rows are."""
    width = max([LABEL_WIDTH, *(len(period.label) + 2 for period in rows)])
    yield f"{by:<{width}}" + "".join(f"{name:>15}" for name in EVENTS) + f"{'with a mask':>24}{'unknown':>12}"
    for period in [*rows, total(rows)]:
        cells = (f"{'unknown' if period.is_unknown else getattr(period.counts, name):>15}" for name in EVENTS)
        yield f"{period.label:<{width}}{''.join(cells)}{_share(period):>24}{_minutes(period.unknown):>12}"


def _share(period: Period) -> str:
    share = period.share
    if period.is_unknown:
        return "unknown"
    if share is None:
        return f"fewer than {FEWEST_PEOPLE} people"
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds else ""
