"""The seams behind which the drivers are: what is on or off, what takes alerts, and the emergency release."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..config.outputs import Situation
from ..config.zone import Zone
from ..outbox.listener import Sink


class Actuator(Protocol):
    """Something at the door that is on or off. Belongs to the thread ``outputs``.

    It begins off. No method blocks for longer than some milliseconds. Each raises ``OutputError`` when the hardware
    does not answer; the next call tries again.
    """

    def set(self, on: bool, situation: Situation) -> None:
        """Turns it on in a situation, or off. Called at changes, when another situation keeps it on, and with the same
        values every few seconds, so that a fault is noticed."""
        ...

    def close(self) -> None:
        """Turns it off and gives it back. An interlock stays as it was set last, as far as the hardware allows."""
        ...


@runtime_checkable
class Testable(Protocol):
    """An actuator that must know that it is tested."""

    def test(self) -> None:
        """Makes the ``set`` that follows have an effect at once. Raises ``OutputError`` if it will have none."""
        ...


class Release(Protocol):
    """The emergency release of an interlock: an input at the door. The thread ``outputs`` asks it again and again."""

    def active(self) -> bool:
        """Returns whether somebody releases now. Raises ``OutputError`` if the input cannot be read."""
        ...

    def close(self) -> None:
        """Gives the input back."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an alert was not taken, whether another attempt can succeed, and the pause in seconds that is asked for."""

    reason: str
    retry: bool
    pause: float | None = None


class Recipient(Protocol):
    """Something that takes alerts, one after the other. Belongs to the thread ``output-NAME``."""

    def deliver(self, payload: bytes) -> Failure | None:
        """Delivers an alert (its JSON, as published); None if it was taken. May block for some seconds."""
        ...

    def close(self) -> None:
        """Ends a delivery that is under way, from any thread."""
        ...


class AlertSink(Sink, Protocol):
    """A webhook or command with its queue. Any thread may call it."""

    @property
    def muted(self) -> bool:
        """Returns whether it takes no new alerts."""
        ...

    def mute(self, muted: bool) -> None:
        """Takes no new alerts while it is muted. Those that wait are delivered."""
        ...

    def watch(self, zones: Sequence[Zone]) -> None:
        """Takes other zones: the page may change them."""
        ...

    def fire(self) -> None:
        """Delivers a test, beside the queue. May block for some seconds. Raises ``OutputError`` if it is not taken."""
        ...

    def close(self, deadline: float) -> None:
        """Ends its thread; delivers what waits until ``deadline`` (monotonic seconds), if it can."""
        ...
