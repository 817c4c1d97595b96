"""Tells how much of a report was counted by the detector whose counts are biased."""

from dataclasses import dataclass

BIASED = "haar"
"""The detector whose counts are biased."""
FINDS = "one of three masked faces and two of three bare ones"
ADVICE = "yunet finds nearly all (maskwatch set --detector yunet)"
BIAS = f"counted with the detector {BIASED}, which finds {FINDS}: the share with a mask is too low; {ADVICE}"
MOST_NAMES = 5
"""Doors that are named."""


@dataclass(frozen=True, slots=True)
class Bias:
    """The doors at which the biased detector counted, of how many, and the people whom it counted, of how many.

    The report of one door has no names.
    """

    doors: tuple[str, ...]
    of_doors: int
    people: int
    of_people: int

    @property
    def is_partial(self) -> bool:
        """Returns whether only some of several doors are meant, so that a note must say which."""
        return 0 < len(self.doors) < self.of_doors

    @property
    def names(self) -> str:
        """Returns the names of the doors; of many, the first ones."""
        return ", ".join([*self.doors[:MOST_NAMES], *(["…"] if self.doors[MOST_NAMES:] else [])])

    @property
    def note(self) -> str:
        """Returns the sentence that belongs to the numbers."""
        if not self.is_partial:
            return BIAS
        return (
            f"{len(self.doors)} of {self.of_doors} doors ({self.names}), {self.people} of {self.of_people} people, "
            f"were counted with the detector {BIASED}, which finds {FINDS}: "
            f"there the share with a mask is too low; {ADVICE}"
        )
