"""The commands ``evaluate``, ``compare``, ``card`` and ``bench-chart`` of ``maskwatch-convert``."""

import argparse
from pathlib import Path

from ..arguments import say
from ..data.splits import held_out
from .bench_chart import draw_scale
from .charts import write_report
from .compare import compare
from .crops import evaluate, table
from .model_card import renew
from .networks import open_network, training_record


def add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", type=Path, metavar="MODEL", help="a .tflite or .keras model")


def add_evaluate(command: argparse.ArgumentParser) -> None:
    add_model(command)
    command.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="tree of face crops: its test split, else its validation split, else all that did not train the model",
    )
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write report.json, confusion.png, threshold.png and mistakes.jpg there"
    )


def run_evaluate(args: argparse.Namespace) -> None:
    network = open_network(args.model)
    report = evaluate(network, held_out(args.data, [training_record(args.model)]))
    say(table(report))
    if args.out:
        for path in write_report(report, args.out):
            say(f"wrote {path}")


def add_compare(command: argparse.ArgumentParser) -> None:
    command.add_argument("a", type=Path, metavar="A", help="a .tflite or .keras model")
    command.add_argument("b", type=Path, metavar="B", help="another one")
    command.add_argument("--data", type=Path, required=True, metavar="DATA", help="tree of face crops, as for evaluate")


def run_compare(args: argparse.Namespace) -> None:
    a, b = open_network(args.a), open_network(args.b)
    say(compare(a, b, held_out(args.data, [training_record(args.a), training_record(args.b)])))


def add_card(command: argparse.ArgumentParser) -> None:
    text = "folder of .json files that other commands wrote with --out"
    command.add_argument("figures", type=Path, metavar="FIGURES", help=text)
    command.add_argument(
        "--page", type=Path, required=True, metavar="README.md", help="the page whose marked blocks are written anew"
    )


def run_card(args: argparse.Namespace) -> None:
    for path in renew(args.figures, args.page):
        say(f"wrote {path}")


def add_bench_chart(command: argparse.ArgumentParser) -> None:
    command.add_argument("figures", type=Path, metavar="FILE.json", help="written by maskwatch bench --scale --out")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the chart")


def run_bench_chart(args: argparse.Namespace) -> None:
    draw_scale(args.figures, args.out)
    say(f"wrote {args.out}")
