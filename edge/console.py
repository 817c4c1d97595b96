"""What both commands share at the terminal: Ctrl-C while modules are imported, and a standard output that fails.

This module is imported first, and imports little: until then Ctrl-C shows a traceback.
"""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

from .errors import FileError, ReaderGone

INTERRUPTED = "\nmaskwatch: interrupted\n"


@contextmanager
def ending_at_interrupt(text: str, code: int) -> Iterator[None]:
    """Ends the process at once, with a text and an exit code, if Ctrl-C is pressed in the block.

    For blocks that import modules: an exception there can be shown as a traceback, replaced by another one, or
    swallowed. If Ctrl-C is ignored, it stays ignored.
    """

    def end(number: int, frame: FrameType | None) -> None:
        os.write(2, text.encode())
        os._exit(code)

    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, end)
    except ValueError:  # not in the main thread, which alone gets signals
        pass
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is end:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def checked_output() -> Iterator[None]:
    """Lets standard output take any text, and raises ``FileError`` if it cannot take the text of the block.

    What the encoding of the terminal does not have, such as the bytes of a file name, is escaped. A reader that has
    ended raises ``ReaderGone``.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    out = sys.stdout
    if out is None:  # closed by the shell
        yield
        return
    checked: Any = CheckedStream(out)
    sys.stdout = checked
    try:
        yield
    finally:
        sys.stdout = out
        checked.flush()


class CheckedStream:
    """Writes to a text stream; turns its ``OSError`` into ``FileError`` or ``ReaderGone``.

    What waits in the stream is then discarded. Python would try to write that again at its end, and show a traceback.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)

    def write(self, text: str) -> int:
        with self._checked():
            return self._out.write(text)

    def flush(self) -> None:
        with self._checked():
            self._out.flush()

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._out.fileno())
            os.close(null)
            if isinstance(error, BrokenPipeError):
                raise ReaderGone("the program that reads standard output has ended") from error
            raise FileError(f"standard output cannot be written: {error.strerror}") from error
