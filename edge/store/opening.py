"""Opens the store: finds its address, and connects what hears the doors with what writes into the database."""

import logging
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ..config.credentials import address_in, password_for
from ..config.schema import Config, MqttConfig
from ..config.store import StoreConfig
from ..errors import ConfigError, FileError
from .address import StoreAddress, parse_address
from .collector import Collector
from .engine import open_engine
from .failure import StoreError
from .spool import Spool
from .writer import StoreWriter

log = logging.getLogger(__name__)

CREDENTIAL = "store"
"""The name of systemd's credential with the address."""
EXAMPLE = "postgresql://... or sqlite:..."
SPOOL = "store.db"
"""The file in the state folder with what waits for the database."""


def store_address(given: str, config: StoreConfig) -> StoreAddress:
    """Returns the address of the database: ``given``, or in the file ``given``, else as configured.

    Raises ``ConfigError``.
    """
    if not given:
        text = password_for("store.address_file", config.address_file, CREDENTIAL).strip()
    elif "://" in given or given.startswith("sqlite:"):
        text = given
    else:
        text = address_in("--store", given, EXAMPLE, is_private=True)
    if not text:
        empty = "store.address_file is empty: " if config.address_file else ""
        raise ConfigError(
            f"--store needs the address of a database: {empty}write {EXAMPLE} into a file, and name the file with "
            "--store FILE or in store.address_file"
        )
    return parse_address(text)


def open_store(config: Config, mqtt: MqttConfig, address: StoreAddress, folder: Path, stack: ExitStack) -> Collector:
    """Starts to keep what all doors of the broker say; ``stack`` ends it. ``folder`` is the state folder.

    A database that is away is no error: messages wait in the folder. Raises ``ConfigError`` and ``FileError``.
    """
    engine = open_engine(address, writes=True)
    spool = Spool(folder / SPOOL)
    stack.callback(spool.close)
    try:
        answered = partial(log.info, "what all doors say is stored in %s", address.shown)
        writer = StoreWriter(spool, engine, config.store.keep_days, _Report(address, spool), answered)
        stack.callback(_close, writer, address, spool)
        collector = Collector(mqtt, spool, is_embedded=not config.mqtt.host)
    except StoreError as error:
        raise FileError(str(error)) from error
    stack.callback(collector.close)
    return collector


class _Report:
    """Logs why the database cannot be written, and that it can be written again."""

    def __init__(self, address: StoreAddress, spool: Spool) -> None:
        self._address = address
        self._spool = spool
        self._failed = False

    def __call__(self, problem: str | None) -> None:
        if problem:
            log.error("the store: %s; messages wait in %s", problem, self._spool.path)
        elif self._failed:
            log.warning("the store %s takes messages again", self._address.shown)
        self._failed = bool(problem)


def _close(writer: StoreWriter, address: StoreAddress, spool: Spool) -> None:
    if not writer.close():
        log.warning(
            "%d messages wait in %s; the next start writes them into %s", spool.waiting, spool.path, address.shown
        )
