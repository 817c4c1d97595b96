"""The command line of ``maskwatch-convert``: what may be said, and the help that explains it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.faces.card import COLOURS, EXPOSURES
from edge.faces.face import LABELS

from .data.conditions import CONDITIONS
from .data.drawings import LABELS as DRAWN


def positive(text: str) -> int:
    """An argument that counts something."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def between(low: float, high: float) -> Callable[[str], float]:
    """An argument that is a number greater than ``low`` and less than ``high``."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low
        if not low < value < high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number between {low:g} and {high:g}")
        return value

    return number


def side(text: str) -> int:
    """A network's input side in pixels."""
    if not text.isdecimal() or not 32 <= int(text) <= 512:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 32 to 512")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The whole command line, with help a newcomer understands."""
    top = argparse.ArgumentParser(
        prog="maskwatch-convert",
        description="From labelled face pictures to the int8 TFLite model that maskwatch runs on the device.",
        epilog="DATA is a folder tree like DATA/train/mask/*.jpg; without train and val folders it is split for you.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _prepare,
        _train,
        _quantize,
        _evaluate,
        _compare,
        _scenes,
        _clips,
        _leave_one_out,
        _search,
        _card,
        _shot,
        _chart,
    ):
        add(commands)
    return top


def _prepare(commands: Any) -> None:
    command = commands.add_parser("prepare", help="cut face crops the way the device does, and mine false faces")
    command.add_argument("list", type=Path, help="tab-separated list: file, source, label, box x0,y0,x1,y1 (or empty)")
    command.add_argument("--out", type=Path, required=True, metavar="DATA", help="folder for the tree of crops")
    command.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    command.add_argument("--copies", type=positive, default=2, help="crops a face in the training part (default 2)")
    command.add_argument("--test", action="store_true", help="all of it is to test on: one crop a face, none drawn")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(command="prepare")


def _train(commands: Any) -> None:
    command = commands.add_parser("train", help="train a network; Ctrl-C and the same command again go on")
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument("--arch", choices=("lean", "article"), default="lean", help="network (default lean)")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.keras")
    command.add_argument(
        "--patience", type=positive, default=16, help="epochs without gain until it stops (default 16)"
    )
    command.add_argument("--init", default="", metavar="FILE.keras", help="start from a trained network")
    command.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    command.add_argument("--width", type=between(0, 10), default=1.0, help="channels of lean, times this (default 1)")
    command.add_argument("--colour", choices=COLOURS, default="rgb", help="what the network sees (default rgb)")
    command.add_argument("--exposure", choices=EXPOSURES, help="of a crop (default: lean face, article camera)")
    _recipe(command, epochs=45)
    command.set_defaults(command="train")


def _recipe(command: argparse.ArgumentParser, epochs: int) -> None:
    """What every training takes."""
    command.add_argument("--labels", nargs="+", choices=LABELS, help="use only these labels (default: all in DATA)")
    command.add_argument("--epochs", type=positive, default=epochs, help=f"at most so many (default {epochs})")
    command.add_argument(
        "--clean",
        type=between(0, 1),
        default=0.4,
        help="mean share of views without faults of light (default 0.4)",
    )
    command.add_argument("--size", type=side, default=0, help="input side, pixels (default: lean 96, article 150)")
    command.add_argument("--batch", type=positive, default=128)
    command.add_argument("--rate", type=between(0, 1), help="first learning rate (default: lean 0.003, article 0.0005)")
    command.add_argument("--subset", type=positive, default=0, metavar="N", help="train on N pictures only")
    command.add_argument("--seed", type=int, default=0)


def _quantize(commands: Any) -> None:
    command = commands.add_parser("quantize", help="full-integer int8 .tflite with its card, from a .keras file")
    command.add_argument("model", type=Path, metavar="FILE.keras")
    command.add_argument(
        "--data", type=Path, required=True, metavar="DATA", help="representative pictures: its train part"
    )
    command.add_argument("--out", type=Path, required=True, metavar="models/NAME.tflite")
    command.add_argument("--test", type=Path, nargs="*", default=[], metavar="DATA", help="held-out trees for the card")
    command.add_argument("--note", default="", help="what users of the model must know: licences of the data, limits")
    command.set_defaults(command="quantize")


