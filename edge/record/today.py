"""Sums up the day so far."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .bias import BIAS, BIASED
from .counts import Counts, mask_share


@dataclass(slots=True)
class Today:
    """The sums of the local day so far. ``is_biased`` tells that somebody was counted by a detector that is."""

    counts: Counts = field(default_factory=Counts)
    is_biased: bool = False

    def add(self, counts: Counts, detector: str) -> None:
        """Adds what a detector has counted."""
        self.counts.add(counts)
        self.is_biased |= bool(counts.people) and detector == BIASED

    def message(self) -> dict[str, Any]:
        """Returns the sums as they are published. ``people`` are those of whom it is known what they wore."""
        counts, share = self.counts, mask_share(self.counts)
        return {
            "people": counts.judged,
            "mask": counts.mask,
            "no_mask": counts.no_mask,
            "incorrect_mask": counts.incorrect_mask,
            "unsure": counts.unsure,
            "alerts": counts.alerts,
            "mask_share": asdict(share) if share else None,
            "note": BIAS if self.is_biased else None,
        }
