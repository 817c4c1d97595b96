"""Writes what was spooled into the database, in order, as often as it takes."""

from collections.abc import Callable

from .engine import Engine
from .spool import Spool


class StoreWriter:
    """Owns the thread ``store``. ``report`` receives why the database cannot be written, and None when it can again."""

    def __init__(self, spool: Spool, engine: Engine, keep_days: int, report: Callable[[str | None], None]) -> None:
        raise NotImplementedError

    def close(self, timeout: float = 5.0) -> bool:
        """Writes what is left, for at most ``timeout`` seconds. Returns False if something waits."""
        raise NotImplementedError
