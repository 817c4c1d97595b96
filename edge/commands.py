"""What may be told to a camera over MQTT: a closed list, and nothing else is ever acted on."""

from dataclasses import dataclass

LIMIT = 4096
"""Bytes; longer payloads are not even looked at."""
VALUES = {"enabled": {b"ON": True, b"OFF": False}}
"""Command -> payload -> meaning."""


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    value: bool


def parse(topic: str, payload: bytes, retained: bool, root: str) -> Command:
    """The command in a message under ``root`` (``prefix/device``). Raises ``ValueError`` with the reason to ignore it.

    Retained ones are ignored: a pause that somebody once left at the broker must not come back with every connection.
    """
    name = topic.removeprefix(f"{root}/").removesuffix("/set")
    if topic != f"{root}/{name}/set" or name not in VALUES:
        raise ValueError("unknown command")
    if retained:
        raise ValueError("retained commands are ignored; publish it without the retain flag")
    if len(payload) > LIMIT:
        raise ValueError(f"longer than {LIMIT} bytes")
    if payload not in VALUES[name]:
        raise ValueError(f"must be {' or '.join(value.decode() for value in VALUES[name])}")
    return Command(name, VALUES[name][payload])
