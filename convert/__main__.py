"""The command ``maskwatch-convert``: from labelled pictures to a judged int8 model."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edge.classify import COLOURS, EXPOSURES, LABELS
from edge.errors import EdgeError

from .conditions import CONDITIONS
from .data import DataError

if TYPE_CHECKING:
    from edge.detect import Detector


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 0 done, 2 unusable arguments or data, 130 stopped by Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except (DataError, EdgeError) as error:
        print(f"maskwatch-convert: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"maskwatch-convert: {error.name} is not installed; pip install 'maskwatch[convert]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from the last finished epoch" if args.run is run_train else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130


def positive(text: str) -> int:
    """An argument that counts something."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def rate(text: str) -> float:
    """A learning rate."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def parser() -> argparse.ArgumentParser:
    """The whole command line, with help a newcomer understands."""
    top = argparse.ArgumentParser(
        prog="maskwatch-convert",
        description="From labelled face pictures to the int8 TFLite model that maskwatch runs on the device.",
        epilog="DATA is a folder tree like DATA/train/mask/*.jpg; without train and val folders it is split for you.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (_prepare, _train, _quantize, _evaluate, _compare, _scenes, _clips):
        add(commands)
    return top


def _prepare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("prepare", help="cut face crops the way the device does, and mine false faces")
    command.add_argument("list", type=Path, help="tab-separated list: file, source, label, box x0,y0,x1,y1 (or empty)")
    command.add_argument("--out", type=Path, required=True, metavar="DATA", help="folder for the tree of crops")
    command.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    command.add_argument("--copies", type=positive, default=2, help="crops a face in the training part (default 2)")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=run_prepare)


def run_prepare(args: argparse.Namespace) -> int:
    from .prepare import read_list, write_tree

    if args.out.exists():
        raise DataError(f"{args.out} exists already; delete it or choose another --out")
    counts = write_tree(read_list(args.list, args.exclude), args.out, copies=args.copies, seed=args.seed)
    for (split, source, label), count in sorted(counts.items()):
        print(f"{split:6} {source:12} {label:15} {count:6}")
    return 0


def _train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("train", help="train a network; Ctrl-C and the same command again go on")
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument("--arch", choices=("lean", "article"), default="lean", help="network (default lean)")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.keras")
    command.add_argument("--labels", nargs="+", choices=LABELS, help="use only these labels (default: all in DATA)")
    command.add_argument("--epochs", type=positive, default=60, help="at most so many (default 60)")
    command.add_argument(
        "--patience", type=positive, default=16, help="epochs without gain until it stops (default 16)"
    )
    command.add_argument("--init", default="", metavar="FILE.keras", help="start from a trained network")
    command.add_argument("--clean", type=float, default=0.4, help="mean share of pictures kept without faults of light")
    command.add_argument("--exclude", nargs="*", default=[], metavar="SOURCE", help="sources to leave out")
    command.add_argument(
        "--size", type=positive, default=0, help="input side in pixels (default: lean 64, article 150)"
    )
    command.add_argument("--width", type=float, default=1.0, help="channels of lean, times this (default 1)")
    command.add_argument("--colour", choices=COLOURS, default="rgb", help="what the network sees (default rgb)")
    command.add_argument("--exposure", choices=EXPOSURES, help="of a crop (default: lean face, article camera)")
    command.add_argument("--batch", type=positive, default=64)
    command.add_argument("--rate", type=rate, help="first learning rate (default: lean 0.002, article 0.0005)")
    command.add_argument("--subset", type=positive, default=0, metavar="N", help="train on N pictures only")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=run_train)


def run_train(args: argparse.Namespace) -> int:
    from .data import read_tree
    from .train import Recipe, train

    if args.out.suffix != ".keras":
        raise DataError(f"--out {args.out}: the file name must end in .keras")
    samples = [s for s in read_tree(args.data) if not args.labels or s.label in args.labels]
    first_rate = args.rate or {"lean": 2e-3, "article": 5e-4}[args.arch]
    recipe = Recipe(
        args.arch, args.epochs, args.batch, args.patience, first_rate, args.seed, args.subset, args.clean, args.init,
        tuple(args.exclude), args.size, args.width, args.colour,
        args.exposure or {"lean": "face", "article": "camera"}[args.arch],
    )  # fmt: skip
    out = train(samples, recipe, args.out, say=lambda text: print(text, flush=True))
    print(f"wrote {out}, {out.with_suffix('.labels.json').name} and the curves {out.with_suffix('.png').name}")
    return 0


def _quantize(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("quantize", help="full-integer int8 .tflite with its card, from a .keras file")
    command.add_argument("model", type=Path, metavar="FILE.keras")
    command.add_argument(
        "--data", type=Path, required=True, metavar="DATA", help="representative pictures: its train part"
    )
    command.add_argument("--out", type=Path, required=True, metavar="models/NAME.tflite")
    command.add_argument("--test", type=Path, nargs="*", default=[], metavar="DATA", help="held-out trees for the card")
    command.add_argument("--note", default="", help="what users of the model must know: licences of the data, limits")
    command.set_defaults(run=run_quantize)


def run_quantize(args: argparse.Namespace) -> int:
    from .quantize import quantize

    card = quantize(args.model, args.data, args.out, args.test, args.note)
    print(f"wrote {args.out} ({args.out.stat().st_size / 1000:.0f} kB) and its card {card}")
    return 0


def _evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("evaluate", help="figures, charts and worst mistakes of one model")
    command.add_argument("model", type=Path, metavar="MODEL", help=".tflite or .keras")
    command.add_argument("data", type=Path, metavar="DATA", help="tree of face crops; its test part if it has one")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write confusion.png, threshold.png, mistakes.jpg, report.json"
    )
    command.set_defaults(run=run_evaluate)


def run_evaluate(args: argparse.Namespace) -> int:
    from .charts import pictures
    from .evaluate import evaluate, held_out, open_network, table

    report = evaluate(open_network(args.model), held_out(args.data))
    print(table(report))
    if args.out:
        for path in pictures(report, args.out):
            print(f"wrote {path}")
    return 0


def _compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("compare", help="two models side by side on the same pictures")
    command.add_argument("a", type=Path, metavar="A")
    command.add_argument("b", type=Path, metavar="B")
    command.add_argument("--data", type=Path, required=True, metavar="DATA")
    command.set_defaults(run=run_compare)


def run_compare(args: argparse.Namespace) -> int:
    from .evaluate import compare, held_out, open_network

    print(compare(open_network(args.a), open_network(args.b), held_out(args.data)))
    return 0


def _end_to_end(command: argparse.ArgumentParser) -> None:
    """What the two end-to-end evaluations share."""
    command.add_argument("--detector", choices=("haar", "yunet"), default="haar", help="who finds the faces")
    command.add_argument("--min-face", type=positive, default=0, help="smallest face in pixels (scenes 40, clips 48)")
    command.add_argument("--condition", nargs="+", choices=list(CONDITIONS), default=["plain"], help="what a door adds")
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there")


def _detector(args: argparse.Namespace, least: int) -> "Detector":
    from edge.config import Detect
    from edge.detectors import open_detector

    return open_detector(Detect(detector=args.detector, min_face=args.min_face or least))


def _written(figures: object, out: Path | None) -> None:
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        print(f"wrote {out}")


def _scenes(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("evaluate-scenes", help="end to end on whole pictures with boxed faces")
    command.add_argument("model", type=Path, metavar="MODEL", help=".tflite or .keras")
    command.add_argument("list", type=Path, help="tab-separated list: file, source, label, x0, y0, x1, y1")
    _end_to_end(command)
    command.set_defaults(run=run_scenes)


def run_scenes(args: argparse.Namespace) -> int:
    from edge.classify import MaskClassifier

    from .evaluate import open_network
    from .scene_report import SceneReport, summary, table
    from .scenes import LEAST, detections, judge, read_scenes

    scenes, least = read_scenes(args.list), args.min_face or LEAST
    classifier, detector = MaskClassifier(open_network(args.model)), _detector(args, least)
    figures = {}
    for how in args.condition:
        looked, seconds = [], 0.0
        for found in detections(scenes, detector, how):
            looked.append(judge(found, classifier, least))
            seconds += found.seconds
        report = SceneReport(looked)
        title = f"{classifier.card.id}, {args.detector}, {how}, faces from {least} px, "
        print(table(report, title + f"detection {1000 * seconds / len(scenes):.1f} ms a picture") + "\n")
        figures[how] = summary(report)
    _written({"model": classifier.card.id, "detector": args.detector, "conditions": figures}, args.out)
    return 0


def _clips(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("evaluate-clips", help="alerts right, missed and false on videos, and their delay")
    command.add_argument("model", type=Path, metavar="MODEL", help=".tflite or .keras")
    command.add_argument("list", type=Path, help="clips.json: what happens when in each video")
    _end_to_end(command)
    command.add_argument("--sweep", action="store_true", help="also try other thresholds, and say what each costs")
    command.set_defaults(run=run_clips)


def run_clips(args: argparse.Namespace) -> int:
    from edge.classify import MaskClassifier
    from edge.config import Decide, Detect

    from . import clips
    from .evaluate import open_network

    classifier, detector = MaskClassifier(open_network(args.model)), _detector(args, Detect().min_face)
    counted = [clip for clip in clips.read_clips(args.list) if clip.allowed is not None]
    watched = [clips.watch(clip, detector, classifier, how) for how in args.condition for clip in counted]
    outcomes = [clips.score(each, clips.replay(each.frames, Decide())) for each in watched]
    print(f"{classifier.card.id}, {args.detector}\n" + clips.table(outcomes))
    figures: dict[str, object] = {"model": classifier.card.id, "detector": args.detector}
    figures["outcomes"] = [asdict(outcome) for outcome in outcomes]
    if args.sweep:
        trials = clips.sweep(watched, Decide())
        figures["false_cost_s"], figures["thresholds"] = clips.FALSE_COST, [asdict(trial) for trial in trials]
        print(f"\n{clips.sweep_table(trials)}")
    _written(figures, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
