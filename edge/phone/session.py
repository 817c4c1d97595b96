"""Names the session that the broker keeps for a phone."""

import hashlib
import re
import socket
from contextlib import suppress
from pathlib import Path

from .store import Store


def session_id(store: Store, prefix: str) -> str:
    """Returns the client id of a phone: one for good, kept in its store.

    It says what it is for and on which host. The digits keep apart two phones of one host and two hosts of one name;
    they are made of the machine's id, so that a store that was deleted leads back to the same session.
    """
    name = f"client_id:{prefix}"
    if not store.setting(name):
        machine = ""
        with suppress(OSError):
            machine = Path("/etc/machine-id").read_text("utf-8", "replace")
        digits = hashlib.sha256(f"{machine} {store.path.resolve()}".encode("utf-8", "surrogateescape")).hexdigest()[:8]
        host = re.sub(r"[^A-Za-z0-9-]", "", socket.gethostname())[:32]
        store.set(name, f"{prefix}-phone-{host}-{digits}")
    return store.setting(name)
