"""Expressions by name, for those who have no driving picture.

in: a name -> out: shifts of the expression, and how wide eyes and lips shall be.  Must not: run a network.

The keypoints are latent, so what a shift does is known from trying alone. The numbers come from the sliders of the
authors' own demonstration (LivePortrait, `src/gradio_pipeline.py` and `app.py`, MIT licence), at or near their upper
ends; eyes and lips are left to the networks that the authors trained for them. They have not been tried here with the
published weights: look at the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from afet_video.datatypes import FloatArray
from afet_video.errors import SettingsError

X, Y, Z = 0, 1, 2


@dataclass(frozen=True, slots=True)
class NamedExpression:
    """What an expression at full strength is.

    `shifts`: (keypoint, axis, lattice units) to add. `eyes_open`, `lips_open`: opening of lids and lips to aim at, as
    a share of their width; None leaves them.
    """

    shifts: tuple[tuple[int, int, float], ...] = ()
    eyes_open: float | None = None
    lips_open: float | None = None

    def offset(self, keypoints: int) -> FloatArray:
        """Return the shifts as an array (K, 3)."""
        offset = np.zeros((keypoints, 3), np.float32)
        for point, axis, amount in self.shifts:
            offset[point, axis] += amount
        return offset


_SMILE = (
    *((20, Y, -0.010), (14, Y, -0.020), (17, Y, 0.0065), (17, Z, 0.003)),
    *((13, Y, -0.00275), (16, Y, -0.00275), (3, Y, -0.0035), (7, Y, -0.0035)),
)

EXPRESSIONS: Mapping[str, NamedExpression] = MappingProxyType(
    {
        "smile": NamedExpression(_SMILE),
        "brow-raise": NamedExpression(((1, Y, 0.020), (2, Y, -0.020))),
        "frown": NamedExpression(((1, X, 0.020), (2, X, -0.020), (1, Y, -0.006), (2, Y, 0.006))),
        "eyes-closed": NamedExpression(eyes_open=0.0),
        "pucker": NamedExpression(((14, Y, 0.015), (3, Y, -0.0075), (7, Y, -0.0075), (17, Z, -0.0075))),
        "grin": NamedExpression(((20, Z, -0.015), (20, Y, -0.015), (14, Y, -0.015))),
        "open-mouth": NamedExpression(lips_open=0.5),
    }
)


def expression_named(name: str) -> NamedExpression:
    """Return the expression called `name`.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    if name not in EXPRESSIONS:
        raise SettingsError(f'there is no expression "{name}": choose one of {", ".join(sorted(EXPRESSIONS))}')
    return EXPRESSIONS[name]
