"""The README names every option with its default and every command; what it names exists."""

import re
import subprocess
import sys

import pytest
from support import ROOT

from edge.config.schema import options

README = (ROOT / "README.md").read_text()


def table_row(section: str, key: str, default: object, text: str) -> str:
    """One line of the README's configuration table."""
    if isinstance(default, bool):
        shown = str(default).lower()
    elif isinstance(default, str):
        shown = f'"{default}"'
    else:
        shown = "[]" if default == () else str(default)
    return f"| {section} | `{key}` | `{shown}` | {text} |"


@pytest.mark.parametrize("option", options(), ids=lambda option: f"{option[0]}.{option[1]}")
def test_every_option_is_in_the_table(option: tuple[str, str, object, object]) -> None:
    section, key, default, allowed = option
    limits = (
        f" ({allowed})"
        if getattr(allowed, "low", None) is not None
        or getattr(allowed, "name", False)
        or getattr(allowed, "choices", ())
        else ""
    )
    assert table_row(section, key, default, getattr(allowed, "help", "") + limits) in README


@pytest.mark.parametrize("module", ["edge", "convert"])
def test_every_command_and_option_named_exists(module: str) -> None:
    program = {"edge": "maskwatch", "convert": "maskwatch-convert"}[module]
    named = set(re.findall(rf"(?:`|/|^    ){program} ([a-z-]*[a-z])", README, re.MULTILINE))
    assert named, "the README names no command"
    for command in named:
        done = subprocess.run(
            [sys.executable, "-m", module, command, "--help"], cwd=ROOT, capture_output=True, timeout=60
        )
        assert done.returncode == 0, f"README names `{program} {command}`, which does not exist"


def test_every_option_of_run_and_image_is_named() -> None:
    for command in ("run", "image"):
        done = subprocess.run(
            [sys.executable, "-m", "edge", command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        for option in set(re.findall(r"(--[a-z-]+)", done.stdout)) - {"--help", "--verbose"}:
            assert f"`{option}" in README or f"{option} " in README, f"{command} {option} is not in the README"


FOREIGN = {
    "--no-install-recommends": "apt",
    "--list-cameras": "rpicam-hello",
    "--frames": "tests/chaos/soak.py",
}
"""Options of other programs than ours, and whose they are."""


def helped(*command: str) -> str:
    return subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60).stdout


def test_every_option_named_exists_somewhere() -> None:
    known = helped(str(ROOT / "systemd" / "install.sh"))
    for module in ("edge", "convert"):
        top = helped(sys.executable, "-m", module)
        for command in re.findall(r"^    ([a-z-]+)(?: |$)", top, re.MULTILINE):
            known += helped(sys.executable, "-m", module, command)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - FOREIGN.keys()
    assert len(named) > 20
    assert named <= set(re.findall(r"--[a-z-]+", known)), named - set(re.findall(r"--[a-z-]+", known))


def test_every_target_and_file_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+\d*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^    |sudo )make ([a-z-]+\d*)", README, re.MULTILINE))
    assert {"run", "test"} <= named and named <= targets, named - targets
    linked = re.findall(r"\]\(([^):#]+)\)", README)
    paths = [*linked, *re.findall(r"(?<![\w/.~-])(?:systemd|models|edge|tests|convert)/[\w./@-]*[\w]", README)]
    assert len(paths) > 5
    for path in (path for path in paths if "NAME" not in path):
        assert (ROOT / path).exists(), f"README names {path}, which is not there"
