"""Changes options in the text of a configuration file; every other line stays as it is, with its line end."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .load import Sections, apply, build, parse
from .schema import Config

Check = Callable[[Config], None]
"""Raises ``ConfigError`` if a configuration, which is valid, is not what somebody can want."""
MARK = "\ufeff"
"""The byte order mark that some editors write at the beginning of a file."""
BY_HAND = "cannot be changed by a program; change it with an editor"


def with_options(text: str, values: Sections, path: Path, check: Check | None = None) -> str:
    """Returns the text with the options set. Raises ``ConfigError`` when the result is no valid configuration.

    ``check`` receives the result, too.
    """
    import tomlkit  # only in this file: the running monitor has no use for it

    _check_values(values, path)  # first: a long list that is refused is refused at once
    document = _document(text, path)
    for section, pairs in values.items():
        if section not in document:
            document[section] = tomlkit.table(is_super_table=section == "outputs")
        for table, options in _tables(section, document[section], pairs):
            if isinstance(table, Mapping):  # else the check below says what it must be
                table.update({key: _item(value) for key, value in options.items()})  # type: ignore[attr-defined]
    changed = tomlkit.dumps(document)
    if not _has_outputs(parse(changed, path), parse(text, path), values.get("outputs", {})):
        raise ConfigError(f"{path}: {BY_HAND}")
    config = build((str(path), parse(changed, path)))
    if check is not None:
        check(config)
    return with_line_ends_of(text, changed)


def _tables(section: str, table: Any, pairs: Mapping[str, Any]) -> Iterable[tuple[Any, Mapping[str, Any]]]:
    """Yields the tables to change, and the options for each: the section, or a table for each output."""
    import tomlkit
    from tomlkit.items import InlineTable

    if section != "outputs":
        yield table, pairs
        return
    for name, options in pairs.items() if isinstance(table, Mapping) else ():
        if name not in table:
            table[name] = tomlkit.inline_table() if isinstance(table, InlineTable) else tomlkit.table()
        yield table[name], options


def _has_outputs(changed: Mapping[str, Any], old: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Returns whether outputs have their new options, and no other ones: tomlkit confuses some tables of dotted keys.

    What is no table is left to the check of the options.
    """
    tables, olds = changed["outputs"] if values else {}, old.get("outputs", {})
    if not isinstance(tables, Mapping):
        return True
    return all(
        tables.get(name, {}).keys() == {*olds.get(name, ()), *options}
        for name, options in values.items()
        if isinstance(tables.get(name, {}), Mapping)
    )


def _check_values(values: Sections, path: Path) -> None:
    faults: list[str] = []
    # which options an output has says the file, which may name its driver
    apply(Config(), [(str(path), {name: pairs for name, pairs in values.items() if name != "outputs"})], faults)
    if faults:
        raise ConfigError("\n".join(faults))


def _item(value: Any) -> Any:
    """Returns a value for tomlkit; a list with tables stays a list, because its tables would end the section."""
    import tomlkit

    if not isinstance(value, list | tuple) or not any(isinstance(part, Mapping) for part in value):
        return value
    array = tomlkit.array()
    for part in value:
        table = tomlkit.inline_table()
        if isinstance(part, Mapping):
            table.update(part)
        array.append(table if isinstance(part, Mapping) else part)
    return array.multiline(True)


def without_options(text: str, names: Iterable[tuple[str, str]], path: Path) -> str:
    """Returns the text without the options, which must be in it. Raises like ``with_options``."""
    import tomlkit

    document = _document(text, path)
    for section, key in names:
        del document[section][key]
    return with_line_ends_of(text, tomlkit.dumps(document))


def _document(text: str, path: Path) -> Any:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    parse(text, path)  # its messages show nothing of the file
    try:
        return tomlkit.parse(text.removeprefix(MARK).replace("\r\n", "\n"))
    except TOMLKitError as error:
        raise ConfigError(f"{path}: {BY_HAND}") from error


def with_line_ends_of(old: str, new: str) -> str:
    """Returns ``new``, whose lines end with LF, with the line ends and the byte order mark of ``old``.

    A line that is new, or changed, ends like most lines of ``old``.
    """
    mark = MARK if old.startswith(MARK) else ""
    old_lines, new_lines = old.removeprefix(MARK).split("\n"), new.split("\n")
    ends = ["\r\n" if line.endswith("\r") else "\n" for line in old_lines[:-1]]
    usual = "\r\n" if ends.count("\r\n") * 2 > len(ends) else "\n"
    ends.append(usual)  # of the last line, if more follow now
    plain = [line.removesuffix("\r") for line in old_lines]
    new_ends = [usual] * len(new_lines)
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(None, plain, new_lines, autojunk=False).get_opcodes():
        if kind == "equal" or a1 - a0 == b1 - b0:
            new_ends[b0:b1] = ends[a0:a1]
    new_ends[-1] = ""
    return mark + "".join(line + end for line, end in zip(new_lines, new_ends, strict=True))
