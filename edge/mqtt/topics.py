"""Topic names of one camera (the wire contract, with messages.py)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names of one camera: ``prefix/device/...``."""

    prefix: str
    device: str

    @property
    def root(self) -> str:
        return f"{self.prefix}/{self.device}"

    def __getattr__(self, name: str) -> str:
        """``status``, ``alert``, ``state``, ``health``, ``stats``, ``snapshot``, ``enabled_set``, ``enabled_state``."""
        if name not in ("status", "alert", "state", "health", "stats", "snapshot", "enabled_set", "enabled_state"):
            raise AttributeError(name)
        return f"{self.root}/{name.replace('_', '/')}"
