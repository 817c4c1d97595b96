"""Declares the types of arguments that several commands of ``maskwatch-convert`` take."""

import argparse
from collections.abc import Callable

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


def say(text: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(text, flush=True)
