"""The paper's formulas: sets with known overlap, and its own Table II."""

from __future__ import annotations

import numpy as np
import pytest

from afet_video.evaluation.units.names import UNITS
from afet_video.metrics.agreement import agreement, asymmetry_degree, jaccard


def sets(*rows: str) -> np.ndarray:
    return np.array([[letter == "x" for letter in row] for row in rows])


def test_jaccard_of_known_sets() -> None:
    left, right = sets("xx..", "x...", "....", "xx.."), sets(".xx.", "...x", "....", "xx..")
    assert jaccard(left, right).tolist() == pytest.approx([1 / 3, 0, 1, 1])
    assert asymmetry_degree(left, right).tolist() == pytest.approx([2 / 3, 1, 0, 0])


def test_agreement_counts_half_faces() -> None:
    first, second, third = agreement(sets("x..", "x..", ".x."), sets("x..", ".x.", ".x."))
    assert (first.real, first.generated, first.both) == (2, 1, 1)
    assert (first.precision, first.recall, first.f_score) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (second.precision, second.recall) == (0.5, 1.0)
    assert (third.precision, third.recall, third.f_score) == (None, None, None)


def test_the_papers_table_follows_the_same_formulas() -> None:
    for unit in UNITS:
        harmonic = 2 * unit.precision * unit.recall / (unit.precision + unit.recall)
        assert unit.f_score == pytest.approx(harmonic, abs=0.0011), unit.code
        # both = precision * generated = recall * real, up to rounding
        assert unit.precision * unit.generated == pytest.approx(unit.recall * unit.real, abs=0.6), unit.code
