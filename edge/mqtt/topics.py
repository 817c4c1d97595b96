"""Topic names of one camera (the wire contract, with messages.py)."""

from dataclasses import dataclass

from .messages import AlertMessage, Health, State, Stats


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names of one camera: ``prefix/device/...``."""

    prefix: str
    device: str

    @property
    def root(self) -> str:
        """What all topics of this camera begin with."""
        return f"{self.prefix}/{self.device}"

    @property
    def status(self) -> str:
        """``online`` or ``offline``; the last will."""
        return f"{self.root}/status"

    @property
    def snapshot(self) -> str:
        """The JPEG that goes with an alert."""
        return f"{self.root}/snapshot"

    @property
    def enabled_set(self) -> str:
        """The command that pauses and resumes watching."""
        return f"{self.root}/enabled/set"

    @property
    def enabled_state(self) -> str:
        """Whether watching is paused."""
        return f"{self.root}/enabled/state"

    @property
    def alert(self) -> str:
        """One message per person and episode."""
        return self.of(AlertMessage)

    @property
    def state(self) -> str:
        """Who is there now."""
        return self.of(State)

    @property
    def health(self) -> str:
        """How the monitor is."""
        return self.of(Health)

    @property
    def stats(self) -> str:
        """Numbers about the process."""
        return self.of(Stats)

    def of(self, message: AlertMessage | State | Health | Stats | type[AlertMessage | State | Health | Stats]) -> str:
        """The topic of a message, or of a class of messages."""
        return f"{self.root}/{message.topic}"
