"""Reads a configuration: a TOML file and other layers, checked as a whole, all faults reported at once."""

import errno
import os
import re
import stat
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..addresses import shown_name, shown_path
from ..errors import ConfigError
from ..paths import open_at_once, read_bytes
from .contradictions import contradictions
from .schema import Config, options
from .section import nearest, with_options
from .zone import Zone

Sections = Mapping[str, Mapping[str, Any]]
"""Options by section, as in TOML."""
Layer = tuple[str, Mapping[str, Any]]
"""Where options come from, for messages, and the options by section, unchecked."""

QUOTED = re.compile(r"['\"].*['\"]|\((?!at ).*\)(?= )", re.DOTALL)
"""What a message of tomllib quotes from the file: keys and characters."""

NAMED = re.compile(r"outputs\.[\w-]+(?:\.\w+)?|\w+(?:\.\w+)?|")
"""The name of an option at the beginning of a line about it."""
MAX_BYTES = 1_000_000
"""A file of more bytes is no configuration."""
WRITER_WITHIN_S = 3.0
"""Seconds within which somebody must begin to write to a named pipe."""
WRITTEN_WITHIN_S = 60.0
"""Seconds within which it must have been written to its end: a program may fetch what it writes."""
DESCRIPTOR = re.compile(r"/dev/stdin|(?:/dev|/proc/self)/fd/(\d{1,6})")
"""Paths of the files that this process has been given open, as by ``maskwatch run --config <(...)``."""


def load(path: Path | None, overrides: Sections | None = None) -> Config:
    """Reads the configuration of a file (None: the defaults); values of the command line take precedence.

    Raises ``ConfigError`` with one line per fault, all faults of both at once.
    """
    return build(file_layer(path), command_line_layer(overrides or {}))


def file_layer(path: Path | None) -> Layer:
    """Reads the options in a file, unchecked; none for None. Raises ``ConfigError`` like ``read``."""
    return str(path), read(path) if path else {}


def command_line_layer(overrides: Sections) -> Layer:
    """Returns the options given on the command line."""
    return "command line", overrides


def build(*layers: Layer) -> Config:
    """Builds a configuration from the defaults; later layers take precedence. Raises like ``load``."""
    faults: list[str] = []
    return finished(apply(Config(), layers, faults), faults, layers)


def apply(config: Config, layers: Iterable[Layer], faults: list[str]) -> Config:
    """Returns the configuration with the layers applied; appends the faults of their options to ``faults``."""
    for where, data in layers:
        config = _apply(config, data, where, faults)
    return config


def finished(config: Config, faults: list[str], layers: Iterable[Layer]) -> Config:
    """Returns a configuration, built from ``layers``, without faults.

    Raises ``ConfigError`` with one line per fault or contradiction.
    """
    layers = list(layers)
    wrong = {_table(_named(_without_place(fault, layers))) for fault in faults}
    for line in contradictions(config, _given(layers)):
        name = _named(line)
        # a faulty value is left at its default, which contradicts nothing
        if not {name[:1], name[:2]} & wrong:
            faults.append(_with_place(line, name, layers))
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def _named(fault: str) -> tuple[str, ...]:
    """Returns the name of the option with which a line begins: section and option, in [outputs] with the output."""
    return tuple(NAMED.match(fault)[0].split("."))  # type: ignore[index]


def _table(name: tuple[str, ...]) -> tuple[str, ...]:
    return name[: 2 if name[0] == "outputs" else 1]


def _without_place(fault: str, layers: Iterable[Layer]) -> str:
    return next((fault.removeprefix(f"{where}: ") for where, _ in layers if fault.startswith(f"{where}: ")), fault)


def _with_place(line: str, name: tuple[str, ...], layers: Iterable[Layer]) -> str:
    """Returns a line with where the option has been set last, or another one beside it."""
    for wanted in (name, _table(name)):
        if setters := [where for where, data in layers if _has(data, wanted)]:
            return f"{setters[-1]}: {line}"
    return line


def _has(data: Any, name: Iterable[str]) -> bool:
    for key in name:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


