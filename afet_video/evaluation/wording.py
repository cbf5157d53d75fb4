"""Values and targets of figures as text, for the screen and for the page.

in: numbers -> out: text.  Must not: know how the text is laid out or escaped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """How limits and an infinite value (two pictures are equal, in dB) are written."""

    at_most: str
    at_least: str
    infinite: str


ASCII = Signs("<=", ">=", "inf")
"""For terminals, and for tables that are pasted anywhere."""

TYPESET = Signs("≤", "≥", "∞ (equal)")


def number_text(value: float | None, signs: Signs = TYPESET, *, digits: int = 3) -> str:
    """Return a value as text: "n/a" for None, whole numbers whole but for a 1 that was measured."""
    if value is None:
        return "n/a"
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return signs.infinite if value > 0 else f"-{signs.infinite}"
    return f"{value:.0f}" if value.is_integer() and abs(value) != 1 else f"{value:.{digits}f}"


def target_text(target: tuple[float | None, float | None], signs: Signs = TYPESET) -> str:
    """Return the lowest and highest value aimed at as text; "" if there is no limit."""
    low, high = target
    if low is None:
        return "" if high is None else f"{signs.at_most} {high:g}"
    return f"{signs.at_least} {low:g}" if high is None else f"{low:g} to {high:g}"
