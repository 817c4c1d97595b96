"""``maskwatch audit``: prints who changed what and when, and checks that nothing of it was changed since."""

import argparse
import json
import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from ..addresses import UNPRINTABLE, printable
from ..errors import ConfigError, FileError
from ..monitor.state import StateFiles
from ..record.audit import hash_of
from ..record.audit_reading import entries, faults_of_chain, parsed, read_lines
from ..record.day_lines import faults_of_days, kept_from, last_lines, up_to_date
from ..record.reading import read, read_starts, read_written
from ..record.times import day_start, local_iso, parse_date, unix_time
from .arguments import EXIT_FAILURE, EXIT_OK, add_device_option, load_config, own_state

LONGEST = 200
"""Characters of a value that are printed: zones and lists may be long, and --json has them whole."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--from", dest="first", metavar="DATE", help="first day (default: that of the first line)")
    command.add_argument("--to", dest="last", metavar="DATE", help="last day (default: today)")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the lines as they are in the file, with their hashes")
    form.add_argument("--verify", action="store_true", help="check every line, and the counts of every day")


def run(args: argparse.Namespace) -> int:
    """Prints the trail, or checks it and returns 1 if something is wrong. Raises ``ConfigError``, ``FileError``."""
    start, end = _range(args)
    files = own_state(load_config(args))
    try:
        lines = read_lines(files.audit)
        if args.verify:
            return _verify(files, lines)
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"the state folder {printable(files.folder)} cannot be read: {reason}") from error
    found = [(line, values) for line in lines if (values := parsed(line)) is not None]
    found = [(line, values) for line, values in found if start <= _moment(values.get("time")) < end]
    if args.json:
        for line, _ in found:
            print(line.decode())
        return EXIT_OK
    if not lines:
        print(f"nothing was noted yet: {printable(files.audit)} does not exist")
    elif not found:
        print(f"nothing was noted {_days(args)}: the last line is of {_local((parsed(lines[-1]) or {}).get('time'))}")
    for _, values in found:
        print(_text(values).translate(UNPRINTABLE))
    return EXIT_OK


def _days(args: argparse.Namespace) -> str:
    return " ".join(f"{word} {day}" for word, day in (("from", args.first), ("to", args.last)) if day is not None)


def _range(args: argparse.Namespace) -> tuple[float, float]:
    """Returns the Unix times between which lines are printed."""
    if args.verify and (args.first is not None or args.last is not None):
        raise ConfigError("--verify checks all lines: leave out --from and --to")
    try:
        start = day_start(parse_date("--from", args.first)) if args.first is not None else -math.inf
        last = parse_date("--to", args.last) + timedelta(days=1) if args.last is not None else None
    except ValueError as error:
        raise ConfigError(str(error)) from error
    end = day_start(last) if last is not None else math.inf
    if start >= end:
        raise ConfigError(f"--from {args.first} is after --to {args.last}: exchange the two")
    return start, end


def _verify(files: StateFiles, lines: Sequence[bytes]) -> int:
    if not lines:
        print(f"{printable(files.audit)} does not exist, or is empty: there is nothing to check")
        return EXIT_FAILURE
    days = up_to_date(last_lines(entries(lines)), read_written(files.record))
    faults = list(faults_of_chain(lines))
    if days and not files.record.exists():
        faults.append(f"{printable(files.record)} does not exist: the counts of {_many(len(days), 'day')} are missing")
    else:
        now = time.time()
        oldest = kept_from(read_starts(files.record), now)
        faults += faults_of_days(days, partial(read, files.record), oldest, now)
    for fault in faults:
        print(fault.translate(UNPRINTABLE))
    if faults:
        return EXIT_FAILURE
    last = hash_of(lines[-1])
    checked = f"{_many(len(lines), 'line')} and the counts of {_many(len(days), 'day')}"
    print(f"{checked} are as they were written; the last hash is {last}")
    return EXIT_OK


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _text(values: Mapping[str, Any]) -> str:
    """Returns a line for people."""
    what = str(values.get("what"))
    make = TEXTS.get(what, _other)
    note = "" if values.get("clock_synced", True) else " (the clock was not synchronized)"
    return f"{_local(values.get('time'))}  {what[:20]:<8} {make(values)}{note}"


def _change(values: Mapping[str, Any]) -> str:
    return f"{_option(values)}, by {_short(values.get('by'))} ({_short(values.get('via'))})"


def _option(values: Mapping[str, Any]) -> str:
    old, new = (_short(values.get(name)) for name in ("old", "new"))
    return f"{_short(values.get('option'))}: {old} -> {new}"


def _start(values: Mapping[str, Any]) -> str:
    parts = [f"{name} {_short(values.get(name))}" for name in ("version", "model", "detector")]
    text = f"{', '.join(parts)}, configuration {_short(values.get('config'))}"
    edited = [_option(change) for change in values.get("edited") or () if isinstance(change, Mapping)]
    return text + (f"; edited otherwise: {'; '.join(edited)}" if edited else "")


def _day(values: Mapping[str, Any]) -> str:
    day, people, alerts, sha256 = (_short(values.get(name)) for name in ("day", "people", "alerts", "sha256"))
    return f"{day}: {people} people, {alerts} alerts, sha256 {sha256}"


def _switched(values: Mapping[str, Any]) -> str:
    """Returns by what watching was paused or an output muted: "over MQTT", or "on the page by ADDRESS"."""
    output = f"output {_short(values['output'])} " if "output" in values else ""
    more = f", after {_short(values['left_out'])} others that are left out" if "left_out" in values else ""
    return f"{output}{_short(values.get('by'))}{more}"


def _dropped(values: Mapping[str, Any]) -> str:
    return f"{_short(values.get('lines'))} older lines, because the file was full"


def _other(values: Mapping[str, Any]) -> str:
    hidden = ("time", "what", "prev", "hash", "clock_synced")
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items() if name not in hidden)


TEXTS = {
    "change": _change,
    "start": _start,
    "day": _day,
    "dropped": _dropped,
    **dict.fromkeys(("pause", "resume", "mute", "unmute"), _switched),
}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _moment(text: Any) -> float:
    moment = unix_time(text)
    return -math.inf if moment is None else moment


def _local(text: Any) -> str:
    moment = _moment(text)
    return local_iso(moment) if math.isfinite(moment) else "unknown time"
