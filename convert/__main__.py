"""The command ``maskwatch-convert``: the command line, exit codes and Ctrl-C. The commands are in the rooms."""

from edge.console import checked_output, ending_at_interrupt

with ending_at_interrupt("\nstopped\n", 130):
    import argparse
    import os
    import signal
    import sys
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import contextmanager
    from types import FrameType
    from typing import NamedTuple

    from edge.addresses import printable
    from edge.errors import EdgeError, ReaderGone
    from edge.parser import Parser

    from .data import commands as data
    from .errors import DataError
    from .evaluation import blur_command, end_to_end
    from .evaluation import commands as evaluation
    from .training import commands as training

ENDED, USAGE, STOPPED = 0, 2, 130


class Command(NamedTuple):
    """One command: its help, the function that declares its arguments, and the function that runs it."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


COMMANDS = {
    "prepare": Command(
        "cut face crops as the device does, and crops without a face",
        data.add_prepare,
        data.run_prepare,
    ),
    "train": Command("train a network; after Ctrl-C the same command resumes", training.add_train, training.run_train),
    "quantize": Command(
        "convert a .keras file to a full-integer int8 .tflite model with its card",
        training.add_quantize,
        training.run_quantize,
    ),
    "evaluate": Command(
        "measure one model on face crops: figures, charts and the worst mistakes",
        evaluation.add_evaluate,
        evaluation.run_evaluate,
    ),
    "compare": Command(
        "measure two models side by side on the same pictures",
        evaluation.add_compare,
        evaluation.run_compare,
    ),
    "evaluate-scenes": Command(
        "measure detector and model on whole pictures with boxed faces",
        end_to_end.add_evaluate_scenes,
        end_to_end.run_evaluate_scenes,
    ),
    "evaluate-clips": Command(
        "count right, missed and false alerts on videos, and measure their delay",
        end_to_end.add_evaluate_clips,
        end_to_end.run_evaluate_clips,
    ),
    "evaluate-blur": Command(
        "measure how many faces are blurred beyond recognition, and how much else is blurred",
        blur_command.add_evaluate_blur,
        blur_command.run_evaluate_blur,
    ),
    "leave-one-out": Command(
        "train without each source in turn, and measure on that source",
        training.add_leave_one_out,
        training.run_leave_one_out,
    ),
    "search": Command(
        "measure sizes, widths and colours of the network against their cost",
        training.add_search,
        training.run_search,
    ),
    "card": Command(
        "write the tables and charts of a model card from the figures of other commands",
        evaluation.add_card,
        evaluation.run_card,
    ),
    "single-shot": Command(
        "write an untrained single-shot detector to compare the cost with",
        training.add_single_shot,
        training.run_single_shot,
    ),
    "bench-chart": Command(
        "draw the cost against faces, resolution and pictures per second",
        evaluation.add_bench_chart,
        evaluation.run_bench_chart,
    ),
}
RESUMING = ("train", "leave-one-out", "search")
"""Commands that resume when they are run again."""


def parser() -> Parser:
    """Builds the whole command line."""
    top = Parser(
        prog="maskwatch-convert",
        description="Makes the int8 TFLite model that maskwatch runs on the device from labelled face pictures.",
        epilog="DATA is a folder tree like DATA/train/mask/*.jpg. Without train and val folders, it is split for you.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        arguments = commands.add_parser(name, help=command.help)
        command.add_arguments(arguments)
        arguments.set_defaults(command=name, run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0 when done, 2 for unusable arguments or data, 130 after Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    args = parser().parse_args(argv)
    try:
        with noting_ctrl_c() as pressed, checked_output():
            args.run(args)
        return ENDED
    except ReaderGone:
        return ENDED
    except (DataError, EdgeError) as error:
        print(f"maskwatch-convert: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        if error.filename is None:
            raise
        print(f"maskwatch-convert: {printable(str(error.filename))}: {error.strerror}", file=sys.stderr)
        return USAGE
    except ModuleNotFoundError as error:
        cure = ".venv/bin/pip install -e '.[convert]'"
        print(f"maskwatch-convert: {error.name} is not installed: {cure}", file=sys.stderr)
        return USAGE
    except (KeyboardInterrupt, Exception) as error:
        if not isinstance(error, KeyboardInterrupt) and not pressed:
            raise
        resume = "; the same command resumes after the last finished epoch" if args.command in RESUMING else ""
        print(f"\nstopped{resume}", file=sys.stderr)
        return STOPPED


@contextmanager
def noting_ctrl_c() -> Iterator[list[int]]:
    """Yields a list that is not empty once Ctrl-C was pressed.

    NumPy and TensorFlow may replace the ``KeyboardInterrupt`` by an error of their own, with or without a trace of it.
    If Ctrl-C is ignored, it stays ignored.
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


if __name__ == "__main__":
    sys.exit(main())
