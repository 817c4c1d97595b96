"""Audit trails, and commands that read and write them."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from edge.__main__ import parser
from edge.record.audit_reading import entries, faults_of_chain, read_lines


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
