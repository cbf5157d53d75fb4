"""Values and targets as text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from afet_video.evaluation.wording import ASCII, TYPESET, number_text, target_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "n/a"), (3, "3"), (1, "1"), (1.0, "1.000"), (48.0, "48"), (0.0, "0"), (0.12345, "0.123"), (-2.5, "-2.500")],
)
def test_a_value_is_as_long_as_it_says_something(value: float | None, text: str) -> None:
    assert number_text(value) == number_text(value, ASCII) == text


def test_digits_and_the_infinite() -> None:
    assert number_text(12.34, ASCII, digits=1) == "12.3"
    assert number_text(np.float64(4), ASCII) == "4"
    assert [number_text(math.inf, signs) for signs in (ASCII, TYPESET)] == ["inf", "∞ (equal)"]
    assert number_text(-math.inf, ASCII) == "-inf"
    assert number_text(math.nan, ASCII) == "nan"


@pytest.mark.parametrize(
    ("target", "plain", "typeset"),
    [
        ((None, None), "", ""),
        ((None, 1.1), "<= 1.1", "≤ 1.1"),
        ((40.0, None), ">= 40", "≥ 40"),
        ((0.0, None), ">= 0", "≥ 0"),
        ((0.9, 1.1), "0.9 to 1.1", "0.9 to 1.1"),
    ],
)
def test_a_target_is_a_limit_or_two(target: tuple[float | None, float | None], plain: str, typeset: str) -> None:
    assert target_text(target, ASCII) == plain
    assert target_text(target) == typeset