def check_zones(config: Config, before: Sequence[Zone], after: Sequence[Zone]) -> None:
    """Raises ``ConfigError`` if an output loses its zone when the zones in use change."""
    if not config.outputs:
        return
    from .output_contradictions import lost_zones  # nothing of outputs is loaded unless one is configured

    if faults := list(lost_zones(config.outputs, before, after)):
        raise ConfigError("\n".join(faults))


def _given(layers: Iterable[Layer]) -> set[str]:
    sections = [(name, values) for _, data in layers for name, values in data.items()]
    return {f"{name}.{key}" for name, values in sections if isinstance(values, Mapping) for key in values}


def read(path: Path) -> dict[str, Any]:
    """Reads the sections of a file, unchecked. Raises ``ConfigError`` if it cannot be read, or is not TOML."""
    return parse(read_text(path), path)


def read_text(path: Path, *, pipe: bool = True) -> str:
    """Reads a file, or a pipe if it may be one, with its byte order mark.

    Raises ``ConfigError`` unless it can be read and is UTF-8.
    """
    try:
        content = _content(path) if pipe else read_bytes(path, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or "this is no path"
        raise ConfigError(
            f"{shown_path(path)}: cannot be read ({reason}); systemd/maskwatch.toml is an example"
        ) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None


def _content(path: Path) -> bytes:
    try:
        file = open(path, "rb", opener=open_at_once)
    except OSError as error:
        descriptor = DESCRIPTOR.fullmatch(str(path))
        if error.errno != errno.ENXIO or not descriptor:
            raise
        file = open(int(descriptor[1] or 0), "rb", closefd=False)  # a socket cannot be opened again
    with file:
        is_named_pipe = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode) and not DESCRIPTOR.fullmatch(str(path))
        if is_named_pipe:
            content = _content_of_pipe(file.fileno())
        else:  # any other has had its writer
            os.set_blocking(file.fileno(), True)
            content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:  # /dev/zero, for example
        raise OSError(errno.EFBIG, f"it has more than {MAX_BYTES} bytes")
    return content


def _content_of_pipe(descriptor: int) -> bytes:
    """Reads a named pipe to its end. Raises ``OSError`` if nobody writes to it, or never ends writing."""
    content, written = b"", False
    begin = time.monotonic()
    while time.monotonic() - begin < (WRITTEN_WITHIN_S if written else WRITER_WITHIN_S):
        try:
            piece = os.read(descriptor, MAX_BYTES)
            if not piece and written:
                return content
            content += piece
            written = written or bool(piece)
        except BlockingIOError:  # somebody has it open, and has written nothing yet
            written = True
        if len(content) > MAX_BYTES:
            return content
        time.sleep(0.01 if written else 0.05)
    raise OSError(errno.EPIPE, "its writer does not come to an end" if written else "nobody writes to this pipe")


def parse(text: str, path: Path) -> dict[str, Any]:
    """Parses the text of a file. Raises ``ConfigError`` if it is not TOML, and shows nothing of the text."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        # what is quoted stands in the file
        advice = "; a section, or an output, stands there twice: rename one" if "Cannot declare" in str(error) else ""
        raise ConfigError(f"{path}: is not TOML: {re.sub(QUOTED, '...', str(error))}{advice}") from None
    except (ValueError, RecursionError):  # a number beyond Python's limit
        raise ConfigError(f"{path}: is not TOML: a number is too long, or lists are nested too deeply") from None


def _apply(config: Config, data: Mapping[str, Any], where: str, faults: list[str]) -> Config:
    sections: dict[str, Any] = {}
    known = [part.name for part in fields(config)]
    for section, values in data.items():
        place = f"{where}: {section}"
        if section not in known:
            faults.append(f"{where}: unknown section [{shown_name(section)}]; {nearest(section, known)}")
        elif not isinstance(values, Mapping):
            faults.append(f"{place} must be a section, [{section}]")
        elif section == "outputs":
            from .output_tables import with_outputs  # see check_zones

            sections[section] = with_outputs(config.outputs, values, place, faults)
        else:
            sections[section] = with_options(getattr(config, section), values, place, faults, _other_section)
    return replace(config, **sections)


def _other_section(key: str) -> str:
    sections = [section for section, name, _, _ in options() if name == key]
    return f"it belongs in [{sections[0]}]" if sections else ""
