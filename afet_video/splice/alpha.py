"""How alpha runs across the face: 0 on the affected half, 1 on the healthy one, a ramp between.

in: midline, side -> out: alpha at any pixel.  Must not: warp anything.

The paper lets alpha grow linearly from the midline to the edge of the moving half, so that a commissure half-way out
moves half as far. `linear` is that ramp. `smooth`, the default, is a narrow smoothstep around the midline: each half
then shows its own movement in full, which is what a palsy looks like on video.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Midline, Side
from afet_video.errors import SettingsError

RAMPS = ("smooth", "linear")

_AT_MOUTH = 1.3
"""How much wider the smooth ramp is at the mouth. The lips hang between its corners like a band: what pulls at one of
them moves all of it, the less the nearer to the other; brows and lids go each by itself."""

_MOUTH_ROWS = (4, 0, 17, 152)
"""Landmarks whose rows bound it: tip of the nose, upper and lower edge of the lips, chin."""


def _no_bend() -> FloatArray:
    return np.array([[0.0], [1.0]], np.float32)


@dataclass(frozen=True, slots=True)
class SpliceSettings:
    """How the halves are joined.

    `ramp`: `smooth` (around the midline) or `linear` (the paper's). `ramp_width`: width of the smooth ramp as a share
    of the half face's width; beside the mouth it is wider (`_AT_MOUTH`), and at 0.5 then ends near the commissures, so
    that the lips bend softly and not at the midline alone. `texture`: `adaptive` keeps the current frame's pixels and
    takes the neutral's only where warping cannot make them; `neutral` takes them everywhere on the affected side, as
    the paper does.
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
    alpha is 0 for d <= `start`, 1 for d >= `stop`, and a ramp (linear or smoothstep) between. `bend` (2, n): rows, in
    increasing order, and a factor on d there, 1 or more: the ramp is so much narrower; straight between, level beyond.
    """

    midline: Midline
    direction: float
    start: float
    stop: float
    is_linear: bool
    bend: FloatArray = field(default_factory=_no_bend)

    @property
    def at_midline(self) -> float:
        """Alpha on the midline itself: 0 with the paper's ramp, which begins there, a half with the smooth one."""
        t = -self.start / (self.stop - self.start)
        return t if self.is_linear else t * t * (3.0 - 2.0 * t)

    def steep_at(self, rows: NDArray[np.floating]) -> FloatArray:
        """Return the factor on the distance from the midline at `rows` (any shape)."""
        return np.asarray(np.interp(rows, self.bend[0], self.bend[1]), np.float32)

    def at(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> FloatArray:
        """Alpha at points of any shape."""
        d = self.direction * (np.asarray(x, np.float32) - self.midline.x_at(y)) * self.steep_at(y)
        t = np.clip((d - self.start) / (self.stop - self.start), 0.0, 1.0)
        if not self.is_linear:
            t = t * t * (3.0 - 2.0 * t)
        return np.asarray(t, np.float32)


def alpha_field(xy: FloatArray, midline: Midline, side: Side, settings: SpliceSettings) -> AlphaField:
    """Return the alpha field of a frame from its landmarks (478, 2 or 3) in pixels and the affected side.

    The half face's width is the largest distance of the healthy half's outline from the midline, as in the paper: the
    number of pixels between the centre of the face and its edge. `start` and `stop` are those at the mouth.
    """
    outline = xy[list(facemesh.FACE_OVAL)]
    left_is_right_in_picture = xy[facemesh.LEFT_EYE_OUTER, 0] > xy[facemesh.RIGHT_EYE_OUTER, 0]
    healthy_is_left = side is Side.RIGHT
    direction = 1.0 if healthy_is_left == left_is_right_in_picture else -1.0
    half_width = float(max((direction * (outline[:, 0] - midline.x_at(outline[:, 1]))).max(), 4.0))
    if settings.ramp == "linear":
        return AlphaField(midline, direction, 0.0, half_width, True)
    reach = _AT_MOUTH * settings.ramp_width * half_width / 2
    return AlphaField(midline, direction, -reach, reach, False, _bend(xy))


def _bend(xy: FloatArray) -> FloatArray:
    """Return `AlphaField.bend` of a face: as wide as it gets from the upper edge of the lips to the lower one."""
    rows = np.maximum.accumulate(xy[list(_MOUTH_ROWS), 1]) + np.arange(4) * 1e-2  # increasing in every pose
    return np.array([rows, [_AT_MOUTH, 1.0, 1.0, _AT_MOUTH]], np.float32)
