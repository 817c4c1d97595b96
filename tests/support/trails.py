"""Audit trails, and commands that read and write them."""

import io
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from support import until

from edge.__main__ import parser
from edge.config.schema import Config
from edge.monitor.auditing import Auditing
from edge.monitor.state import StateFiles
from edge.record.audit_reading import entries, faults_of_chain, read_lines

DEFAULTS = Config()


def command(*words: str) -> tuple[int, str]:
    """A command in this process, which costs less; returns its exit code and what it prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        args = parser(words[0]).parse_args(words)
        code = args.run(args)
    return code, out.getvalue()


def trail(folder: Path) -> list[dict[str, Any]]:
    """What the trail of a state folder says; it is whole."""
    lines = read_lines(folder / "audit.jsonl")
    assert list(faults_of_chain(lines)) == []
    return list(entries(lines))


def opened(files: StateFiles, used: Config = DEFAULTS, model: str = "mask@1") -> Auditing:
    """A trail of a door, after its line about the start."""
    made = Auditing(files, used, model, lambda text: None)
    until(lambda: not writes(), "the start is noted")
    return made


def writes() -> bool:
    return any(thread.name == "audit" for thread in threading.enumerate())


def started(files: StateFiles, used: Config = DEFAULTS, model: str = "mask@1") -> list[dict[str, Any]]:
    """Starts and ends once; returns the trail."""
    opened(files, used, model).close(60)
    return trail(files.folder)


def whats(found: list[dict[str, Any]]) -> list[Any]:
    return [entry["what"] for entry in found]
