"""Options written into a configuration file, in place: comments, order and every other line stay as they are."""

import os
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .config import build, options, read
from .errors import ConfigError

Values = Mapping[str, Mapping[str, Any]]


def parse(assignments: list[str]) -> dict[str, dict[str, Any]]:
    """``section.option=value`` as typed on a command line; text needs no quotes. Raises ``ConfigError``."""
    texts = {(section, key) for section, key, default, _ in options() if isinstance(default, str)}
    values: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise ConfigError(f"{assignment}: say section.option=value, for example detect.min_face=60")
        values.setdefault(section, {})[key] = text if (section, key) in texts else _toml(text)
    return values


def _toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # the check of the option says what it must be


def write(path: Path, values: Values) -> None:
    """Sets options in a file, whole or not at all. Raises ``ConfigError`` when the result is no valid configuration."""
    import tomlkit  # only here: the running monitor has no use for it

    read(path)  # its own words for what is no TOML
    document: dict[str, Any] = tomlkit.parse(path.read_text("utf-8-sig"))
    for section, pairs in values.items():
        if not isinstance(document.get(section), Mapping):
            document[section] = tomlkit.table()
        document[section].update(pairs)
    text = tomlkit.dumps(document)
    build((str(path), tomllib.loads(text)))
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    """Atomic, with the rights and the owner that the file had."""
    new = None
    try:
        had = path.stat()
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        os.chmod(new.name, had.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(new.name, had.st_uid, had.st_gid)
        os.replace(new.name, path.resolve())  # a link stays one
    except OSError as error:
        if new:
            with suppress(OSError):
                os.unlink(new.name)
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
