"""Parses command lines like argparse; its messages show no secret of the command line."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .addresses import HIDDEN, shown


class Parser(argparse.ArgumentParser):
    """``ArgumentParser`` whose messages show addresses like ``shown``, and no value of an option that it does not know.

    A password may stand on the command line by mistake, and a message may end up in a log. An empty path is an error:
    for ``Path`` it is the folder in which the command runs, which nobody means by it.
    """

    _words: Sequence[str] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("type", Path, _path)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses; notes the words for the messages."""
        self._words = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(self._words, namespace)

    def error(self, message: str) -> NoReturn:
        """Prints usage and message, and exits with code 2."""
        start, is_unknown, words = message.partition("unrecognized arguments: ")
        if is_unknown:
            for word in self._words:
                if " " in word and not word.startswith("-"):  # the message does not tell where it ends
                    words = words.replace(word, shown(word))
            super().error(start + is_unknown + _unknown(words.split(" ")))
        message = re.sub(r"(ignored explicit argument ).*", rf"\1'{HIDDEN}'", message, flags=re.DOTALL)
        parts = {word.partition("=")[2] if word.startswith("-") else word for word in self._words}
        for part in sorted(parts, key=len, reverse=True):
            if shown(part) != part:
                message = message.replace(repr(part)[1:-1], shown(part)).replace(part, shown(part))
        super().error(message)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; name a file or a folder")
    return Path(text)


def _unknown(words: Sequence[str]) -> str:
    """Returns unknown words without the values of options: ``--password``, but not what follows it."""
    known: list[str] = []
    is_value = False
    for word in words:
        if word.startswith("-"):
            known.append(re.match(r"--[A-Za-z0-9-]*|-.?", word)[0])  # type: ignore[index]
            is_value = True
        else:
            known.append(HIDDEN if is_value else shown(word))
    return " ".join(known)
