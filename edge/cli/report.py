"""``maskwatch report``: sums people, masks and alerts, or lists alerts."""

import argparse
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

from ..config.shifts import Shift, read_shifts
from ..errors import ConfigError, FileError
from ..monitor.state import StateFiles
from ..outbox.sql import HISTORY_KEPT
from ..record import alerts
from ..record.alerts import AlertIndex, Search, exported
from ..record.checksums import TRAIL, read_checksums
from ..record.export import csv_lines, json_lines
from ..record.html import html_page
from ..record.period import COLUMNS, Period, total
from ..record.reading import read, read_seen
from ..record.report import BIAS, NO_SHIFTS, By, Report, check_range
from ..record.times import day_start, parse_date
from ..web.languages import DEFAULT_LANGUAGE, languages
from .arguments import EXIT_OK, add_device_option, load_config, own_state

UNITS = (*get_args(By), "alert")
DAYS = 7
"""Days of a report without --from."""
MOST_DAYS = 3660
"""Ten years took 5 s and 150 MB on two busy cores of x86."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--from", dest="first", metavar="DATE", help=f"first day (default: {DAYS} days up to --to)")
    command.add_argument("--to", dest="last", metavar="DATE", help="last day (default: today)")
    help_text = (
        "one line for each hour (default), hour of the day, weekday, day, month or shift; alert lists the alerts"
    )
    command.add_argument("--by", choices=UNITS, help=help_text)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print CSV (RFC 4180)")
    form.add_argument("--json", action="store_true", help="print JSON")
    help_text = "print one HTML file for one A4 page: by hour, shift and day, outages, and checksums of the days"
    form.add_argument("--html", action="store_true", help=help_text)


def run(args: argparse.Namespace) -> int:
    """Prints the report. Raises ``ConfigError`` for wrong dates, ``FileError`` if a file cannot be read."""
    if args.html and args.by:
        raise ConfigError("--html has its own tables, by hour, shift and day: leave out --by")
    args.by = args.by or UNITS[0]
    first, last = _days(args)
    config = load_config(args)
    files = own_state(config)
    head: dict[str, Any] = {"device": config.device.name, "from": first.isoformat(), "to": last.isoformat()}
    try:
        if args.by == "alert":
            return _print_alerts(args, files, head)
        if args.by == "shift" and not config.report.shifts:
            raise ConfigError(NO_SHIFTS)
        shifts = read_shifts(config.report) if args.html or args.by == "shift" else ()
        report = _counted(first, last, files.record, shifts)
    except (sqlite3.Error, OSError) as error:
        raise FileError(f"the state folder {files.folder} cannot be read: {error}") from error
    if args.html:
        _write(_html(report, files, config.device.name))
        return EXIT_OK
    if not args.csv and not args.json:
        return _print_report(report, args.by, files.record)
    head |= {"detectors": _detectors(report), "note": BIAS if report.is_biased else None}
    rows = ({args.by: period.label, **period.row()} for period in report.by(args.by))
    _write(csv_lines(rows, [args.by, *COLUMNS]) if args.csv else json_lines(head, "rows", rows))
    return EXIT_OK


def _days(args: argparse.Namespace) -> tuple[date, date]:
    try:
        last = parse_date("--to", args.last) if args.last is not None else date.today()
        first = parse_date("--from", args.first) if args.first is not None else last - timedelta(days=DAYS - 1)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if first > last:
        raise ConfigError(f"--from {first} is after --to {last}: exchange the two")
    return first, last


def _counted(first: date, last: date, path: Path, shifts: Sequence[Shift]) -> Report:
    try:
        check_range(first, last, MOST_DAYS)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return Report(first, last, partial(read, path), shifts=shifts)


def _html(report: Report, files: StateFiles, device: str) -> Iterable[str]:
    language = DEFAULT_LANGUAGE
    checksums = read_checksums(files.folder / TRAIL, report.first, report.last)
    return html_page(report, checksums, device, language, languages()[language])


def _detectors(report: Report) -> list[dict[str, str]]:
    return [{"detector": detector, "model": model} for detector, model in report.detectors]


def _print_alerts(args: argparse.Namespace, files: StateFiles, head: Mapping[str, Any]) -> int:
    first, last = date.fromisoformat(head["from"]), date.fromisoformat(head["to"])
    search = Search(day_start(first), day_start(last + timedelta(days=1)))
    seen = read_seen(files.record)
    found = [entry for entry in AlertIndex(files.outbox).load() if search.matches(entry, seen)]
    rows = [exported(entry, seen) for entry in found]
    if args.csv or args.json:
        _write(csv_lines(rows, alerts.COLUMNS) if args.csv else json_lines(head, "alerts", rows))
        return EXIT_OK
    for row in rows:
        print(f"{row['local_time']}  {row['event_type']:<14}  score {row['score']:.2f}  {row['id']}")
    print(f"{len(rows)} alerts from {first} to {last}; the newest {HISTORY_KEPT} are kept")
    return EXIT_OK


def _print_report(report: Report, by: By, file: Path) -> int:
    if not file.exists():
        print(f"nothing was counted yet: {file} does not exist")
        return EXIT_OK
    names = "people mask no_mask incorrect_mask unsure alerts".split()
    print(f"{by:<26}" + "".join(f"{name:>15}" for name in names) + f"{'with a mask':>24}{'unknown':>12}")
    rows = report.by(by)
    for period in [*rows, total(rows)]:
        cells = (f"{'unknown' if period.is_unknown else getattr(period.counts, name):>15}" for name in names)
        print(f"{period.label:<26}{''.join(cells)}{_share(period):>24}{_minutes(period.unknown):>12}")
    if report.is_biased:
        print(f"note: {BIAS}")
    return EXIT_OK


def _share(period: Period) -> str:
    share = period.share
    if period.is_unknown:
        return "unknown"
    if share is None:
        return "fewer than 30 people"
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds else ""


def _write(lines: Iterable[str]) -> None:
    """Prints lines that have line ends of their own, in UTF-8 whatever the locale is: they are for programs."""
    if sys.stdout is not None:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for line in lines:
        print(line, end="")