def _evaluate(commands: Any) -> None:
    command = commands.add_parser("evaluate", help="figures, charts and worst mistakes of one model")
    command.add_argument("model", type=Path, metavar="MODEL", help=".tflite or .keras")
    command.add_argument("data", type=Path, metavar="DATA", help="tree of face crops; its test part if it has one")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write confusion.png, threshold.png, mistakes.jpg, report.json"
    )
    command.set_defaults(command="evaluate")


def _compare(commands: Any) -> None:
    command = commands.add_parser("compare", help="two models side by side on the same pictures")
    command.add_argument("a", type=Path, metavar="A")
    command.add_argument("b", type=Path, metavar="B")
    command.add_argument("--data", type=Path, required=True, metavar="DATA")
    command.set_defaults(command="compare")


def _scenes(commands: Any) -> None:
    command = commands.add_parser("evaluate-scenes", help="end to end on whole pictures with boxed faces")
    command.add_argument("model", type=Path, metavar="MODEL", help=".tflite or .keras")
    command.add_argument("list", type=Path, help="tab-separated list: file, source, label, x0, y0, x1, y1")
    command.add_argument("--min-face", type=positive, default=40, help="smallest face, pixels (default 40)")
    command.add_argument("--draw", choices=list(DRAWN), default="", help="judge the bare faces with this drawn on them")
    _end_to_end(command)
    command.set_defaults(command="evaluate-scenes")


def _clips(commands: Any) -> None:
    command = commands.add_parser("evaluate-clips", help="alerts right, missed and false on videos, and their delay")
    command.add_argument("model", type=Path, metavar="MODEL", help=".tflite or .keras")
    command.add_argument("list", type=Path, help="clips.json: what happens when in each video")
    command.add_argument("--min-face", type=positive, default=48, help="smallest face, pixels (default 48)")
    command.add_argument("--every-picture", action="store_true", help="search all of every picture (detect.gate off)")
    command.add_argument("--sweep", action="store_true", help="also try other thresholds, and say what each costs")
    _end_to_end(command)
    command.set_defaults(command="evaluate-clips")


def _end_to_end(command: argparse.ArgumentParser) -> None:
    """What the two end-to-end evaluations share."""
    command.add_argument("--detector", choices=("haar", "yunet"), default="haar", help="who finds the faces")
    command.add_argument(
        "--condition", nargs="+", choices=list(CONDITIONS), default=["plain"], help="what a door does to the pictures"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.OPTION=VALUE",
        help="an option of the device's, for example detect.scale_step=1.2; may be given again",
    )
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there")


def _leave_one_out(commands: Any) -> None:
    command = commands.add_parser("leave-one-out", help="train without each source in turn, and test on it")
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="figures; models lie beside it")
    _recipe(command, epochs=10)
    command.set_defaults(command="leave-one-out")


def _search(commands: Any) -> None:
    command = commands.add_parser("search", help="sizes, widths and colours of the network against their cost")
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument("--held-out", nargs="+", required=True, metavar="SOURCE", help="sources to test on only")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="figures; models lie beside it")
    _recipe(command, epochs=10)
    command.set_defaults(command="search")


def _card(commands: Any) -> None:
    command = commands.add_parser("card", help="the model card's tables and charts, from the figures of the others")
    command.add_argument("figures", type=Path, help="folder of .json files that evaluate-scenes and others wrote")
    command.add_argument("--page", type=Path, required=True, metavar="README.md", help="its marked blocks are renewed")
    command.set_defaults(command="card")


def _shot(commands: Any) -> None:
    command = commands.add_parser("single-shot", help="an untrained single-shot detector, to compare the cost with")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.tflite", help="for maskwatch bench --compare")
    command.set_defaults(command="single-shot")


def _chart(commands: Any) -> None:
    command = commands.add_parser("bench-chart", help="cost against faces, resolution and pictures a second")
    command.add_argument("figures", type=Path, metavar="FILE.json", help="written by maskwatch bench --scale --out")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    command.set_defaults(command="bench-chart")
