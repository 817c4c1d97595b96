"""``maskwatch report``: sums people, masks and alerts of this door or of all, or lists alerts."""

import argparse
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

from ..config.schema import Config
from ..config.shifts import Shift, read_shifts
from ..errors import ConfigError, FileError
from ..monitor.state import StateFiles
from ..outbox.sql import HISTORY_KEPT
from ..record import alerts
from ..record.alerts import AlertIndex, Search, exported
from ..record.checksums import read_checksums
from ..record.export import csv_lines, json_lines
from ..record.html import html_page
from ..record.period import COLUMNS, DOOR_COLUMNS, DoorPeriod, Period
from ..record.reading import read, read_seen
from ..record.report import NO_SHIFTS, By, Report, check_range
from ..record.text import table_lines
from ..record.times import day_start, parse_date
from ..web.languages import DEFAULT_LANGUAGE, languages
from .arguments import EXIT_OK, add_device_option, add_store_option, load_config, own_state

UNITS = (*get_args(By), "door", "alert")
DAYS = 7
"""Days of a report without --from."""
MOST_DAYS = 3660
"""Ten years took 5 s and 150 MB on two busy cores of x86."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--from", dest="first", metavar="DATE", help=f"first day (default: {DAYS} days up to --to)")
    command.add_argument("--to", dest="last", metavar="DATE", help="last day (default: today)")
    help_text = (
        "one line for each hour (default), hour of the day, weekday, day, month, shift or, with --store, door; alert "
        "lists the alerts"
    )
    command.add_argument("--by", choices=UNITS, help=help_text)
    add_store_option(command, "sum up all doors that `maskwatch watch --store` keeps")
    command.add_argument("--door", metavar="NAME", default="", help="with --store: of this door alone")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print CSV (RFC 4180)")
    form.add_argument("--json", action="store_true", help="print JSON")
    help_text = "print one HTML file for one A4 page: by hour, shift and day, outages, and checksums of the days"
    form.add_argument("--html", action="store_true", help=help_text)


def run(args: argparse.Namespace) -> int:
    """Prints the report. Raises ``ConfigError`` for wrong dates, ``EdgeError`` if something cannot be read."""
    if args.html and args.by:
        raise ConfigError("--html has its own tables, by hour, shift and day: leave out --by")
    args.by = args.by or UNITS[0]
    if args.store is None and (args.door or args.by == "door"):
        raise ConfigError("--door and --by door need --store: the state folder has the counts of one door")
    first, last = _days(args)
    config = load_config(args)
    shifts = _shifts(args, config)
    head: dict[str, Any] = {"device": config.device.name, "from": first.isoformat(), "to": last.isoformat()}
    if args.store is not None:
        return _print_stored(args, config, head, shifts)
    files = own_state(config)
    try:
        if args.by == "alert":
            return _print_alerts(args, head, _own_alerts(files, first, last), alerts.COLUMNS)
        report = Report(first, last, partial(read, files.record), shifts=shifts)
    except (sqlite3.Error, OSError) as error:
        raise FileError(f"the state folder {files.folder} cannot be read: {error}") from error
    if not files.record.exists() and not (args.csv or args.json or args.html):
        print(f"nothing was counted yet: {files.record} does not exist")
        return EXIT_OK
    return _print_report(args, head, report, trail=files.audit)


def _print_stored(args: argparse.Namespace, config: Config, head: dict[str, Any], shifts: Sequence[Shift]) -> int:
    """Prints the report of one door, or of all, in the database. Raises ``ConfigError`` and ``StoreError``."""
    from ..store.opening import store_address
    from ..store.reports import ALERT_COLUMNS, open_reports

    days = date.fromisoformat(head["from"]), date.fromisoformat(head["to"])
    head["device"] = args.door or None
    with closing(open_reports(store_address(args.store, config.store))) as reports:
        if args.by == "alert":
            return _print_alerts(args, head, reports.alerts(*days, args.door), ALERT_COLUMNS)
        report = reports.report(*days, args.door, shifts=shifts)
        doors = reports.by_door(*days, args.door) if args.by == "door" or (args.html and not args.door) else ()
    return _print_report(args, head, report, doors)


def _days(args: argparse.Namespace) -> tuple[date, date]:
    try:
        last = parse_date("--to", args.last) if args.last is not None else date.today()
        first = parse_date("--from", args.first) if args.first is not None else last - timedelta(days=DAYS - 1)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if first > last and args.last is None:
        raise ConfigError(f"--from {first} is in the future: without --to, a report ends today, {last}")
    if first > last:
        raise ConfigError(f"--from {first} is after --to {last}: exchange the two")
    if args.by != "alert":
        try:
            check_range(first, last, MOST_DAYS)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    return first, last


def _shifts(args: argparse.Namespace, config: Config) -> Sequence[Shift]:
    if args.by == "shift" and not config.report.shifts:
        raise ConfigError(NO_SHIFTS)
    return read_shifts(config.report) if args.html or args.by == "shift" else ()


def _own_alerts(files: StateFiles, first: date, last: date) -> list[dict[str, Any]]:
    search = Search(day_start(first), day_start(last + timedelta(days=1)))
    seen = read_seen(files.record)
    return [exported(entry, seen) for entry in AlertIndex(files.outbox).load() if search.matches(entry, seen)]


def _print_alerts(
    args: argparse.Namespace, head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> int:
    if args.csv or args.json:
        _write(csv_lines(rows, columns) if args.csv else json_lines(head, "alerts", rows))
        return EXIT_OK
    for row in rows:
        door = f"{row['door']}  " if args.store is not None else ""
        print(f"{row['local_time']}  {door}{row['event_type']:<14}  score {row['score']:.2f}  {row['id']}")
    kept = f"; the newest {HISTORY_KEPT} are kept" if args.store is None else ""
    print(f"{len(rows)} alerts from {head['from']} to {head['to']}{kept}")
    return EXIT_OK


def _print_report(
    args: argparse.Namespace,
    head: Mapping[str, Any],
    report: Report,
    doors: Sequence[DoorPeriod] = (),
    trail: Path | None = None,
) -> int:
    """Prints the report by ``args.by``; ``doors`` are the sums of each door."""
    if args.html:
        _write(_html(report, trail, head["device"], doors))
        return EXIT_OK
    periods: Sequence[Period] = doors if args.by == "door" else report.by(args.by)
    if not args.csv and not args.json:
        for line in (*table_lines(args.by, periods), *([f"note: {report.bias.note}"] if report.bias else [])):
            print(line)
        return EXIT_OK
    rows = ({args.by: period.label, **period.row()} for period in periods)
    if args.csv:
        _write(csv_lines(rows, [args.by, *(DOOR_COLUMNS if args.by == "door" else COLUMNS)]))
        return EXIT_OK
    detectors = [{"detector": detector, "model": model} for detector, model in report.detectors]
    note = report.bias.note if report.bias else None
    _write(json_lines({**head, "detectors": detectors, "note": note}, "rows", rows))
    return EXIT_OK


def _html(report: Report, trail: Path | None, device: str | None, doors: Sequence[DoorPeriod]) -> Iterable[str]:
    texts = languages()[DEFAULT_LANGUAGE]
    checksums = read_checksums(trail, report.first, report.last)
    return html_page(report, checksums, device or texts["overview.title"], DEFAULT_LANGUAGE, texts, doors)


def _write(lines: Iterable[str]) -> None:
    """Prints lines that have line ends of their own, in UTF-8 whatever the locale is: they are for programs."""
    if sys.stdout is not None:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for line in lines:
        print(line, end="")
