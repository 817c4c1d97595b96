"""Options written into a configuration file, in place: comments, order and every other line stay as they are."""

import os
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .load import Sections, build, read
from .schema import Config, options

HEAD = "# Written by the page; counts on top of the configuration file. Delete it to undo what was set there.\n"


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


def write(path: Path, values: Sections) -> None:
    """Sets options in a file, whole or not at all. Raises ``ConfigError`` when the result is no valid configuration."""
    read(path)  # its own words for what is no TOML
    _replace(path, _changed(path.read_text("utf-8-sig"), values, str(path)))


def _changed(text: str, values: Sections, where: str) -> str:
    import tomlkit  # only here: the running monitor has no use for it

    document: dict[str, Any] = tomlkit.parse(text)
    for section, pairs in values.items():
        if not isinstance(document.get(section), Mapping):
            document[section] = tomlkit.table()
        document[section].update(pairs)
    text = tomlkit.dumps(document)
    build((where, tomllib.loads(text)))
    return text


class SettingsStore:
    """Keeps what the page changes: in the configuration file where it may be written, else in ``page.toml`` in the
    state folder, which counts on top of the file. A service may not write /etc, and should not.
    """

    def __init__(self, file: Path | None, folder: Path, said: Sections) -> None:
        self._file, self._own, self._said = file, folder / "page.toml", said

    def load(self) -> Config:
        """The file, what the page has kept, and what the command line says, each on top of those before."""
        layers = [(str(path), read(path)) for path in (self._file, self._own) if path is not None and path.exists()]
        return build(*layers, ("command line", self._said))

    def give_way(self, sections: Sections) -> list[str]:
        """Takes out of ``page.toml`` what was set in the file later: the newest word counts. Returns the names."""
        kept = read(self._own) if os.path.exists(self._own) else {}
        both = {section: pairs for section, pairs in sections.items() if isinstance(kept.get(section), Mapping)}
        old = [(section, key) for section, pairs in both.items() for key in pairs if key in kept[section]]
        if old:
            import tomlkit

            document: dict[str, Any] = tomlkit.parse(self._own.read_text())
            for section, key in old:
                del document[section][key]
            _replace(self._own, tomlkit.dumps(document))
        return [f"{section}.{key}" for section, key in old]

    def keep(self, sections: Sections) -> Config:
        """Writes options; returns the configuration with them. Raises ``ConfigError``, and then nothing is changed."""
        file = self._file
        if file is not None and os.access(file, os.W_OK) and os.access(file.resolve().parent, os.W_OK):
            write(file, sections)
        else:
            text = _changed(self._own.read_text() if self._own.exists() else HEAD, sections, str(self._own))
            self._own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._own.exists():
                self._own.touch(0o600)
            _replace(self._own, text)
        return self.load()


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
