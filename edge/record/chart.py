"""Draws how many people came in each hour, as SVG."""

from collections.abc import Iterable, Sequence

from .period import Period

KINDS = ("mask", "incorrect_mask", "no_mask", "unsure")
"""The parts of a bar, from below."""
WIDTH, HEIGHT, TOP, BOTTOM = 760, 170, 14, 14
BARS = 24
"""Hours that the width has at least: those of a day that has not passed yet stay empty."""


def chart(hours: Sequence[Period]) -> Iterable[str]:
    """Gives a bar for each hour (by hour or hour of the day), and a hatched field for an hour that is unknown."""
    most = max([1, *(hour.counts.people for hour in hours)])
    step = WIDTH / max(BARS, len(hours))
    yield f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
    yield '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    yield '<path d="M0 0V6" class="hatch"/></pattern>'
    for number, hour in enumerate(hours):
        left, width, middle = number * step + step * 0.1, step * 0.8, number * step + step / 2
        yield f'<text x="{middle:.1f}" y="{HEIGHT - 3}">{hour_of(hour.label)}</text>'
        yield from _unknown(left, width) if hour.is_unknown else _bar(hour, left, width, middle, most)
    yield f'<path d="M0 {HEIGHT - BOTTOM}H{WIDTH}" class="axis"/></svg>'


def hour_of(label: str) -> str:
    """Returns the hour of a label: ``09`` of 2026-11-27T09:00:00+01:00, and of 09."""
    return label[11:13] or label


def _bar(hour: Period, left: float, width: float, middle: float, most: int) -> Iterable[str]:
    y, scale = float(HEIGHT - BOTTOM), (HEIGHT - TOP - BOTTOM) / most
    for kind in KINDS:
        height = getattr(hour.counts, kind) * scale
        y -= height
        if height:
            yield f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'
    yield f'<text x="{middle:.1f}" y="{y - 3:.1f}">{hour.counts.people}</text>'


def _unknown(left: float, width: float) -> Iterable[str]:
    yield f'<rect x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="url(#hatch)"/>'
