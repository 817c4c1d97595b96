"""``maskwatch outbox``: shows the alerts that wait for the broker, and those that it refused."""

import argparse
import sqlite3

from ..addresses import printable
from ..errors import FileError
from ..outbox.dead_letters import number
from ..outbox.reading import peek, resend, setting
from ..outbox.sql import DEAD_LETTERS_DELETED, DEAD_LETTERS_KEPT
from .arguments import EXIT_OK, add_device_option, load_config, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--resend", action="store_true", help="put the refused alerts back into the queue")


def run(args: argparse.Namespace) -> int:
    """Prints one line per alert. Raises ``FileError`` if the outbox file cannot be read."""
    path = own_state(load_config(args)).outbox
    if not path.exists():
        print(f"no alerts are waiting: {printable(path)} does not exist yet")
        return EXIT_OK
    try:
        if args.resend and (count := resend(path)):
            alerts = "1 refused alert is" if count == 1 else f"{count} refused alerts are"
            print(f"{alerts} in the queue again, and sent when maskwatch starts next")
        waiting, dead_letters = peek(path)
        deleted = number(setting(path, DEAD_LETTERS_DELETED))
    except sqlite3.Error as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    alerts = "1 alert waits" if len(waiting) == 1 else f"{len(waiting)} alerts wait"
    refused = "1 was" if len(dead_letters) == 1 else f"{len(dead_letters)} were"
    print(f"{alerts} for the broker, {refused} refused ({path})")
    if deleted:
        print(f"{deleted} older refused alerts were deleted: the newest {DEAD_LETTERS_KEPT} are kept")
    for message in waiting:
        print(f"waiting  {message.payload.decode('utf-8', 'replace')}")
    for alert_id, reason in dead_letters:
        print(f"refused  {alert_id}  {reason}")
    return EXIT_OK
