"""Reads a configuration: a TOML file and other layers, checked as a whole, all faults reported at once."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .option import Allowed, checked
from .schema import Config, options

Sections = Mapping[str, Mapping[str, Any]]
"""Options by section, as in TOML."""
Layer = tuple[str, Mapping[str, Any]]
"""Where options come from, for messages, and the options by section, unchecked."""


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
    return finished(apply(Config(), layers, faults), faults)


def apply(config: Config, layers: Iterable[Layer], faults: list[str]) -> Config:
    """Returns the configuration with the layers applied; appends the faults of their options to ``faults``."""
    for where, data in layers:
        config = _apply(config, data, where, faults)
    return config


def finished(config: Config, faults: list[str]) -> Config:
    """Returns a configuration without faults. Raises ``ConfigError`` with one line per fault or contradiction."""
    faults = faults or _contradictions(config)  # a faulty value left at its default contradicts nothing
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def read(path: Path) -> dict[str, Any]:
    """Reads the sections of a file, unchecked. Raises ``ConfigError`` if it cannot be read, or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); systemd/maskwatch.toml is an example") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number beyond Python's limit
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _apply(config: Config, data: Mapping[str, Any], where: str, faults: list[str]) -> Config:
    sections: dict[str, Any] = {}
    known = {part.name for part in fields(config)}
    for section, values in data.items():
        if section not in known:
            faults.append(f"{where}: unknown section [{section}]; {_nearest(section, known)}")
        elif not isinstance(values, Mapping):
            faults.append(f"{where}: {section} = {values!r} must be a section, [{section}]")
        else:
            sections[section] = _apply_section(getattr(config, section), values, f"{where}: {section}", faults)
    return replace(config, **sections)


def _apply_section(section: Any, values: Mapping[str, Any], where: str, faults: list[str]) -> Any:
    known = {part.name: part for part in fields(section)}
    accepted: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            faults.append(f"{where}.{key}: unknown; {_other_section(key) or _nearest(key, known)}")
            continue
        allowed: Allowed = known[key].metadata["allowed"]
        try:
            accepted[key] = checked(value, known[key].type, allowed)
        except (ValueError, OverflowError) as fault:
            limits = "" if known[key].type is bool else f" (allowed: {allowed})"
            faults.append(f"{where}.{key} = {value!r}: {fault}{limits}")
    return replace(section, **accepted)


def _nearest(key: str, known: Any) -> str:
    close = difflib.get_close_matches(key, list(known), 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def _other_section(key: str) -> str:
    sections = [section for section, name, _, _ in options() if name == key]
    return f"it belongs in [{sections[0]}]" if sections else ""


def _contradictions(config: Config) -> list[str]:
    """Returns what is wrong with the configuration as a whole, one line each."""
    return [*_in_judging(config), *_in_mqtt(config), *_in_web(config)]


def _in_judging(config: Config) -> Iterable[str]:
    decide, source = config.decide, config.source
    if decide.seconds > decide.window:
        yield "decide.seconds is more than decide.window: nobody could ever be judged"
    if (decide.frames - 1) / source.fps > decide.window:
        yield "at source.fps, decide.frames frames take longer than decide.window: nobody could be judged"
    if not source.source:
        yield "source.source is empty; auto takes the first camera"


def _in_mqtt(config: Config) -> Iterable[str]:
    mqtt = config.mqtt
    if mqtt.password_file and not mqtt.user:
        yield "mqtt.password_file needs mqtt.user"
    if mqtt.key_file and not mqtt.cert_file:
        yield "mqtt.key_file needs mqtt.cert_file"
    if (mqtt.ca_file or mqtt.cert_file) and not mqtt.tls:
        yield "mqtt.ca_file and mqtt.cert_file need mqtt.tls = true"
    if (mqtt.user or mqtt.tls) and not mqtt.host:
        yield "mqtt.user and mqtt.tls need mqtt.host"
    for name in ("password_file", "ca_file", "cert_file", "key_file"):
        file = getattr(mqtt, name)
        if file and not os.access(os.path.expanduser(file), os.R_OK):
            yield f"mqtt.{name} = {file!r}: the file cannot be read"
    if re.search(r"[\s/]", mqtt.host):
        yield f"mqtt.host = {mqtt.host!r}: must be a name or address without spaces and slashes"


def _in_web(config: Config) -> Iterable[str]:
    web = config.web
    if web.password_hash and not re.fullmatch(r"scrypt(\$[0-9]+){3}(\$[A-Za-z0-9+/=]+){2}", web.password_hash):
        yield "web.password_hash is not a valid hash; let `maskwatch set --web-password` write it"
    if web.enabled and not web.password_hash and web.host not in ("127.0.0.1", "::1", "localhost"):
        yield (
            f"web.host = {web.host!r}: other machines can reach this address, so the page needs a password: "
            "maskwatch set --web-password"
        )
