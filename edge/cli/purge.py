"""``maskwatch purge``: Deletes snapshots."""

import argparse

from ..monitor.snapshots import purge, purge_all
from ..monitor.state import state_files
from .arguments import ENDED, configured, name_device


def add_arguments(command: argparse.ArgumentParser) -> None:
    name_device(command)
    command.add_argument("--all", action="store_true", help="delete every one")


def run(args: argparse.Namespace) -> int:
    config = configured(args)
    folder = state_files(config).snapshots
    if not folder.is_dir():
        print(f"no pictures: there is no folder {folder}")
        return ENDED
    count = purge_all(folder) if args.all else purge(folder, config.snapshots)
    print(f"{count} pictures deleted from {folder}")
    return ENDED
