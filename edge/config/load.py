"""TOML -> frozen dataclasses. Every fault is named in one go: file, key, value, what is allowed, nearest key.

One declaration an option: default, range and help stand here and nowhere else. ``systemd/maskwatch.toml`` shows
them all, commented; a test holds the two together.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .schema import Allowed, Config, checked, options

Sections = Mapping[str, Mapping[str, Any]]
"""Options by section, as TOML has them."""


def load(path: Path | None, overrides: Sections | None = None) -> Config:
    """The configuration of a file (None: the defaults) with command-line values on top.

    Raises ``ConfigError`` with one line per fault, all faults of both at once.
    """
    return build((str(path), read(path) if path else {}), ("command line", overrides or {}))


def build(*layers: tuple[str, Mapping[str, Any]]) -> Config:
    """The defaults with each layer (where it comes from, its sections) on top of those before. Raises like ``load``."""
    faults: list[str] = []
    config = Config()
    for where, data in layers:
        config = _apply(config, data, where, faults)
    faults = faults or _contradictions(config)  # what a faulty value left at its default contradicts nothing
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def read(path: Path) -> dict[str, Any]:
    """The sections of a file, unchecked. Raises ``ConfigError`` if it cannot be read, or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); systemd/maskwatch.toml is an example") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number beyond Python's limit
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _apply(config: Config, data: Mapping[str, Any], where: str, faults: list[str]) -> Config:
    sections: dict[str, Any] = {}
    for section, values in data.items():
        known = {part.name for part in fields(config)}
        if section not in known:
            faults.append(f"{where}: unknown section [{section}]; {_nearest(section, known)}")
        elif not isinstance(values, Mapping):
            faults.append(f"{where}: {section} = {values!r} must be a section, [{section}]")
        else:
            sections[section] = _section(getattr(config, section), values, f"{where}: {section}", faults)
    return replace(config, **sections)


def _section(section: Any, values: Mapping[str, Any], where: str, faults: list[str]) -> Any:
    options = {part.name: part for part in fields(section)}
    taken: dict[str, Any] = {}
    for key, value in values.items():
        if key not in options:
            faults.append(f"{where}.{key}: unknown; {_elsewhere(key) or _nearest(key, options)}")
            continue
        allowed: Allowed = options[key].metadata["allowed"]
        try:
            taken[key] = checked(value, options[key].type, allowed)
        except (ValueError, OverflowError) as fault:
            limits = "" if options[key].type is bool else f" (allowed: {allowed})"
            faults.append(f"{where}.{key} = {value!r}: {fault}{limits}")
    return replace(section, **taken)


def _nearest(key: str, known: Any) -> str:
    close = difflib.get_close_matches(key, list(known), 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def _elsewhere(key: str) -> str:
    sections = [section for section, name, _, _ in options() if name == key]
    return f"it belongs into [{sections[0]}]" if sections else ""


def _contradictions(config: Config) -> list[str]:
    mqtt, faults = config.mqtt, []
    if config.decide.seconds > config.decide.window:
        faults.append("decide.seconds is more than decide.window: nobody could ever be judged")
    if (config.decide.frames - 1) / config.source.fps > config.decide.window:
        faults.append("at source.fps, decide.frames pictures take longer than decide.window: nobody could be judged")
    if mqtt.password_file and not mqtt.user:
        faults.append("mqtt.password_file needs mqtt.user")
    if mqtt.key_file and not mqtt.cert_file:
        faults.append("mqtt.key_file needs mqtt.cert_file")
    if (mqtt.ca_file or mqtt.cert_file) and not mqtt.tls:
        faults.append("mqtt.ca_file and mqtt.cert_file need mqtt.tls = true")
    if (mqtt.user or mqtt.tls) and not mqtt.host:
        faults.append("mqtt.user and mqtt.tls need mqtt.host")
    for name in ("password_file", "ca_file", "cert_file", "key_file"):
        file = getattr(mqtt, name)
        if file and not os.access(os.path.expanduser(file), os.R_OK):
            faults.append(f"mqtt.{name} = {file!r}: no file that can be read")
    if re.search(r"[\s/]", mqtt.host):
        faults.append(f"mqtt.host = {mqtt.host!r}: must be a name or address without spaces and slashes")
    web = config.web
    if web.password_hash and not re.fullmatch(r"scrypt(\$[0-9]+){3}(\$[A-Za-z0-9+/=]+){2}", web.password_hash):
        faults.append("web.password_hash is none; let `maskwatch set --web-password` write it")
    if web.enabled and not web.password_hash and web.host not in ("127.0.0.1", "::1", "localhost"):
        faults.append(
            f"web.host = {web.host!r}: others than this machine reach that, so the page needs a password: "
            "maskwatch set --web-password"
        )
    if not config.source.source:
        faults.append("source.source is empty; auto takes the first camera")
    return faults
