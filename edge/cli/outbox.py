"""``maskwatch outbox``: shows the alerts that wait for the broker, and those that it refused."""

import argparse
import sqlite3

from ..errors import FileError
from ..monitor.state import state_files
from ..outbox.reading import peek, resend
from .arguments import EXIT_OK, add_device_option, load_config


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--resend", action="store_true", help="put the refused alerts back into the queue")


def run(args: argparse.Namespace) -> int:
    """Prints one line per alert. Raises ``SourceError`` if the outbox file cannot be read."""
    path = state_files(load_config(args)).outbox
    if not path.exists():
        print(f"no alert waits: {path} does not exist yet")
        return EXIT_OK
    try:
        if args.resend and (count := resend(path)):
            print(f"{count} refused alerts are in the queue again; maskwatch sends them when it starts next")
        waiting, dead_letters = peek(path)
    except sqlite3.Error as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    print(f"{len(waiting)} alerts wait for the broker, {len(dead_letters)} were refused ({path})")
    for message in waiting:
        print(f"waiting  {message.payload.decode('utf-8', 'replace')}")
    for alert_id, reason in dead_letters:
        print(f"refused  {alert_id}  {reason}")
    return EXIT_OK
