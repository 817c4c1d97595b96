"""Names the session that a broker keeps for a subscriber of ours that is away."""

import hashlib
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from paho.mqtt.enums import MQTTProtocolVersion

from .client import V5, V311

PROTOCOL = "protocol"
"""The name of the setting with the MQTT version that has worked."""


class Settings(Protocol):
    """What a subscriber keeps on disk, in the file ``path``."""

    path: Path

    def setting(self, name: str) -> str:
        """Returns what ``set`` kept; empty if nothing."""

    def set(self, name: str, value: str) -> None:
        """Keeps a setting."""


def session_id(settings: Settings, prefix: str, purpose: str) -> str:
    """Returns the client id of a subscriber: one for good, kept in its settings.

    It says what it is for and on which host. The digits keep apart two subscribers of one host and two hosts of one
    name; they are made of the machine's id, so that settings that were deleted lead back to the same session.
    """
    name = f"client_id:{prefix}"
    if not settings.setting(name):
        machine, path = "", settings.path.resolve()
        with suppress(OSError):
            machine = Path("/etc/machine-id").read_text("utf-8", "replace")
        digits = hashlib.sha256(f"{machine} {path}".encode("utf-8", "surrogateescape")).hexdigest()[:8]
        host = re.sub(r"[^A-Za-z0-9-]", "", socket.gethostname())[:32]
        settings.set(name, f"{prefix}-{purpose}-{host}-{digits}")
    return settings.setting(name)


def known_protocol(settings: Settings, is_embedded: bool) -> MQTTProtocolVersion:
    """Returns the MQTT version to begin with: 5, which lets a broker forget a subscriber that is gone for good.

    The monitor's own broker (``is_embedded``) speaks 3.1.1 only, and it takes half a minute to find out that a broker
    never answers 5.
    """
    return V311 if is_embedded or settings.setting(PROTOCOL) == str(int(V311)) else V5


def keep_protocol(settings: Settings, protocol: MQTTProtocolVersion) -> None:
    """Keeps the MQTT version that has worked: the next start begins with it."""
    if settings.setting(PROTOCOL) != str(int(protocol)):
        settings.set(PROTOCOL, str(int(protocol)))
