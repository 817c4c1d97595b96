"""The labels that a model may have, which of them are faults, and one classified face."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from .geometry import Box

Label = Literal["mask", "no_mask", "incorrect_mask", "not_face"]
LABELS: tuple[Label, ...] = get_args(Label)
"""Every label that a model may have. ``not_face`` is the reject class, for detections that show no face."""
EventType = Literal["no_mask", "incorrect_mask"]
FAULTS: tuple[EventType, ...] = get_args(EventType)
"""Labels that cause an alert; each is also the alert's ``event_type``."""


@dataclass(frozen=True, slots=True)
class Face:
    """One classified face: its box in the full image, and a probability per label of the model."""

    box: Box
    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        """The most probable label; the reject class is left out."""
        known = {name: p for name, p in self.probabilities.items() if name != "not_face"}
        return max(known, key=lambda name: known[name])

    @property
    def score(self) -> float:
        """The probability of ``label``."""
        return self.probabilities[self.label]

    def as_json(self) -> dict[str, Any]:
        """Returns box, label and score as the commands and the page print them."""
        return {"box": list(self.box), "label": self.label, "score": round(self.score, 3)}
