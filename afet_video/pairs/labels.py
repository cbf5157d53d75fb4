"""Words and numbers for what moved in an expression.

in: changes of the blendshapes -> out: action units by side.  Must not: choose frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afet_video import facemesh
from afet_video.datatypes import FloatArray

_LISTED, _NAMED, _MOST_NAMED = 0.1, 0.25, 4
"""Strength from which an action unit is listed, and from which the expression is called by it; at most so many."""


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One action unit's stand-in: `left` and `right` (the subject's own) are 0..1, alike where there is no side."""

    au: str
    name: str
    left: float
    right: float

    @property
    def strength(self) -> float:
        """The stronger side's strength."""
        return max(self.left, self.right)


def action_units(change: FloatArray) -> tuple[ActionUnit, ...]:
    """Return the action units that a change (52,) of the blendshapes from rest stands for, the strongest first."""
    strength = np.clip(change, 0.0, 1.0)
    found = []
    for au, name, shape in facemesh.AU_PROXIES:
        left, right = (
            round(float(strength[facemesh.BLENDSHAPES.index(shape.replace("*", side))]), 3)
            for side in ("Left", "Right")
        )
        found.append(ActionUnit(au, name, left, right))
    return tuple(sorted((one for one in found if one.strength >= _LISTED), key=lambda one: -one.strength))


def expression_name(units: tuple[ActionUnit, ...]) -> str:
    """Return a name such as "AU12+AU6", the strongest first; the strongest alone where all are weak."""
    named = [one.au for one in units if one.strength >= _NAMED][:_MOST_NAMED]
    return "+".join(named or [one.au for one in units[:1]]) or "slight"
