"""Follows who is at the door and turns the outputs on and off; lends the outbox a sink per webhook and command."""

from collections.abc import Callable, Mapping, Sequence

from ..config.outputs import SituationOutputConfig
from ..config.zone import Zone
from ..outbox.listener import Sink
from .driver import Actuator
from .situation import Presence

Report = Callable[[str, str | None], None]
"""Receives the problem of a part in one sentence, or None when it is healthy (``HealthMonitor.report``)."""


class Outputs:
    """The outputs of one door. Any thread may call it; nothing here blocks the caller, except ``close``.

    Owns the thread ``outputs``, which alone drives the actuators.
    """

    def __init__(
        self,
        actuators: Sequence[tuple[SituationOutputConfig, Actuator]],
        sinks: Sequence[Sink],
        zones: Sequence[Zone],
        report: Report,
    ) -> None:
        self.sinks = sinks

    @property
    def names(self) -> Sequence[str]:
        """The names of all outputs, in the order of the configuration."""
        raise NotImplementedError

    def see(self, presence: Presence) -> None:
        """Takes who is at the door now. Call it after every frame, and when the camera or the pause changes."""
        raise NotImplementedError

    def watch(self, zones: Sequence[Zone]) -> None:
        """Takes other zones: the page may change them."""
        raise NotImplementedError

    def mute(self, muted: Mapping[str, bool]) -> None:
        """Turns outputs off until they are unmuted; an interlock stays in its safe state."""
        raise NotImplementedError

    def fire(self, name: str) -> None:
        """Fires an output once, as a test. Raises ``OutputError`` if there is none of this name."""
        raise NotImplementedError

    def close(self) -> None:
        """Turns everything off, and an interlock into its safe state."""
        raise NotImplementedError
