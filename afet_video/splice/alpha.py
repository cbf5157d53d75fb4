"""How alpha runs across the face: 0 on the affected half, 1 on the healthy one, a ramp between.

in: midline, side -> out: alpha at any pixel.  Must not: warp anything.

The paper lets alpha grow linearly from the midline to the edge of the moving half, so that a commissure half-way out
moves half as far. `linear` is that ramp. `smooth`, the default, is a narrow smoothstep around the midline: each half
then shows its own movement in full, which is what a palsy looks like on video.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Midline, Side
from afet_video.errors import SettingsError

RAMPS = ("smooth", "linear")


@dataclass(frozen=True, slots=True)
class SpliceSettings:
    """How the halves are joined.

    `ramp`: `smooth` (around the midline) or `linear` (the paper's). `ramp_width`: width of the smooth ramp as a share
    of the half face's width; at 0.5 it ends inside the commissures, so that the lips bend softly and
    not at the midline alone. `texture`: `adaptive` keeps the current frame's pixels and takes the neutral's only where
    warping cannot make them; `neutral` takes them everywhere on the affected side, as the paper does.
    """

    ramp: str = "smooth"
    ramp_width: float = 0.5
    texture: str = "adaptive"

    def __post_init__(self) -> None:
        if self.ramp not in RAMPS:
            raise SettingsError(f'splice.ramp "{self.ramp}" is unknown: choose smooth or linear')
        if not 0.02 <= self.ramp_width <= 2.0:
            raise SettingsError(f"splice.ramp_width {self.ramp_width} is out of range: choose 0.02 to 2")
        if self.texture not in ("adaptive", "neutral"):
            raise SettingsError(f'splice.texture "{self.texture}" is unknown: choose adaptive or neutral')


@dataclass(frozen=True, slots=True, eq=False)
class AlphaField:
    """Alpha of one frame as a function of the pixel.

    `direction` is +1 where the healthy half lies at larger x, else -1. With d = direction * (x - midline(y)) in pixels,
    alpha is 0 for d <= `start`, 1 for d >= `stop`, and a ramp (linear or smoothstep) between.
    """

    midline: Midline
    direction: float
    start: float
    stop: float
    is_linear: bool

    @property
    def at_midline(self) -> float:
        """Alpha on the midline itself: 0 with the paper's ramp, which begins there, a half with the smooth one."""
        t = -self.start / (self.stop - self.start)
        return t if self.is_linear else t * t * (3.0 - 2.0 * t)

    def at(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> FloatArray:
        """Alpha at points of any shape."""
        d = self.direction * (np.asarray(x, np.float32) - self.midline.x_at(y))
        t = np.clip((d - self.start) / (self.stop - self.start), 0.0, 1.0)
        if not self.is_linear:
            t = t * t * (3.0 - 2.0 * t)
        return np.asarray(t, np.float32)


def alpha_field(xy: FloatArray, midline: Midline, side: Side, settings: SpliceSettings) -> AlphaField:
    """Return the alpha field of a frame from its landmarks (478, 2 or 3) in pixels and the affected side.

    The half face's width is the largest distance of the healthy half's outline from the midline, as in the paper: the
    number of pixels between the centre of the face and its edge.
    """
    outline = xy[list(facemesh.FACE_OVAL)]
    left_is_right_in_picture = xy[facemesh.LEFT_EYE_OUTER, 0] > xy[facemesh.RIGHT_EYE_OUTER, 0]
    healthy_is_left = side is Side.RIGHT
    direction = 1.0 if healthy_is_left == left_is_right_in_picture else -1.0
    half_width = float(max((direction * (outline[:, 0] - midline.x_at(outline[:, 1]))).max(), 4.0))
    if settings.ramp == "linear":
        return AlphaField(midline, direction, 0.0, half_width, True)
    reach = settings.ramp_width * half_width / 2
    return AlphaField(midline, direction, -reach, reach, False)
