"""The command ``prepare`` of ``maskwatch-convert``."""

import argparse
import shutil
from pathlib import Path

from ..arguments import add_with_default, positive, say
from ..errors import DataError
from .lists import read_list
from .prepare import COPIES, write_tree
from .readable import readable


def add_prepare(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "list",
        type=Path,
        metavar="LIST",
        help="tab-separated list: file, source, label, box (x0,y0,x1,y1, or empty for a face crop)",
    )
    command.add_argument("--out", type=Path, required=True, metavar="DATA", help="folder for the tree of crops")
    command.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    text = "crops per face and detector in the training split"
    add_with_default(command, "--copies", text, COPIES, type=positive)
    command.add_argument(
        "--test", action="store_true", help="put all faces into the test split: one crop per detector, no drawings"
    )
    add_with_default(command, "--seed", "seed of the split and of the random crops", 0, type=int)


def run_prepare(args: argparse.Namespace) -> None:
    if args.out.exists():
        raise DataError(f"{args.out} exists already; delete it or choose another --out")
    faces, part = read_list(args.list, args.exclude), args.out.with_name(f"{args.out.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was stopped
    counts = write_tree(readable(faces), part, copies=args.copies, seed=args.seed, test=args.test)
    part.rename(args.out)
    for (split, source, label), count in sorted(counts.items()):
        say(f"{split:6} {source:16} {label:15} {count:6}")
