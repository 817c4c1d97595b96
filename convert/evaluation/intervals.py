"""Computes shares with confidence intervals, resampled picture by picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Bootstrap resamples of the pictures."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of hits among cases. ``counts`` holds both per picture, ``(pictures, 2)``.

    Faces of one picture are not independent, so the pictures are the unit that is resampled.
    """

    counts: NDArray[np.float64]

    @property
    def cases(self) -> int:
        return int(self.counts[:, 1].sum())

    @property
    def value(self) -> float:
        return float(self.counts[:, 0].sum() / max(1.0, self.counts[:, 1].sum()))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval over ``RESAMPLES`` resamples of the pictures (Efron's percentile bootstrap)."""
        n = len(self.counts)
        weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
        sums = weights @ self.counts
        low, high = np.percentile(sums[:, 0] / np.maximum(1.0, sums[:, 1]), (2.5, 97.5))
        return float(low), float(high)

    def entry(self) -> dict[str, Any]:
        """Returns the share for a report file; ``of`` is the number of cases."""
        return {"value": round(self.value, 4), "interval": [round(v, 4) for v in self.interval], "of": self.cases}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f}-{high:.3f})" if self.cases else "-"
