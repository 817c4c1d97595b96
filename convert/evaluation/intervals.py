"""A share with its uncertainty: hits of cases, resampled picture by picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDS = 1000
"""Bootstrap resamples of the pictures."""


@dataclass(frozen=True, slots=True)
class Share:
    """Hits and cases of each picture, ``(pictures, 2)``: faces of one picture are no independent cases."""

    counts: NDArray[np.float64]

    @property
    def cases(self) -> int:
        return int(self.counts[:, 1].sum())

    @property
    def value(self) -> float:
        return float(self.counts[:, 0].sum() / max(1.0, self.counts[:, 1].sum()))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the values of ``ROUNDS`` resamples of the pictures (Efron's percentile bootstrap)."""
        n = len(self.counts)
        weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), ROUNDS)
        sums = weights @ self.counts
        low, high = np.percentile(sums[:, 0] / np.maximum(1.0, sums[:, 1]), (2.5, 97.5))
        return float(low), float(high)

    def entry(self) -> dict[str, Any]:
        """For a report file."""
        return {"value": round(self.value, 4), "interval": [round(v, 4) for v in self.interval], "of": self.cases}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f}-{high:.3f})" if self.cases else "-"
