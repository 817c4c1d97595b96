"""Keeps the state folder: one process per folder, and one process per camera name on this machine."""

import fcntl
import hashlib
import json
import logging
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..addresses import printable
from ..config.schema import Config, MqttConfig
from ..errors import ConfigError
from ..files import replace
from ..listening import host_and_port
from ..paths import open_at_once, read_text
from ..record.checksums import TRAIL

log = logging.getLogger(__name__)
ASKED = 1.0
"""Seconds for which the lock may seem taken while another process only tests it (``running_health``)."""


@dataclass(frozen=True, slots=True)
class StateFiles:
    """Where things are in a state folder, whether it exists or not."""

    folder: Path

    @property
    def outbox(self) -> Path:
        """Returns the file of the alerts that wait for the broker or an output (SQLite)."""
        return self.folder / "outbox.db"

    @property
    def record(self) -> Path:
        """Returns the file of the counts and of the marks on alerts (SQLite)."""
        return self.folder / "record.db"

    @property
    def audit(self) -> Path:
        """Returns the file of the audit trail (JSON lines)."""
        return self.folder / TRAIL

    @property
    def snapshots(self) -> Path:
        """Returns the folder of JPEG files, one per alert."""
        return self.folder / "snapshots"

    @property
    def health(self) -> Path:
        """Returns the file of the running process's last health (JSON)."""
        return self.folder / "health.json"

    @property
    def sessions(self) -> Path:
        """Returns the file that keeps who is logged in to the page (JSON)."""
        return self.folder / "sessions.json"

    @property
    def announced(self) -> Path:
        """Returns the file of the retained messages that this camera has left at brokers (JSON)."""
        return self.folder / "announced.json"

    @property
    def configuration(self) -> Path:
        """Returns the file with the path of the configuration file that names this camera."""
        return self.folder / "configuration"

    @property
    def control(self) -> Path:
        """Returns the socket at which the process that uses the folder takes tests of its outputs."""
        return self.folder / "control"

    @property
    def lock(self) -> Path:
        """Returns the file that is locked by the process that uses the folder."""
        return self.folder / "lock"


def state_files(config: Config) -> StateFiles:
    """Returns the files of the configured state folder."""
    return StateFiles(folder_of(config))


def folder_of(config: Config) -> Path:
    """Returns the state folder.

    It is ``[state] folder``, else systemd's StateDirectory, else ``~/.local/state/maskwatch/DEVICE``.
    """
    if config.state.folder:
        return Path(os.path.expanduser(config.state.folder))
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    base = Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"))
    return base / "maskwatch" / config.device.name


def identity_of(config: Config) -> str:
    """Returns the name under which the broker knows this camera, for people too."""
    return identity(config.mqtt, config.device.name)


def identity(mqtt: MqttConfig, device: str) -> str:
    """Returns the name under which a broker knows a camera."""
    broker = host_and_port(mqtt.host, mqtt.port) if mqtt.host else "the embedded broker"
    return f"{mqtt.prefix}/{device} at {broker}"


def claim(identity: str) -> socket.socket:
    """Reserves a camera name on this machine until the socket is closed. Raises ``ConfigError`` if it is taken."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(_address(identity))
    except OSError as error:
        held.close()
        raise ConfigError(
            f"another maskwatch on this machine is already {identity}; stop it, or give this camera a [device] "
            "name of its own"
        ) from error
    return held


def is_claimed(identity: str) -> bool:
    """Returns whether a process on this machine has this camera name; unlike ``claim``, it never stands in its way."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(_address(identity)) == 0


def _address(identity: str) -> str:
    """Returns an abstract socket address, which is gone with the process, however it ends; however long the name is."""
    return f"\0maskwatch:{hashlib.sha256(identity.encode('utf-8', 'surrogateescape')).hexdigest()}"


class StateFolder:
    """A state folder that belongs to this process until ``close``.

    Raises ``ConfigError`` when another maskwatch uses it, or runs as the same device at the same broker on this
    machine: two clients of one name would disconnect each other for ever. A folder that cannot be written is no error
    here: alerts then leave from memory, and health reports it.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.files = StateFiles(path)
        self._lock: int | None = None
        self._identity = claim(identity)
        try:
            self._lock = self._take()
        except BaseException:
            self._identity.close()
            raise

    def _take(self) -> int | None:
        folder = self.files.folder
        try:
            return self._locked()
        except OSError as error:
            log.error("state folder %s cannot be written: %s; continuing without it", printable(folder), error.strerror)
            return None

    def _locked(self) -> int:
        """Returns the descriptor of the lock. Raises ``ConfigError`` if another maskwatch has it, and ``OSError``."""
        folder = self.files.folder
        refuse_file(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.files.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _flock(lock)
        except BlockingIOError as error:
            os.close(lock)
            raise ConfigError(
                f"another maskwatch uses the state folder {folder}; stop it, or give this one a [state] folder "
                "of its own"
            ) from error
        except OSError as error:  # some network file systems know no locks
            log.warning("state folder %s cannot be locked: %s; continuing without it", folder, error.strerror)
        return lock

    def is_in_place(self) -> bool:
        """Returns whether the lock that this process holds is that of the folder at the path."""
        if self._lock is None:
            return False
        try:
            return os.path.samestat(os.stat(self.files.lock), os.fstat(self._lock))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def take_again(self) -> bool:
        """Locks the folder at the path; returns whether another one was locked before.

        Raises ``ConfigError`` if another maskwatch has it, and ``OSError``.
        """
        old, self._lock = self._lock, self._locked()
        if old is not None:
            os.close(old)
        return old is not None

    def write_health(self, health: dict[str, Any]) -> None:
        """Writes the health for ``maskwatch doctor``; a disk that refuses is no error.

        It means nothing after a restart, so it need not survive a power cut.
        """
        with suppress(OSError):
            replace(self.files.health, json.dumps(health).encode("utf-8"), durable=False)

    def close(self) -> None:
        self._identity.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def refuse_file(path: Path) -> None:
    """Raises ``ConfigError`` for a state folder that is a file."""
    if os.path.exists(path) and not os.path.isdir(path):  # unlike Path's, these never raise
        raise ConfigError(f"state.folder {path} is a file; name a folder")


def _flock(lock: int) -> None:
    deadline = time.monotonic() + ASKED
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def running_health(path: Path) -> dict[str, Any] | None:
    """Reads the health of the maskwatch that uses this folder now; None if none does."""
    try:
        with open(StateFiles(path).lock, "rb", opener=open_at_once) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        with suppress(OSError, ValueError):
            health = json.loads(read_text(StateFiles(path).health))
            return health if isinstance(health, dict) else {}
        return {}
    except OSError:
        return None
