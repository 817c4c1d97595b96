"""Writes options into a configuration file, in place: comments, order and every other line stay as they are."""

import logging
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..addresses import HIDDEN
from ..errors import ConfigError
from ..files import replace, write_whole
from ..owners import as_owner
from .changeable import that_are_kept
from .load import Layer, Sections, apply, check_zones, command_line_layer, file_layer, finished, read_text
from .load import parse as parse_toml
from .schema import Config, options
from .text import Check, with_options, without_options

T = TypeVar("T")
log = logging.getLogger("maskwatch")
HEAD = "# Written by the page; counts on top of the configuration file. Delete it to undo what was set there.\n"


def parse(assignments: list[str]) -> dict[str, dict[str, Any]]:
    """Parses ``section.option=value`` as typed on a command line; text needs no quotes. Raises ``ConfigError``.

    An option of an output is ``outputs.NAME.option=value``.
    """
    texts = {(section, key) for section, key, default, _ in options() if isinstance(default, str)}
    from .outputs import TEXTS  # what runs for years loads nothing of outputs unless one is configured

    texts |= {("outputs", key) for key in TEXTS}
    values: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        depth = 2 if re.match(r"\s*outputs\b", name) else 1
        *tables, key = name.strip().split(".", depth)
        if not equals or len(tables) < depth:
            raise ConfigError(_wrong_form(name, depth))
        pairs: dict[str, Any] = values
        for table in tables:
            pairs = pairs.setdefault(table, {})
        pairs[key] = text if (tables[0], key) in texts else _toml_value(text)
    return values


def _wrong_form(name: str, depth: int) -> str:
    if depth == 2:
        return (
            "outputs: use outputs.NAME.option=value, for example outputs.lamp.pin=17; to remove an output, delete its "
            "table [outputs.NAME] from the file"
        )
    known = {section for section, *_ in options()}
    named = name if name.strip().partition(".")[0] in known else HIDDEN  # it may be a password without its option
    return f"{named}: use section.option=value, for example detect.min_face=60"


def names_of(sections: Sections) -> list[str]:
    """Returns the names of options as people write them: ``section.option``, or ``outputs.NAME.option``."""
    return [
        f"{section}.{key}.{option}" if section == "outputs" else f"{section}.{key}"
        for section, pairs in sections.items()
        for key, value in pairs.items()
        for option in (value if section == "outputs" else ("",))
    ]


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML, a number beyond Python's limit, nested too deeply
        return text  # the check of the option says what it must be


def write(path: Path, values: Sections, check: Check | None = None) -> None:
    """Sets options in a file, whole or not at all. Raises ``ConfigError`` when the result is no valid configuration.

    ``check`` receives the result before it is written.
    """
    _edit(path, partial(_write_file, path, values, check))


def _write_file(path: Path, values: Sections, check: Check | None) -> None:
    if os.path.exists(path) and not os.path.isfile(path):  # unlike Path's, they raise nothing
        raise ConfigError(f"{path} is not a file but a pipe, device or folder; only a file can be changed")
    old, new = None, ""
    while (text := read_text(path)) != old:  # an editor, or the page, may have saved it meanwhile
        old, new = text, with_options(text, values, path, check)
    _write(write_whole, path, new)


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
        self._ignored: list[str] = []

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
        config, layers = apply(of_file, [command_line], faults), [file, command_line]
        page = self._page = self._page or self._folder_of(config) / "page.toml"
        if with_page and not faults and (text := as_owner(page.parent, partial(_page_text, page), ConfigError)):
            layers[1:1] = [(str(page), self._of_page(text, page))]
            config = apply(of_file, layers[1:], faults)
        return finished(config, faults, layers), page

    def _of_page(self, text: str, page: Path) -> Sections:
        """Returns what the page has kept; what it cannot have kept is said once, and does not count."""
        kept, others = that_are_kept(parse_toml(text, page))
        if others != self._ignored:
            self._ignored = others
            log.warning("%s: what the page cannot change does not count there (%d)", page, len(others))
        return kept

    def give_way(self, sections: Sections) -> list[str]:
        """Removes from ``page.toml`` what was set in the file later: the newest setting counts. Returns the names."""
        _, page = self._load(with_page=False)
        return _edit(page.parent, partial(_give_way, page, sections))

    def keep(self, sections: Sections) -> Config:
        """Writes options; returns the configuration with them. Raises ``ConfigError``, and then nothing is changed."""
        for section, pairs in sections.items():
            if given := sorted(key for key in pairs if self._overrides.get(section, {}).get(key) is not None):
                raise ConfigError(f"{section}.{given[0]} is given on the command line, which counts; change it there")
        self._check_together(sections)
        file = self._file
        if file is not None and file.is_file() and os.access(file, os.W_OK):
            write(file, sections)
        else:
            _, page = self._load(with_page=False)
            _edit(page.parent, partial(_keep, page, sections))
        return self.load()

    def _check_together(self, sections: Sections) -> None:
        """Raises ``ConfigError`` if an output would lose its zone: it would not work any more."""
        faults: list[str] = []
        before = self.load()
        changed = apply(before, [("", sections)], faults)
        if not faults:  # else the writing tells them
            check_zones(changed, before.detect.zones, changed.detect.zones)


def _edit(path: Path, work: Callable[[], T]) -> T:
    """Changes a file as the owner of its folder, who may not be allowed to read this program's modules."""
    import tomlkit  # noqa: F401

    return as_owner(path, work, ConfigError)


def _page_text(page: Path) -> str:
    """Returns the text of ``page.toml``; empty without one."""
    return read_text(page, pipe=False) if os.path.exists(page) else ""


def _give_way(page: Path, sections: Sections) -> list[str]:
    text = _page_text(page)
    kept = parse_toml(text, page)
    both = {section: pairs for section, pairs in sections.items() if isinstance(kept.get(section), Mapping)}
    # outputs do not count there, so that nothing of them is in the way
    old = [(name, key) for name, pairs in both.items() for key in pairs if key in kept[name] and name != "outputs"]
    if old:
        _write(replace, page, without_options(text, old, page))
    return [f"{section}.{key}" for section, key in old]


def _keep(page: Path, sections: Sections) -> None:
    text = with_options(_page_text(page) or HEAD, sections, page)
    page.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(replace, page, text)


def _write(writer: Callable[[Path, bytes], None], path: Path, text: str) -> None:
    try:
        writer(path, text.encode("utf-8"))
    except UnicodeEncodeError:
        raise ConfigError(f"{path}: a new value is not UTF-8; nothing was changed") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); nothing was changed") from error
