"""Remembers which retained messages a camera has left at which broker, so that they can be taken back later.

A retained message outlives the camera, its name and its configuration: Home Assistant would show a device that nobody
has any more. What is announced is written to disk before it is published, and removed when a broker has acknowledged
that it is gone.
"""

import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..config.schema import Config, MqttConfig
from ..files import replace as replace_file
from ..listening import host_and_port
from ..paths import read_text
from . import homeassistant
from .topics import Topics, client_id, retained_topics

log = logging.getLogger(__name__)

Key = tuple[str, int, str, str]
"""What makes another announcement: host and port of the broker, prefix and name."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Retained topics of one camera name at one broker. ``broker`` names files with secrets, never a secret."""

    broker: MqttConfig
    device: str
    topics: tuple[str, ...]

    @property
    def where(self) -> str:
        """Returns the address of the broker, for people."""
        return host_and_port(self.broker.host, self.broker.port)

    @property
    def key(self) -> Key:
        """Returns host and port of the broker, prefix and name."""
        return self.broker.host, self.broker.port, self.broker.prefix, self.device

    @property
    def client_id(self) -> str:
        """Returns the client id of the camera under this name."""
        return client_id(self.broker, self.device)

    @property
    def root(self) -> str:
        """Returns the beginning of the camera's own topics."""
        return Topics(self.broker.prefix, self.device).root

    @property
    def days(self) -> tuple[str, ...]:
        """Returns the topics of the days whose counts are at the broker."""
        return tuple(
            topic for topic in self.topics if topic.startswith(Topics(self.broker.prefix, self.device).day(""))
        )

    def at_broker_of(self, other: "Announcement") -> bool:
        """Returns whether both are at the same broker, as it was configured."""
        return self.key[:2] == other.key[:2]

    def may_see_password_of(self, other: "Announcement") -> bool:
        """Returns whether this broker is given the other's password: it asks for a login, and is no less trusted."""
        trusted = self.broker.host == other.broker.host and (self.broker.tls or not other.broker.tls)
        return bool(self.broker.user) and trusted

    def with_login_of(self, other: "Announcement") -> "Announcement":
        """Returns the announcement with the other's way to log in, which is newer, if both are at the same broker."""
        if not self.at_broker_of(other):
            return self
        return replace(self, broker=replace(other.broker, prefix=self.broker.prefix))

    def without(self, topics: Iterable[str]) -> "Announcement":
        """Returns the announcement without these topics."""
        gone = set(topics)
        return replace(self, topics=tuple(topic for topic in self.topics if topic not in gone))

    def only(self, topics: Iterable[str]) -> "Announcement":
        """Returns the announcement with these topics alone."""
        return replace(self, topics=tuple(topics))


def announcement(config: Config, *, discovery: bool) -> Announcement:
    """Returns every retained topic of a camera; Home Assistant's comes first, as that one removes the device there."""
    entities = [homeassistant.topic(config)] if discovery else []
    return Announcement(config.mqtt, config.device.name, (*entities, *retained_topics(config)))


class Announced:
    """The announcements that stand in a file. Any thread may call it.

    A file that cannot be read counts as empty, and one that cannot be written is no error: the messages are published
    nevertheless, and remembered until the process ends. Without a file nothing outlives the process.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._all = {one.key: one for one in (_read(path) if path else [])}

    @property
    def all(self) -> list[Announcement]:
        """Returns everything that is remembered, the oldest first."""
        with self._lock:
            return list(self._all.values())

    def add(self, new: Announcement) -> None:
        """Remembers an announcement; it is on disk afterwards, so that it may be published."""
        with self._lock:
            before = self._all.copy()
            self._all |= _merged(before, new)
            if self._all != before:
                self._write()

    def and_also(self, other: Announcement) -> list[Announcement]:
        """Returns everything that is remembered and another announcement, which is not remembered."""
        with self._lock:
            return list((self._all | _merged(self._all, other)).values())

    def take_over(self, path: Path) -> None:
        """Remembers what stands in another camera's file, and deletes that file."""
        for one in _read(path):
            self.add(one)
        path.unlink(missing_ok=True)

    def remove(self, gone: Announcement) -> None:
        """Forgets the topics of an announcement."""
        with self._lock:
            if (old := self._all.get(gone.key)) is not None:
                rest = old.without(gone.topics)
                if rest.topics:
                    self._all[gone.key] = rest
                else:
                    del self._all[gone.key]
                self._write()

    def days_of(self, camera: Announcement) -> tuple[str, ...]:
        """Returns the topics of the days that a camera has announced."""
        with self._lock:
            known = self._all.get(camera.key)
        return known.days if known else ()

    def stale(self, now: Announcement) -> list[Announcement]:
        """Returns what is remembered, but is not announced ``now``. The camera's own days come and go by themselves."""
        known = (*now.topics, *self.days_of(now))
        rests = [one.without(known) if one.at_broker_of(now) else one for one in self.all]
        return [one.with_login_of(now) for one in rests if one.topics]

    def _write(self) -> None:
        if self._path is None:
            return
        text = json.dumps({"announced": [asdict(one) for one in self._all.values()]}, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._path, text.encode("utf-8"))
        except OSError as error:
            log.warning(
                "%s cannot be written (%s): retained messages of an earlier configuration may stay at the broker; "
                "maskwatch forget removes them",
                self._path, error.strerror,
            )  # fmt: skip


def _merged(known: dict[Key, Announcement], new: Announcement) -> dict[Key, Announcement]:
    old = known.get(new.key)
    return {new.key: replace(new, topics=tuple(dict.fromkeys((*new.topics, *(old.topics if old else ())))))}


def _read(path: Path) -> list[Announcement]:
    try:
        entries = json.loads(read_text(path))["announced"]
        return [_announcement(**entry) for entry in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        log.warning("%s cannot be read (%s): what was announced earlier is not known", path, error)
        return []


def _announcement(broker: dict[str, Any], device: str, topics: list[str]) -> Announcement:
    """Raises ``TypeError`` or ``ValueError`` for an entry that this program has not written."""
    known = {entry.name: type(entry.default) for entry in fields(MqttConfig)}  # another version may have others
    values: dict[str, Any] = {name: value for name, value in broker.items() if isinstance(value, known.get(name, ()))}
    if not all(isinstance(text, str) for text in (device, *topics)):
        raise ValueError("device and topics must be texts")
    return Announcement(MqttConfig(**values), device, tuple(topics))
