"""Keeps on disk what the broker has handed over and the database has not taken yet."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a door. ``kind`` is the topic below the door, ``received`` the wall-clock time of its arrival."""

    seq: int
    device: str
    kind: str
    payload: bytes
    retained: bool
    received: float


class Spool:
    """The file ``store.db`` in the state folder, as durable as the outbox. Callers take turns.

    ``put`` returns once the message is on disk, and then the broker may forget it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, device: str, kind: str, payload: bytes, retained: bool) -> None:
        """Keeps a message."""
        raise NotImplementedError

    def batch(self, most: int) -> list[Heard]:
        """Returns the oldest messages, in order."""
        raise NotImplementedError

    def remove(self, upto: int) -> None:
        """Forgets the messages up to a sequence number."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the file."""
