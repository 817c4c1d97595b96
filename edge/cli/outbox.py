"""``maskwatch outbox``: shows the alerts that wait for the broker or were refused; puts refused ones into the queue."""

import argparse
import sqlite3

from ..errors import SourceError
from ..monitor.state import state_files
from ..outbox.reading import peek, resend
from .arguments import ENDED, configured, name_device


def add_arguments(command: argparse.ArgumentParser) -> None:
    name_device(command)
    command.add_argument("--resend", action="store_true", help="put the refused ones back in the queue")


def run(args: argparse.Namespace) -> int:
    path = state_files(configured(args)).outbox
    if not path.exists():
        print(f"nothing waits: {path} is not there yet")
        return ENDED
    try:
        if args.resend and (count := resend(path)):
            print(f"{count} refused alerts are in the queue again; they leave when maskwatch is started next")
        waiting, dead = peek(path)
    except sqlite3.Error as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    print(f"{len(waiting)} alerts wait for the broker, {len(dead)} were refused ({path})")
    for letter in waiting:
        print(f"waiting  {letter.payload.decode('utf-8', 'replace')}")
    for name, reason in dead:
        print(f"refused  {name}  {reason}")
    return ENDED
