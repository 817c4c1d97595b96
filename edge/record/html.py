"""Writes a report as one HTML file, which needs no other file and prints on one A4 page."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from ..config.shifts import DAY, OUTSIDE
from .bias import BIASED
from .chart import KINDS, chart
from .checksums import Checksums
from .period import DoorPeriod, Period
from .report import By, Report
from .times import local_iso
from .words import Texts, Translator, listed

NUMBERS = ("people", "mask", "no_mask", "incorrect_mask", "unsure", "alerts")
OUTAGES = 10
MOST_ROWS, PAGE_ROWS = 31, 45
"""Doors, days or months that a table may have, and rows of all tables: more would be too small to read."""
PAGE_PT, LARGEST_PT, READABLE_PT = 690, 8.0, 6.0
"""Height of the page below the chart, and sizes of letters: smaller if there is much to say. Below the last size, what
is not needed on paper is left out."""
SHORT = 7
"""Checksums that stand in one column."""
STYLE = """
@page { size: A4; margin: 10mm }
* { box-sizing: border-box; print-color-adjust: exact; -webkit-print-color-adjust: exact }
body { margin: 0; font: SIZEpt/1.25 system-ui, sans-serif; color: #000; background: #fff }
@media screen { body { max-width: 50rem; margin: 1rem auto; padding: 0 .5rem; font-size: 1rem } }
h1 { font-size: 1.6em; margin: 0 0 .3em } h2 { font-size: 1.1em; margin: .7em 0 .15em } p { margin: 0 0 .15em }
svg { display: block; width: 100%; height: auto; font-size: 9px; text-anchor: middle }
.mask { fill: #0b6b3a; background: #0b6b3a } .no_mask { fill: #b3261e; background: #b3261e }
.incorrect_mask { fill: #c77700; background: #c77700 } .unsure { fill: #999; background: #999 }
.axis { stroke: #444 } .hatch { stroke: #888; stroke-width: 2 }
.legend span { margin-right: 1.5em; white-space: nowrap }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .4em }
.legend i.hatched { background: repeating-linear-gradient(45deg, #888 0 1px, #fff 1px 3px) }
.scroll { overflow-x: auto; background: linear-gradient(90deg, #fff 40%, #fff0) left / 2.5rem 100% no-repeat local,
  linear-gradient(270deg, #fff 40%, #fff0) right / 2.5rem 100% no-repeat local,
  linear-gradient(90deg, #0006, #0000) left / .9rem 100% no-repeat scroll,
  linear-gradient(270deg, #0006, #0000) right / .9rem 100% no-repeat scroll }
@media print { .scroll { overflow: visible; background: none } }
table { width: 100%; border-collapse: collapse; font-size: .94em; font-variant-numeric: tabular-nums }
th, td { padding: .05em .4em; border-bottom: 1px solid #bbb; text-align: right; white-space: nowrap }
th:first-child { text-align: left } tbody th { font-weight: 400 } td.unknown { text-align: center; font-style: italic }
ol { list-style: none; margin: 0; padding: 0; columns: 2 25em } li { break-inside: avoid; overflow-wrap: anywhere }
ol.checksums { font: .66em/1.3 ui-monospace, monospace } ol.short { columns: 1; font-size: .8em }
tbody th { max-width: 20em; overflow: hidden; text-overflow: ellipsis } thead th { white-space: normal }
.small { font-size: .88em }
"""


class Part(NamedTuple):
    """HTML, and its height on paper in ems at most. ``spare`` may be left out."""

    html: str
    height: float
    spare: bool = False


def html_page(
    report: Report,
    checksums: Checksums,
    device: str,
    language: str,
    texts: Texts,
    doors: Sequence[DoorPeriod] = (),
) -> Iterable[str]:
    """Gives the file in pieces, in a language with its texts. ``doors`` are the sums of each of many doors."""
    t = Translator(texts)
    dates = " – ".join(dict.fromkeys((report.first.isoformat(), report.last.isoformat())))
    title = t.safe("report.of", device=device, dates=dates)
    parts = list(_parts(report, checksums, doors, t))
    if _size(parts) < READABLE_PT:
        parts = [part for part in parts if not part.spare]
    yield f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<style>{STYLE.replace('SIZE', f'{_size(parts):.2f}')}</style>\n<h1>{title}</h1>\n"
    yield from (part.html for part in parts)
    yield "</html>\n"


def _size(parts: Iterable[Part]) -> float:
    """Returns the size of letters, in points, with which the parts fit on the page."""
    return min(LARGEST_PT, PAGE_PT / sum(part.height for part in parts))


def _parts(report: Report, checksums: Checksums, doors: Sequence[DoorPeriod], t: Translator) -> Iterable[Part]:
    yield Part("", 2.5)  # the title
    yield from (_paragraph(text) for text in _notes(report, t))
    yield _heading(t("report.per_hour"))
    yield Part("".join(chart(report.by("hour" if report.first == report.last else "hour_of_day"))), 0)
    yield _legend(t)
    for unit, rows in _tables(report, doors):
        yield from _table(unit, rows, t)
    if len(doors) > MOST_ROWS:
        yield _paragraph(t("report.many_doors", number=MOST_ROWS), "small")
    if any(shift.end > DAY for shift in report.shifts):
        yield _paragraph(t("report.shift_day"), "small")
    yield from _outages(report, t)
    yield from _checksums(checksums.days, t)
    yield _paragraph(_made(report, checksums.configs, t), "small")


def _paragraph(text: str, kind: str = "note") -> Part:
    return Part(f'<p class="{kind}">{escape(text)}</p>\n', 0.15 + 1.25 * (1 + len(text) // 110))


def _heading(text: str) -> Part:
    return Part(f"<h2>{escape(text)}</h2>\n", 2.4)


def _notes(report: Report, t: Translator) -> Iterable[str]:
    """Gives what must be said of the numbers: their sum, interval, bias and unknown time."""
    period = report.total
    row = period.row()
    if period.is_unknown:
        yield t("report.nothing")
    else:
        counted = {"people": t.count("report.people", row["people"]), "alerts": t.count("alerts", row["alerts"])}
        yield t("report.sum", **(row | counted))
        yield t("report.share_sum", **_percent(period)) if period.share else t("report.few")
    if report.bias:
        yield t.bias(report.bias)
    if row["clock_synced"] is False:
        yield t("report.unsynced")
    if row["unknown_s"]:
        yield t("report.unknown_sum", time=t.unknown(row))


def _percent(period: Period) -> dict[str, str]:
    share = period.share
    return {"share": f"{share.value:.0%}", "low": f"{share.low:.0%}", "high": f"{share.high:.0%}"} if share else {}


def _legend(t: Translator) -> Part:
    keys = [*((kind, f"report.{kind}") for kind in KINDS), ("hatched", "report.is_unknown")]
    parts = (f'<span><i class="{name}"></i>{t.safe(key)}</span>' for name, key in keys)
    return Part(f'<p class="legend">{"".join(parts)}</p>\n', 1.4)


def _tables(report: Report, doors: Sequence[Period]) -> Iterable[tuple[str, Sequence[Period]]]:
    """Gives the tables that fit: by door, by shift, and by day or else by month."""
    used = 0
    if 0 < len(doors) <= MOST_ROWS:
        used += len(doors)
        yield "door", doors
    if report.shifts and (rows := report.by("shift")):
        used += len(rows)
        yield "shift", rows
    days = (report.last - report.first).days + 1
    unit: By = "day" if days <= MOST_ROWS else "month"
    if 1 < days and len(rows := report.by(unit)) <= min(MOST_ROWS, PAGE_ROWS - used):
        yield unit, rows


def _table(unit: str, rows: Sequence[Period], t: Translator) -> Iterable[Part]:
    yield _heading(t(f"report.by_{unit}"))
    names = (unit if unit in ("door", "shift") else "period", *NUMBERS, "share", "unknown")
    head = "".join(f"<th>{t.safe(f'report.{name}')}</th>" for name in names)
    lines = (_row(period, _name(period, t), t) for period in rows)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody></table>"
    yield Part(f'<div class="scroll">{table}</div>\n', 2.6 + 1.4 * len(rows))


def _name(period: Period, t: Translator) -> str:
    if isinstance(period, DoorPeriod) and BIASED in period.detectors:
        return f"{period.label} ({BIASED})"
    return t("report.outside") if period.label == OUTSIDE else period.label


def _row(period: Period, name: str, t: Translator) -> str:
    if period.is_unknown:
        cells = f'<td class="unknown" colspan="{len(NUMBERS) + 1}">{t.safe("report.is_unknown")}</td>'
    else:
        share = "{share} ({low}–{high})".format(**_percent(period)) if period.share else "–"
        cells = "".join(f"<td>{value}</td>" for value in (*(getattr(period.counts, name) for name in NUMBERS), share))
    unknown = escape(t.lasting(period.unknown)) if period.unknown else ""
    return f'<tr><th scope="row">{escape(name)}</th>{cells}<td>{unknown}</td></tr>\n'


def _outages(report: Report, t: Translator) -> Iterable[Part]:
    outages = report.outages()
    texts = [f"{_dates(one, report, t)}: {t.unknown(one)}" for one in outages[-OUTAGES:]]
    if outages:
        yield _heading(t("report.outages"))
        yield _list(texts, "outages", 0.65 * max(1 + len(text) // 50 for text in texts))
    if len(outages) > OUTAGES:
        yield _paragraph(t("report.more", number=len(outages) - OUTAGES), "small")


def _dates(outage: Mapping[str, Any], report: Report, t: Translator) -> str:
    start, end = (outage[key][:16].replace("T", " ") for key in ("start", "end"))
    if report.first == report.last or start[:10] == end[:10]:
        end = end[11:]
    start = start[11:] if report.first == report.last else start
    return t("report.between", start=start, end=end) if outage["in_parts"] else f"{start} – {end}"


def _checksums(days: Mapping[str, str], t: Translator) -> Iterable[Part]:
    if not days:
        return
    yield _heading(t("report.checksums"))
    if len(days) <= MOST_ROWS:
        texts = [f"{day} {checksum}" for day, checksum in sorted(days.items())]
        kind, height = ("checksums short", 1.05) if len(texts) <= SHORT else ("checksums", 0.46)
        yield _list(texts, kind, height)._replace(spare=True)
    yield _paragraph(t("report.checksums_kept"), "small")


def _list(texts: Sequence[str], kind: str, height: float) -> Part:
    """Makes a list; ``height`` is that of one line, or half of it in two columns."""
    items = "".join(f"<li>{escape(text)}</li>\n" for text in texts)
    return Part(f'<ol class="{kind}">\n{items}</ol>\n', height * (1 + len(texts)))


def _made(report: Report, configs: Sequence[str], t: Translator) -> str:
    detectors = "; ".join(listed([f"{detector}, {model}" for detector, model in report.detectors])) or "–"
    made = t("report.made", time=local_iso(report.now, "minutes").replace("T", " "), detectors=detectors)
    return f"{made} {t('report.configs', ids=', '.join(listed(configs)))}" if configs else made
