"""What is on a face: the labels that a model may give, which of them are faults, and one classified face."""

from dataclasses import dataclass

from .geometry import Box

FAULTS = ("no_mask", "incorrect_mask")
"""Labels that are worth an alert; each is also the alert's ``event_type``."""
LABELS = ("mask", "no_mask", "incorrect_mask", "not_face")
"""Every label a model may have. ``not_face`` is the reject class: what a cascade fires on that is no face."""


@dataclass(frozen=True, slots=True)
class Face:
    """One classified face: its box in the full image and a probability per label of the model."""

    box: Box
    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        """The likeliest label, the reject class apart."""
        known = {name: p for name, p in self.probabilities.items() if name != "not_face"}
        return max(known, key=lambda name: known[name])

    @property
    def score(self) -> float:
        return self.probabilities[self.label]
