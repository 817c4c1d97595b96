"""Where alerts and states go: the seam, and standard output; ``sender`` has MQTT."""

import sys
from typing import Protocol, TextIO

from .mqtt.messages import AlertMessage, Health, State, Stats, encode


class Publisher(Protocol):
    """Where alerts and states go."""

    @property
    def waiting(self) -> int: ...

    @property
    def enabled(self) -> bool: ...

    @property
    def alive(self) -> bool: ...

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None: ...

    def show(self, message: State | Health | Stats) -> None: ...

    def close(self, timeout: float = 3.0) -> bool: ...


class PrintPublisher:
    """Alerts as JSON lines on a stream, as they would be sent."""

    waiting, enabled, alive = 0, True, True

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        print(encode(alert).decode(), file=self._out, flush=True)

    def show(self, message: State | Health | Stats) -> None:
        """States are for subscribers."""

    def close(self, timeout: float = 3.0) -> bool:
        return True


class Both:
    """Two publishers as one."""

    def __init__(self, first: Publisher, second: Publisher) -> None:
        self._all = (first, second)

    @property
    def waiting(self) -> int:
        return sum(each.waiting for each in self._all)

    @property
    def enabled(self) -> bool:
        return all(each.enabled for each in self._all)

    @property
    def alive(self) -> bool:
        return all(each.alive for each in self._all)

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        for each in self._all:
            each.publish(alert, picture)

    def show(self, message: State | Health | Stats) -> None:
        for each in self._all:
            each.show(message)

    def close(self, timeout: float = 3.0) -> bool:
        return all([each.close(timeout) for each in self._all])
