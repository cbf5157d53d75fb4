"""The paper's 12 action units and what it found.

in: nothing -> out: names, published numbers.  Must not: compute.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One action unit: FACS number, name, and the AFET rows of the paper's Table II."""

    number: int
    name: str
    precision: float
    recall: float
    f_score: float
    real: int
    generated: int

    @property
    def code(self) -> str:
        """As in "AU12"."""
        return f"AU{self.number}"


UNITS = (
    Unit(1, "inner brow raiser", 0.782, 0.812, 0.797, 128, 133),
    Unit(2, "outer brow raiser", 0.731, 0.731, 0.731, 67, 67),
    Unit(4, "brow lowerer", 0.443, 0.711, 0.545, 38, 61),
    Unit(6, "cheek raiser", 0.721, 0.388, 0.504, 80, 43),
    Unit(7, "lid tightener", 0.970, 0.785, 0.868, 205, 166),
    Unit(10, "upper lip raiser", 0.904, 0.671, 0.770, 140, 104),
    Unit(12, "lip corner puller", 0.930, 0.606, 0.733, 109, 71),
    Unit(14, "dimpler", 0.438, 0.206, 0.280, 34, 16),
    Unit(15, "lip corner depressor", 0.651, 0.368, 0.471, 76, 43),
    Unit(17, "chin raiser", 0.758, 0.690, 0.723, 168, 153),
    Unit(23, "lip tightener", 0.571, 0.412, 0.479, 68, 49),
    Unit(24, "lip pressor", 0.300, 0.375, 0.333, 24, 30),
)
"""The units that the paper counts, with its Table II (rows AFET)."""

PAPER_JACCARD_BOTH, PAPER_JACCARD_EXPRESSIVE = 0.524, 0.551
PAPER_ASYMMETRY_GENERATED, PAPER_ASYMMETRY_REAL = 0.650, 0.583
PAPER_NUMBER_GENERATED, PAPER_NUMBER_REAL = (3.8, 1.8), (4.5, 2.1)
"""Mean and standard deviation of the number of units in an image."""

WHAT_DIFFERS = (
    "The paper compares still images of 139 generated faces with real ones of patients (MEEI), LivePortrait carrying "
    "the expression over; here the frames of one video are compared with the same person's own source: healthy half "
    "with the source's healthy half, affected half with the person's neutral. That is easier, so numbers above the "
    "paper's do not mean a better method. The paper detects units by OpenGraphAU in facetorch."
)
"""Printed beside the paper's numbers."""
