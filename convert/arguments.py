"""Declares what the arguments of several commands of ``maskwatch-convert`` share."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

SMALLEST_INPUT, LARGEST_INPUT = 32, 512
"""Limits of a network's input side, in pixels."""


def positive(text: str) -> int:
    """Parses a count. Raises ``ArgumentTypeError`` below 1."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def between(low: float, high: float) -> Callable[[str], float]:
    """Returns a parser of numbers greater than ``low`` and less than ``high``."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low
        if not low < value < high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number between {low:g} and {high:g}")
        return value

    return number


def input_side(text: str) -> int:
    """Parses a network's input side in pixels."""
    if not text.isdecimal() or not SMALLEST_INPUT <= int(text) <= LARGEST_INPUT:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {SMALLEST_INPUT} to {LARGEST_INPUT}")
    return int(text)


def add_with_default(command: argparse.ArgumentParser, name: str, text: str, default: object, **more: Any) -> None:
    """Adds an option whose help ends with its default. ``more`` goes to ``add_argument``."""
    shown = f"{default:g}" if isinstance(default, float) else default
    command.add_argument(name, default=default, help=f"{text} (default {shown})", **more)


def say(text: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Prints what is left out to standard error."""
    print(f"maskwatch-convert: {text}", file=sys.stderr, flush=True)
