"""The seams behind which the drivers are: what is on or off, what alerts are delivered to, and the emergency release."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..config.outputs import Situation


class Actuator(Protocol):
    """Something at the door that is on or off. Belongs to the thread ``outputs``.

    It begins off. No method blocks for longer than some milliseconds. Each raises ``OutputError`` when the hardware
    does not answer; the next call tries again.
    """

    def set(self, on: bool, situation: Situation) -> None:
        """Turns it on in a situation, or off. Called at changes, and when another situation keeps it on."""
        ...

    def close(self) -> None:
        """Turns it off and gives it back. An interlock stays as it was set last, as far as the hardware allows."""
        ...


class Release(Protocol):
    """The emergency release of an interlock: an input at the door. Any thread may ask it."""

    def watch(self, changed: Callable[[], None]) -> None:
        """Calls ``changed`` at each change from now on, from any thread. It returns at once."""
        ...

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
