"""Provides what several commands share: exit codes, options, and the configuration that results from them."""

import argparse
import os
import re
from typing import Any, get_args
from urllib.parse import unquote

from ..addresses import shown
from ..config.edit import SettingsStore
from ..config.load import load
from ..config.schema import Config, DetectConfig, DetectorName, DeviceConfig, MqttConfig
from ..errors import ConfigError
from ..monitor.state import StateFiles, folder_of
from ..owners import become_owner

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
MAX_COUNT = 1_000_000
SCHEMES: dict[str, dict[str, Any]] = {
    "mqtt": {"tls": False, "port": MqttConfig().port},
    "mqtts": {"tls": True, "port": 8883},
}
"""The ``[mqtt]`` options that the scheme of a broker's address sets."""
BROKER_ADDRESS = re.compile(
    # scheme, user, host, port
    r"(?:(mqtts?)://)?(?:([^@:/]+)@)?(\[[0-9a-fA-F:]+(?:%[\w.~-]+)?\]|[^@:/?#%\[\]\s]+)(?::(\d{1,5}))?/?",
    re.IGNORECASE,
)


def in_utf8(text: str) -> str:
    """Returns a text of the command line as UTF-8 has it: Python decodes the command line by the locale.

    A text that is not UTF-8 stays as it is: then the locale was right.
    """
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def positive_int(text: str) -> int:
    """Converts the text of an option. Raises ``ArgumentTypeError``."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to {MAX_COUNT}")
    return int(text)


def port(text: str) -> int:
    """Converts the text of an option. Raises ``ArgumentTypeError``."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: a whole number from 1 to 65535")
    return int(text)


def add_detector_option(command: argparse.ArgumentParser) -> None:
    """Adds ``--detector``."""
    help_text = f"face detector (default {DetectConfig().detector})"
    command.add_argument("--detector", choices=get_args(DetectorName), help=help_text)


def add_device_option(command: argparse.ArgumentParser) -> None:
    """Adds ``--device``."""
    command.add_argument("--device", metavar="NAME", help=f"name of the camera (default {DeviceConfig().name})")


def add_store_option(command: argparse.ArgumentParser, what: str) -> None:
    """Adds ``--store``; ``what`` says what is done with the database."""
    command.add_argument(
        "--store",
        metavar="ADDRESS",
        nargs="?",
        const="",
        help=f"{what} in this database, postgresql://... or sqlite:FILE; or a file that contains the address (default: "
        "[store] address_file)",
    )


def load_config(args: argparse.Namespace) -> Config:
    """Loads the configuration file; options of the command line take precedence. Raises ``ConfigError``."""
    return load(args.config, overrides(args))


def open_settings(args: argparse.Namespace) -> SettingsStore:
    """Opens the settings of a running monitor: file, page and command line. Raises ``ConfigError``."""
    return SettingsStore(args.config, folder_of, overrides(args))


def own_state(config: Config) -> StateFiles:
    """Returns the files of the state folder; root works in a folder of another user as that user from now on.

    Raises ``ConfigError``.
    """
    folder = folder_of(config)
    become_owner(folder)
    return StateFiles(folder)


def overrides(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Returns the options of the command line as sections of a configuration. Raises ``ConfigError``."""
    sections: dict[str, dict[str, Any]] = {
        "source": {"source": getattr(args, "source", None), "realtime": getattr(args, "realtime", None)},
        "classify": {"model": getattr(args, "model", None)},
        "device": {"name": getattr(args, "device", None)},
        "detect": {"min_face": getattr(args, "min_face", None), "detector": getattr(args, "detector", None)},
        "web": {
            "enabled": getattr(args, "web", None),
            "host": getattr(args, "web_host", None),
            "port": getattr(args, "web_port", None),
        },
        "phone": {"format": getattr(args, "post_format", None), "token_file": getattr(args, "post_token", None)},
        "mqtt": parse_broker_address(args.broker) if getattr(args, "broker", None) else {},
    }
    return {
        section: {key: value for key, value in options.items() if value is not None}
        for section, options in sections.items()
    }


def parse_broker_address(address: str) -> dict[str, Any]:
    """Parses ``host``, ``host:port`` or ``mqtt[s]://[user@]host[:port]`` into ``[mqtt]`` options.

    Without a scheme, port and TLS stay as configured, except a port that the address names: ``host`` alone sets only
    the host. A scheme settles both, whatever is configured: TLS is off (``mqtt``) or on (``mqtts``), and the port is
    the one in the address, else 1883 or 8883. A user name that is left out stays as configured; ``%40`` and its like
    are decoded in it. Raises ``ConfigError``.
    """
    match = BROKER_ADDRESS.fullmatch(address)
    if not match or "\ufffd" in unquote(address):  # what is decoded must be UTF-8
        raise ConfigError(
            f"broker '{shown(address)}': use host, host:port or mqtt://user@host:port (mqtts:// for TLS), with %40 for "
            "an @ in the user; put a password into a file and name the file in mqtt.password_file"
        )
    scheme, user, host, port = match.groups()
    values: dict[str, Any] = {"host": unquote(host.strip("[]"))} | SCHEMES.get((scheme or "").lower(), {})
    values |= {"user": unquote(user)} if user else {}
    return values | ({"port": int(port)} if port else {})
