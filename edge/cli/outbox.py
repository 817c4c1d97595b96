"""``maskwatch outbox``: shows the alerts that wait for the broker and for outputs, and those that were refused."""

import argparse
import sqlite3
from collections.abc import Iterable

from ..addresses import UNPRINTABLE, printable
from ..errors import ConfigError, FileError
from ..outbox.dead_letters import number
from ..outbox.reading import discard, peek, resend, setting
from ..outbox.sql import DEAD_LETTERS_DELETED, DEAD_LETTERS_KEPT, sink_of
from .arguments import EXIT_OK, add_device_option, load_config, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--resend", action="store_true", help="put the refused alerts back into the queue")
    command.add_argument(
        "--discard", metavar="NAME", help="delete the alerts of an output that is not configured any more"
    )


def run(args: argparse.Namespace) -> int:
    """Prints one line per alert. Raises ``FileError`` if the outbox file cannot be read."""
    config = load_config(args)
    if args.discard in [output.name for output in config.outputs]:
        raise ConfigError(
            f"output {args.discard} is configured, and gets its alerts; remove its table from the file before"
        )
    path = own_state(config).outbox
    if not path.exists():
        print(f"no alerts are waiting: {printable(path)} does not exist yet")
        return EXIT_OK
    try:
        if args.discard is not None:
            print(_discarded(args.discard, *discard(path, args.discard)))
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
    if dead_letters:
        print("maskwatch outbox --resend puts the refused alerts back into the queue")
    return EXIT_OK


def _discarded(name: str, waited: int, refused: int) -> str:
    alerts = "1 alert" if waited == 1 else f"{waited} alerts"
    return f"output {name.translate(UNPRINTABLE)}: {alerts} that waited and {refused} that it had refused are deleted"


def _counted(receiver: str, sink: str, waiting: Iterable[str], refused: Iterable[str]) -> str:
    """Returns how many alerts wait for a receiver, and how many it refused, of the messages with these ids."""
    waits, was = (sum(sink_of(id) == sink for id in ids) for ids in (waiting, refused))
    alerts = "1 alert waits" if waits == 1 else f"{waits} alerts wait"
    return f"{alerts} for {receiver}, {'1 was' if was == 1 else f'{was} were'} refused"
