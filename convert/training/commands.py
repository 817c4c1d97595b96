"""The commands ``train``, ``quantize``, ``leave-one-out``, ``search`` and ``single-shot`` of ``maskwatch-convert``."""

import argparse
from pathlib import Path

from edge.addresses import printable
from edge.faces.card import COLOURS
from edge.faces.card import EXPOSURES as CARD_EXPOSURES
from edge.faces.face import LABELS

from ..arguments import add_with_default, between, input_side, positive, say
from ..data.readable import readable
from ..data.trees import read_tree
from ..errors import DataError
from .architectures import SIZES
from .experiments import leave_one_out, search
from .quantize import quantize
from .recipe import EXPOSURES, RATES, Recipe
from .single_shot import write_single_shot
from .train import train

DEFAULTS = Recipe()
EXPERIMENT_EPOCHS = 10
"""Default epochs of the trainings of leave-one-out and search."""


def add_train(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", type=Path, metavar="DATA", help="tree of face crops")
    add_with_default(command, "--arch", "architecture", DEFAULTS.arch, choices=tuple(SIZES))
    command.add_argument("--out", type=Path, required=True, metavar="FILE.keras", help="the trained network")
    text = "epochs without a lower validation loss before training stops"
    add_with_default(command, "--patience", text, DEFAULTS.patience, type=positive)
    command.add_argument("--init", default=DEFAULTS.init, metavar="FILE.keras", help="trained network to start from")
    command.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    add_with_default(command, "--width", "factor on the channels of lean", DEFAULTS.width, type=between(0, 10))
    add_with_default(command, "--colour", "colours of the network's input", DEFAULTS.colour, choices=COLOURS)
    text = f"exposure of the crops (default: {_per_architecture(EXPOSURES)})"
    command.add_argument("--exposure", choices=CARD_EXPOSURES, help=text)
    _add_recipe(command, epochs=DEFAULTS.epochs)


def _add_recipe(command: argparse.ArgumentParser, epochs: int) -> None:
    """Adds the options of every command that trains."""
    command.add_argument("--labels", nargs="+", choices=LABELS, help="use only these labels (default: all in DATA)")
    add_with_default(command, "--epochs", "maximum number of epochs", epochs, type=positive)
    text = "share of training crops without simulated light and camera faults"
    add_with_default(command, "--clean", text, DEFAULTS.clean, type=between(0, 1))
    text = f"side of the network's input in pixels (default: {_per_architecture(SIZES)})"
    command.add_argument("--size", type=input_side, default=DEFAULTS.size, help=text)
    add_with_default(command, "--batch", "pictures per batch", DEFAULTS.batch, type=positive)
    text = f"first learning rate (default: {_per_architecture(RATES)})"
    command.add_argument("--rate", type=between(0, 1), help=text)
    text = "train on N pictures only (default: all of them)"
    command.add_argument("--subset", type=positive, default=DEFAULTS.subset, metavar="N", help=text)
    add_with_default(command, "--seed", "seed of split, weights and views", DEFAULTS.seed, type=int)


def _per_architecture(values: dict[str, int] | dict[str, float] | dict[str, str]) -> str:
    return ", ".join(f"{arch} {value}" for arch, value in values.items())


def recipe_of(args: argparse.Namespace) -> Recipe:
    """Returns the recipe that the options describe. Settings without an option in this command keep their default."""
    arch = getattr(args, "arch", DEFAULTS.arch)
    given = {name: value for name, value in vars(args).items() if name in Recipe.__dataclass_fields__}
    given |= {"arch": arch, "rate": args.rate or RATES[arch]}
    given |= {"exposure": getattr(args, "exposure", None) or EXPOSURES[arch]}
    given["exclude"] = tuple(getattr(args, "exclude", ()) or getattr(args, "held_out", ()))
    return Recipe(**given)


def run_train(args: argparse.Namespace) -> None:
    if args.out.suffix != ".keras":
        raise DataError(f"--out {printable(args.out)}: the file name must end in .keras")
    samples = [sample for sample in read_tree(args.data) if not args.labels or sample.label in args.labels]
    out = train(readable(samples), recipe_of(args), args.out, say)
    say(f"wrote {out}, {out.with_suffix('.labels.json').name} and the learning curves {out.with_suffix('.png').name}")


def add_quantize(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", type=Path, metavar="FILE.keras", help="a network that train wrote")
    text = "the tree that it was trained on: the calibration set comes from its training split"
    command.add_argument("--data", type=Path, required=True, metavar="DATA", help=text)
    text = "the model; its card is written beside it"
    command.add_argument("--out", type=Path, required=True, metavar="models/NAME.tflite", help=text)
    text = "more trees whose figures the card gets"
    command.add_argument("--test", type=Path, nargs="*", default=[], metavar="DATA", help=text)
    text = "what users of the model must know, such as its limits and the data's licences"
    command.add_argument("--note", default="", help=text)


def run_quantize(args: argparse.Namespace) -> None:
    card = quantize(args.model, args.data, args.out, args.test, args.note)
    say(f"wrote {args.out} ({args.out.stat().st_size / 1000:.0f} kB) and its card {card}")


def add_leave_one_out(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", type=Path, metavar="DATA", help="tree of face crops from two or more sources")
    _add_experiment(command)


def _add_experiment(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", type=Path, required=True, metavar="FILE.json", help="the figures; models are written beside it"
    )
    _add_recipe(command, epochs=EXPERIMENT_EPOCHS)


def run_leave_one_out(args: argparse.Namespace) -> None:
    leave_one_out(args.data, recipe_of(args), args.out, args.labels or LABELS, say)
    say(f"wrote {args.out}")


def add_search(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", type=Path, metavar="DATA", help="tree of face crops")
    command.add_argument(
        "--held-out", nargs="+", required=True, metavar="SOURCE", help="sources that measure and do not train"
    )
    _add_experiment(command)


def run_search(args: argparse.Namespace) -> None:
    search(args.data, recipe_of(args), args.out, args.labels or LABELS, say)
    say(f"wrote {args.out}")


def add_single_shot(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, required=True, metavar="FILE.tflite", help="for maskwatch bench --compare")


def run_single_shot(args: argparse.Namespace) -> None:
    say(f"wrote {args.out}: {write_single_shot(args.out):,} random weights, for measuring its cost only")
