"""The command ``maskwatch-convert``: from labelled pictures to a judged int8 model. ``cli`` says what may be said."""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from edge.errors import EdgeError
from edge.faces.face import LABELS

from .cli import parser
from .data.trees import DataError, write_json

if TYPE_CHECKING:
    from edge.config.schema import Config

    from .training.train import Recipe


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 0 done, 2 unusable arguments or data, 130 stopped by Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    args = parser().parse_args(argv)
    try:
        with ctrl_c() as pressed:
            COMMANDS[args.command](args)
        return 0
    except (DataError, EdgeError) as error:
        print(f"maskwatch-convert: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"maskwatch-convert: {error.name} is not installed; pip install 'maskwatch[convert]'", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Exception) as error:
        if not isinstance(error, KeyboardInterrupt) and not pressed:
            raise
        trains = args.command in ("train", "leave-one-out", "search")
        goes_on = "; the same command goes on from the last finished epoch" if trains else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130


@contextmanager
def ctrl_c() -> Iterator[list[int]]:
    """Notes a Ctrl-C before Python raises it: NumPy and TensorFlow, when it comes at the wrong moment, raise errors of
    their own instead, with or without a trace of it. Where Ctrl-C is ignored it stays so.
    """
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def say(text: str) -> None:
    print(text, flush=True)


def written(figures: object, out: Path | None) -> None:
    if out:
        write_json(out, figures)
        say(f"wrote {out}")


def run_prepare(args: argparse.Namespace) -> None:
    from .data.prepare import read_list, write_tree

    if args.out.exists():
        raise DataError(f"{args.out} exists already; delete it or choose another --out")
    rows, part = read_list(args.list, args.exclude), args.out.with_name(f"{args.out.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was stopped: a half tree must not look like a whole one
    counts = write_tree(rows, part, copies=args.copies, seed=args.seed, test=args.test)
    part.rename(args.out)
    for (split, source, label), count in sorted(counts.items()):
        say(f"{split:6} {source:16} {label:15} {count:6}")


def recipe_of(args: argparse.Namespace) -> "Recipe":
    """The recipe that the options of a training describe; what a command has no option for stays as it is."""
    from .training.train import Recipe

    arch = getattr(args, "arch", "lean")
    given = {name: value for name, value in vars(args).items() if name in Recipe.__dataclass_fields__}
    given |= {"arch": arch, "rate": args.rate or {"lean": 3e-3, "article": 5e-4}[arch]}
    given |= {"exposure": getattr(args, "exposure", None) or {"lean": "face", "article": "camera"}[arch]}
    given["exclude"] = tuple(getattr(args, "exclude", ()) or getattr(args, "held_out", ()))
    return Recipe(**given)


def run_train(args: argparse.Namespace) -> None:
    from .data.trees import read_tree
    from .training.train import train

    if args.out.suffix != ".keras":
        raise DataError(f"--out {args.out}: the file name must end in .keras")
    samples = [s for s in read_tree(args.data) if not args.labels or s.label in args.labels]
    out = train(samples, recipe_of(args), args.out, say=say)
    say(f"wrote {out}, {out.with_suffix('.labels.json').name} and the curves {out.with_suffix('.png').name}")


def run_quantize(args: argparse.Namespace) -> None:
    from .training.quantize import quantize

    card = quantize(args.model, args.data, args.out, args.test, args.note)
    say(f"wrote {args.out} ({args.out.stat().st_size / 1000:.0f} kB) and its card {card}")


def run_evaluate(args: argparse.Namespace) -> None:
    from .evaluation.charts import pictures
    from .evaluation.crops import evaluate, held_out, open_network, table

    report = evaluate(open_network(args.model), held_out(args.data))
    say(table(report))
    if args.out:
        for path in pictures(report, args.out):
            say(f"wrote {path}")


def run_compare(args: argparse.Namespace) -> None:
    from .evaluation.crops import compare, held_out, open_network

    say(compare(open_network(args.a), open_network(args.b), held_out(args.data)))


def end_to_end(args: argparse.Namespace, config: "Config") -> tuple[Any, Any]:
    """Classifier and detector as the device would open them."""
    from edge.faces.classifier import MaskClassifier
    from edge.faces.opening import open_detector

    from .evaluation.crops import open_network

    return MaskClassifier(open_network(args.model), reject=config.classify.reject), open_detector(config.detect)


def configured(args: argparse.Namespace) -> "Config":
    """The device's configuration that an evaluation asks for."""
    from edge.config.edit import parse
    from edge.config.load import build

    own = {"detector": args.detector, "min_face": args.min_face}
    return build(("command line", {"detect": own}), ("--set", parse(args.set)))


def run_scenes(args: argparse.Namespace) -> None:
    from .evaluation.scene_report import SceneReport, summary, table
    from .evaluation.scenes import detections, judge, read_scenes

    config = configured(args)
    scenes, (classifier, detector) = read_scenes(args.list), end_to_end(args, config)
    figures = {}
    for how in args.condition:
        looked, seconds = [], 0.0
        for found in detections(scenes, detector, how, args.draw):
            looked.append(judge(found, classifier, config.detect.min_face))
            seconds += found.seconds
        report, spent = SceneReport(looked, reject=config.classify.reject), 1000 * seconds / len(scenes)
        title = f"{classifier.card.id}, {config.detect.detector}, {how}, faces from {config.detect.min_face} px"
        title += f" with {args.draw} drawn on bare ones" if args.draw else ""
        say(table(report, f"{title}, detection {spent:.1f} ms a picture") + "\n")
        figures[how] = summary(report) | {"detect_ms": round(spent, 2)}
    about = {"model": classifier.card.id, "detector": config.detect.detector, "drawing": args.draw}
    written(about | {"conditions": figures}, args.out)


def run_clips(args: argparse.Namespace) -> None:
    from .evaluation import clips

    config = configured(args)
    config = replace(config, detect=replace(config.detect, gate=config.detect.gate and not args.every_picture))
    classifier, detector = end_to_end(args, config)
    counted = [clip for clip in clips.read_clips(args.list) if clip.allowed is not None]
    watched = [clips.watch(clip, detector, classifier, config, how) for how in args.condition for clip in counted]
    outcomes = [clips.score(each, clips.replay(each.frames, config)) for each in watched]
    say(f"{classifier.card.id}, {config.detect.detector}\n" + clips.table(outcomes))
    figures: dict[str, object] = {
        "model": classifier.card.id,
        "detector": config.detect.detector,
        "gate": config.detect.gate,
    }
    figures["outcomes"] = [asdict(outcome) for outcome in outcomes]
    if args.sweep:
        trials = clips.sweep(watched, config)
        figures["false_cost_s"], figures["thresholds"] = clips.FALSE_COST, [asdict(trial) for trial in trials]
        say(f"\n{clips.sweep_table(trials, config.decide.threshold)}")
    written(figures, args.out)


def run_leave_one_out(args: argparse.Namespace) -> None:
    from .training.experiments import leave_one_out

    leave_one_out(args.data, recipe_of(args), args.out, args.labels or LABELS, say)
    say(f"wrote {args.out}")


def run_search(args: argparse.Namespace) -> None:
    from .training.experiments import search

    search(args.data, recipe_of(args), args.out, args.labels or LABELS, say)
    say(f"wrote {args.out}")


def run_card(args: argparse.Namespace) -> None:
    from .evaluation.model_card import renew

    for path in renew(args.figures, args.page):
        say(f"wrote {path}")


def run_single_shot(args: argparse.Namespace) -> None:
    from .training.single_shot import write

    say(f"wrote {args.out}: {write(args.out):,} random weights, good for its time and nothing else")


def run_bench_chart(args: argparse.Namespace) -> None:
    from .evaluation.bench_chart import draw

    draw(args.figures, args.out)
    say(f"wrote {args.out}")


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "prepare": run_prepare,
    "train": run_train,
    "quantize": run_quantize,
    "evaluate": run_evaluate,
    "compare": run_compare,
    "evaluate-scenes": run_scenes,
    "evaluate-clips": run_clips,
    "single-shot": run_single_shot,
    "bench-chart": run_bench_chart,
    "leave-one-out": run_leave_one_out,
    "search": run_search,
    "card": run_card,
}

if __name__ == "__main__":
    sys.exit(main())
