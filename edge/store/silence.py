"""Gives up waiting for a database that is silent."""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from ..timing import running

T = TypeVar("T")


def limited(steps: Generator[Any, Any, T], seconds: float, give_up: Callable[[], None]) -> Generator[Any, Any, T]:
    """Returns the steps of a driver that waits for its server, with an end: after so many seconds without a byte.

    A server that is stopped keeps its connections, and no limit of its own ends a statement then. ``give_up`` must
    close the connection, so that nothing waits for it again. The driver goes on several times per second, with a false
    value if nothing has come. Raises ``TimeoutError``.
    """
    heard_at = running()
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if ready:
                heard_at = running()
            elif running() - heard_at > seconds:
                give_up()
                raise TimeoutError
            wanted = steps.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result
