"""Writes options into a configuration file, in place: comments, order and every other line stay as they are."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files import replacing
from .load import Layer, Sections, apply, build, command_line_layer, file_layer, finished, read
from .schema import Config, options

HEAD = "# Written by the page; counts on top of the configuration file. Delete it to undo what was set there.\n"


def parse(assignments: list[str]) -> dict[str, dict[str, Any]]:
    """Parses ``section.option=value`` as typed on a command line; text needs no quotes. Raises ``ConfigError``."""
    texts = {(section, key) for section, key, default, _ in options() if isinstance(default, str)}
    values: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise ConfigError(f"{assignment}: use section.option=value, for example detect.min_face=60")
        values.setdefault(section, {})[key] = text if (section, key) in texts else _toml_value(text)
    return values


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML, a number beyond Python's limit, nested too deeply
        return text  # the check of the option says what it must be


def write(path: Path, values: Sections) -> None:
    """Sets options in a file, whole or not at all. Raises ``ConfigError`` when the result is no valid configuration."""
    read(path)  # raises the message for a file that is not TOML
    _replace(path, _changed(path.read_bytes().decode("utf-8-sig"), values, str(path)))


def _changed(text: str, values: Sections, where: str) -> str:
    import tomlkit  # only here: the running monitor has no use for it

    document: dict[str, Any] = tomlkit.parse(text)
    for section, pairs in values.items():
        if not isinstance(document.get(section), Mapping):
            document[section] = tomlkit.table()
        document[section].update(pairs)
    changed = tomlkit.dumps(document)
    if "\r\n" in text:  # what tomlkit adds gets the line ends of the file
        changed = changed.replace("\r\n", "\n").replace("\n", "\r\n")
    build((where, tomllib.loads(changed)))
    return changed


class SettingsStore:
    """The configuration of a running monitor: a file, the settings kept by the page, and the command line.

    What the page changes is kept in the configuration file where that may be written, else in ``page.toml`` in the
    state folder, which counts on top of the file: a service may not write /etc, and should not. ``folder_of`` tells
    the state folder of a configuration.
    """

    def __init__(self, file: Path | None, folder_of: Callable[[Config], Path], overrides: Sections) -> None:
        self._file = file
        self._folder_of = folder_of
        self._overrides = overrides
        self._piped: Layer | None = None
        self._page: Path | None = None

    def load(self) -> Config:
        """Reads the file, what the page has kept, and the command line; later ones take precedence.

        The file is read and checked once; what came through a pipe is remembered for later calls. The place of
        ``page.toml`` stays what the first call found. Raises ``ConfigError`` with one line per fault.
        """
        return self._load(with_page=True)[0]

    def _file_layer(self) -> Layer:
        if self._piped is not None:
            return self._piped
        layer = file_layer(self._file)
        if self._file is not None and not self._file.is_file():
            self._piped = layer
        return layer

    def _load(self, with_page: bool) -> tuple[Config, Path]:
        """Returns the configuration and the page's file, whose place depends on the other layers."""
        faults: list[str] = []
        file, command_line = self._file_layer(), command_line_layer(self._overrides)
        of_file = apply(Config(), [file], faults)
        config = apply(of_file, [command_line], faults)
        page = self._page = self._page or self._folder_of(config) / "page.toml"
        if with_page and not faults and os.path.exists(page):
            config = apply(of_file, [file_layer(page), command_line], faults)
        return finished(config, faults, [file, command_line]), page

    def give_way(self, sections: Sections) -> list[str]:
        """Removes from ``page.toml`` what was set in the file later: the newest setting counts. Returns the names."""
        _, page = self._load(with_page=False)
        kept = read(page) if os.path.exists(page) else {}
        both = {section: pairs for section, pairs in sections.items() if isinstance(kept.get(section), Mapping)}
        old = [(section, key) for section, pairs in both.items() for key in pairs if key in kept[section]]
        if old:
            import tomlkit

            document: dict[str, Any] = tomlkit.parse(page.read_bytes().decode("utf-8-sig"))
            for section, key in old:
                del document[section][key]
            _replace(page, tomlkit.dumps(document))
        return [f"{section}.{key}" for section, key in old]

    def keep(self, sections: Sections) -> Config:
        """Writes options; returns the configuration with them. Raises ``ConfigError``, and then nothing is changed."""
        file = self._file
        if file is not None and file.is_file() and os.access(file, os.W_OK) and os.access(_folder(file), os.W_OK):
            write(file, sections)
        else:
            _, page = self._load(with_page=False)
            text = page.read_bytes().decode("utf-8-sig") if page.exists() else HEAD
            text = _changed(text, sections, str(page))
            page.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(page, text)
        return self.load()


def _folder(path: Path) -> Path:
    """Returns the folder in which the file really is: ``path`` may be a link."""
    return Path(os.path.realpath(path)).parent


def _replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all; a new one may be read by its owner only, as addresses may hold passwords."""
    try:
        with (
            replacing(path, follow_link=True) as new,
            open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        ):
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
