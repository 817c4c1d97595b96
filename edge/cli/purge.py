"""``maskwatch purge``: deletes snapshots, and alerts of a time."""

import argparse
import math
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

from ..addresses import printable
from ..config.schema import SnapshotsConfig
from ..errors import ConfigError, FileError
from ..monitor.retention import purge, purge_all, trusted_time
from ..mqtt.messages import AlertMessage
from ..outbox import reading
from ..record.alerts import moment_of
from ..record.audit import AuditTrail
from ..record.times import day_start, parse_date
from .arguments import EXIT_OK, add_device_option, load_config, own_state
from .person import person


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--all", action="store_true", help="delete every snapshot, not only old ones")
    command.add_argument(
        "--alerts-before", metavar="DATE", help="also delete the alerts that are kept from before this day"
    )


def run(args: argparse.Namespace) -> int:
    """Deletes the snapshots that are too old or too many, or all of them, and alerts. Raises ``ConfigError``."""
    try:
        day = None if args.alerts_before is None else parse_date("--alerts-before", args.alerts_before)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    config, by = load_config(args), person()
    files = own_state(config)
    deleted: dict[str, Any] = _snapshots(files.snapshots, config.snapshots, is_all=args.all)
    if day:
        deleted |= _alerts(files.outbox, day)
    if (args.all or day) and files.folder.is_dir():
        _note(files.audit, {"by": by, **deleted})
    return EXIT_OK


def _snapshots(folder: Path, rules: SnapshotsConfig, *, is_all: bool) -> dict[str, int]:
    if not folder.is_dir():
        print(f"no snapshots: the folder {printable(folder)} does not exist")
        return {"snapshots": 0}
    now = trusted_time()
    count = purge_all(folder) if is_all else purge(folder, rules, now)
    print(f"{count} snapshots deleted from {folder}")
    if not is_all and now is None:
        print("the clock is not synchronized: no snapshot was deleted for its age; see `timedatectl`")
    return {"snapshots": count}


def _alerts(outbox: Path, day: date) -> dict[str, Any]:
    """Deletes the alerts from before a local day. Raises ``FileError``."""
    kept = refused = waits = 0
    try:
        if outbox.exists():
            kept, refused, waits = reading.purge(outbox, day_start(day), _moment)
    except (sqlite3.Error, OSError) as error:
        raise FileError(f"no alert was deleted: {outbox} cannot be written: {error}") from error
    print(
        f"{kept} alerts from before {day} deleted from {printable(outbox)}, and {refused} from those that were refused"
    )
    if waits:
        print(f"of that time still waiting: {waits}, each deleted once it is delivered; see `maskwatch outbox`")
    return {"alerts_before": day.isoformat(), "alerts": kept, "refused": refused}


def _moment(payload: bytes) -> float:
    """Returns the Unix time of an alert; what is none stays."""
    try:
        return moment_of(AlertMessage.decode(payload))
    except ValueError:
        return math.inf


def _note(audit: Path, values: dict[str, Any]) -> None:
    try:
        AuditTrail(audit).append("purge", values)
    except OSError as error:
        print(f"the audit trail does not have this, because it cannot be written ({error.filename}: {error.strerror})")
