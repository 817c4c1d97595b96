"""``maskwatch purge``: deletes snapshots."""

import argparse

from ..addresses import printable
from ..monitor.retention import purge, purge_all, trusted_time
from .arguments import EXIT_OK, add_device_option, load_config, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--all", action="store_true", help="delete every snapshot, not only old ones")


def run(args: argparse.Namespace) -> int:
    """Deletes the snapshots that are too old or too many, or all of them."""
    config = load_config(args)
    folder = own_state(config).snapshots
    if not folder.is_dir():
        print(f"no snapshots: the folder {printable(folder)} does not exist")
        return EXIT_OK
    now = trusted_time()
    count = purge_all(folder) if args.all else purge(folder, config.snapshots, now)
    print(f"{count} snapshots deleted from {folder}")
    if not args.all and now is None:
        print("the clock is not synchronized: no snapshot was deleted for its age; see `timedatectl`")
    return EXIT_OK
