"""How sets agree: Jaccard, precision and recall, occurrence, and how one-sided a face is.

in: which units are active, bool -> out: numbers.  Must not: know how a unit is detected.

The formulas are those of the AFET paper (Tan & Iren, Section IV), whose Table II counts half faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]


def jaccard(one: BoolArray, other: BoolArray) -> NDArray[np.float64]:
    """Return |A and B| / |A or B| along the last axis (..., U); two empty sets agree: 1."""
    both = (one & other).sum(axis=-1)
    either = (one | other).sum(axis=-1)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def asymmetry_degree(left: BoolArray, right: BoolArray) -> NDArray[np.float64]:
    """Return 1 - Jaccard(left, right) along the last axis (..., U): 0 = the same units on both sides."""
    return np.asarray(1.0 - jaccard(left, right), np.float64)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one unit of the generated half faces agrees with that of the real ones; counts of half faces.

    `real`, `generated`: how often it occurs; `both`: in the same half face.
    """

    real: int
    generated: int
    both: int

    @property
    def precision(self) -> float | None:
        """Share of the generated occurrences that are right; None if there is none."""
        return self.both / self.generated if self.generated else None

    @property
    def recall(self) -> float | None:
        """Share of the real occurrences that were generated; None if there is none."""
        return self.both / self.real if self.real else None

    @property
    def f_score(self) -> float | None:
        """Harmonic mean of the two, 2 both / (real + generated); None if it occurs in neither."""
        total = self.real + self.generated
        return 2 * self.both / total if total else None


def agreement(real: BoolArray, generated: BoolArray) -> list[Agreement]:
    """Return how each unit agrees, from half faces (H, U)."""
    return [Agreement(int(a.sum()), int(b.sum()), int((a & b).sum())) for a, b in zip(real.T, generated.T, strict=True)]
