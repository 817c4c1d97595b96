"""``maskwatch outbox``: shows the alerts that wait for the broker and for outputs, and those that were refused."""

import argparse
import sqlite3
from collections.abc import Iterable

from ..addresses import printable
from ..errors import FileError
from ..outbox.dead_letters import number
from ..outbox.reading import peek, resend, setting
from ..outbox.sql import DEAD_LETTERS_DELETED, DEAD_LETTERS_KEPT, sink_of
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
    waiting_ids, refused_ids = [message.id for message in waiting], [id for id, _ in dead_letters]
    print(f"{_counted('the broker', '', waiting_ids, refused_ids)} ({path})")
    for name in sorted({*map(sink_of, waiting_ids), *map(sink_of, refused_ids)} - {""}):
        print(_counted(f"output {name}", name, waiting_ids, refused_ids))
    if deleted:
        print(f"{deleted} older refused alerts were deleted: the newest {DEAD_LETTERS_KEPT} are kept")
    for message in waiting:
        name = sink_of(message.id)
        print(f"waiting{f' for {name}' if name else ''}  {message.payload.decode('utf-8', 'replace')}")
    for alert_id, reason in dead_letters:
        print(f"refused  {alert_id}  {reason}")
    return EXIT_OK


def _counted(receiver: str, sink: str, waiting: Iterable[str], refused: Iterable[str]) -> str:
    """Returns how many alerts wait for a receiver, and how many it refused, of the messages with these ids."""
    waits, was = (sum(sink_of(id) == sink for id in ids) for ids in (waiting, refused))
    alerts = "1 alert waits" if waits == 1 else f"{waits} alerts wait"
    return f"{alerts} for {receiver}, {'1 was' if was == 1 else f'{was} were'} refused"
