"""What several commands share: options, exit codes, and the configuration that results."""

import argparse
import re
from typing import Any

from ..config.edit import SettingsStore
from ..config.load import load
from ..config.schema import Config
from ..errors import ConfigError
from ..monitor.state import folder_of

ENDED, FAILED, USAGE = 0, 1, 2


def count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def choose_detector(command: argparse.ArgumentParser) -> None:
    command.add_argument("--detector", choices=("haar", "yunet"), help="who finds the faces (default haar)")


def name_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", metavar="NAME", help="name of the camera (default entrance)")


def configured(args: argparse.Namespace) -> Config:
    """The configuration file with the command line on top."""
    return load(args.config, given(args))


def given(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What the command line says, as sections of a configuration."""
    said: dict[str, dict[str, Any]] = {
        "source": {"source": getattr(args, "source", None), "realtime": getattr(args, "realtime", None)},
        "classify": {"model": getattr(args, "model", None)},
        "device": {"name": getattr(args, "device", None)},
        "detect": {"min_face": getattr(args, "min_face", None), "detector": getattr(args, "detector", None)},
        "web": {"enabled": getattr(args, "web", None)},
        "mqtt": from_address(args.broker) if getattr(args, "broker", None) else {},
    }
    return {name: {k: v for k, v in values.items() if v is not None} for name, values in said.items()}


def from_address(address: str) -> dict[str, Any]:
    """``[mqtt]`` values for a broker given as ``host``, ``host:port`` or ``mqtt[s]://[user@]host[:port]``.

    A scheme settles port and TLS, whatever was configured before; what is not said stays as it is.
    """
    match = re.fullmatch(r"(?:(mqtts?)://)?(?:([^@:/]+)@)?(\[[0-9a-fA-F:]+\]|[^@:/\[\]\s]+)(?::(\d{1,5}))?/?", address)
    if not match:
        raise ConfigError(
            f"broker '{address.rpartition('@')[2]}': use host, host:port or mqtt://user@host:port (mqtts:// for TLS); "
            "a password goes into mqtt.password_file"
        )
    scheme, user, host, port = match.groups()
    values: dict[str, Any] = {"host": host.strip("[]")}
    values |= {"mqtts": {"tls": True, "port": 8883}, "mqtt": {"tls": False, "port": 1883}}.get(scheme, {})
    values |= {"user": user} if user else {}
    return values | ({"port": int(port)} if port else {})


def settings_store(args: argparse.Namespace) -> SettingsStore:
    """The settings of a running monitor: file, page and command line."""
    return SettingsStore(args.config, folder_of, given(args))
