"""How a head's motion is put together, taken over from another face, and scaled.

in: what the networks say of a picture -> out: keypoints.  Must not: run a network, see a picture.

K = 21 keypoints, latent points that the networks learned by themselves. Their places are lattice units: x to the
right, y down, z inwards, the crop spans -1 to 1. They are no landmarks: none is "the corner of the mouth". Formulas
are those of arXiv:2407.03168 and of the authors' program; the code is our own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

Region = Literal["all", "expression", "lips", "eyes", "pose"]
"""Which part of the motion is taken over."""

_BIN_DEG = 3.0
_FIRST_BIN_DEG = -97.5

LIP_POINTS = (6, 12, 14, 17, 19, 20)
EYE_POINTS = (11, 13, 15, 16, 18)
_FREE_POINTS = (1, 2, 6, *range(11, 21))
_FREE_AXES = {3: (1,), 4: (1,), 5: (2,), 8: (2,), 9: (1, 2)}
"""Where the authors let another face's expression in: whole points, and single axes of others. The rest of the
expression belongs to the shape of the head."""

# fmt: off
_RESTING_LIPS = (
    (-95, 242, -40), (209, 468, 13), (-125, 325, 4), (120, -457, 54), (-265, -75, -16), (-33, -183, -3),
    (0, 0, 2), (-541, 2633, 7), (-12, 5, 10), (1, 5, -409), (167, -20, -89), (-15, 83, 6), (0, 3, 2),
    (-66, -68, -3), (-833, -1796, -3), (7, 37, -2), (-5, 7, -10), (-637, -1166, 56), (283, -15, 11),
    (-4, -15091, -2549), (222, 5628, 2726),
)
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What M says of one face.

    `keypoints` (K, 3): the person's points, without pose and expression. `rotation` (3, 3): the head's, to be
    multiplied from the right. `expression` (K, 3): shifts of the points. `scale`, `translation` (2,): of the head in
    the crop. Lattice units, float32.
    """

    keypoints: FloatArray
    rotation: FloatArray
    expression: FloatArray
    scale: float
    translation: FloatArray

    def placed(self) -> FloatArray:
        """Return the keypoints as the networks need them, (K, 3): turned, shifted by the expression, scaled, moved."""
        points = self.scale * (self.keypoints @ self.rotation + self.expression)
        points[:, :2] += self.translation
        return np.asarray(points, np.float32)

    def with_expression(self, expression: FloatArray) -> Motion:
        """Return the same head with another expression (K, 3)."""
        return dataclasses.replace(self, expression=np.asarray(expression, np.float32))


def angle_from_bins(scores: FloatArray) -> float:
    """Return the angle in degrees that the scores (bins,) of M mean: the mean over 3-degree bins from -97.5."""
    weight = np.exp(scores - scores.max())
    return float((weight * np.arange(len(scores))).sum() / weight.sum() * _BIN_DEG + _FIRST_BIN_DEG)


def rotation_matrix(pitch_deg: float, yaw_deg: float, roll_deg: float) -> FloatArray:
    """Return the rotation (3, 3) of a head, to be multiplied from the right: (Rz Ry Rx) transposed."""
    (cx, cy, cz), (sx, sy, sz) = (f(np.radians([pitch_deg, yaw_deg, roll_deg])) for f in (np.cos, np.sin))
    around_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    around_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    around_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray((around_z @ around_y @ around_x).T, np.float32)


def resting_expression() -> FloatArray:
    """Return the expression (21, 3) of a face at rest with closed lips, on average.

    What the authors subtract from a single driving picture, of which no neutral one is at hand: the 63 numbers of
    `src/utils/resources/lip_array.pkl` of LivePortrait (MIT licence), rounded to a millionth.
    """
    return np.array(_RESTING_LIPS, np.float32) * np.float32(1e-6)


def relative_motion(source: Motion, driving: Motion, reference: FloatArray, *, region: Region = "all") -> Motion:
    """Return the source's head with the driving face's change of expression added to its own.

    Parameters
    ----------
    source, driving : of the photo, and of the face whose expression is taken over.
    reference : (K, 3) expression of the driving face at rest.
    region : where. "pose" takes nothing: one driving picture has no change of pose.
    """
    added = source.expression + (driving.expression - reference)
    if region == "pose":
        return source
    if region in ("all", "expression"):
        return source.with_expression(added)
    points = list(LIP_POINTS if region == "lips" else EYE_POINTS)
    expression = source.expression.copy()
    expression[points] = added[points]
    return source.with_expression(expression)


def absolute_motion(source: Motion, driving: Motion, *, region: Region = "all") -> Motion:
    """Return the source's head with the driving face's expression (and, with "all" or "pose", pose) in its own's place.

    Points and axes of the expression that belong to the shape of the head stay the source's.
    """
    expression = source.expression.copy()
    if region in ("all", "expression"):
        expression[list(_FREE_POINTS)] = driving.expression[list(_FREE_POINTS)]
        for point, axes in _FREE_AXES.items():
            expression[point, list(axes)] = driving.expression[point, list(axes)]
    elif region in ("lips", "eyes"):
        points = list(LIP_POINTS if region == "lips" else EYE_POINTS)
        expression[points] = driving.expression[points]
    changed = source.with_expression(expression)
    if region in ("all", "pose"):
        return dataclasses.replace(changed, rotation=driving.rotation, translation=driving.translation)
    return changed


def between(start: FloatArray, end: FloatArray, share: float) -> FloatArray:
    """Return `start + share (end - start)`: 0 is `start`, 1 `end`, more goes beyond it; (K, 3)."""
    return np.asarray(start + np.float32(share) * (end - start), np.float32)


def shifted(points: FloatArray, correction: FloatArray) -> FloatArray:
    """Return points (K, 3) after S: `correction` (3 K + 2,) holds a shift for each, then one in x and y for all."""
    count = points.size
    moved = points + correction[:count].reshape(points.shape)
    moved[:, :2] += correction[count : count + 2]
    return np.asarray(moved, np.float32)


def ramp_shares(seconds: float, rate: float) -> NDArray[np.float64]:
    """Return the share of the expression, frame by frame: rest, onset, apex, offset, rest.

    Parameters
    ----------
    seconds : length of the clip.
    rate : frames per second; there are at least five frames.

    Returns
    -------
    (T,) from 0 to 1 and back to 0, without a jump in speed or acceleration (minimum jerk). The onset is quicker than
    the offset, as in posed expressions.
    """
    time = np.linspace(0.0, 1.0, max(5, round(seconds * rate)))
    rise = _eased((time - _RAMP[0]) / (_RAMP[1] - _RAMP[0]))
    fall = _eased((time - _RAMP[2]) / (_RAMP[3] - _RAMP[2]))
    return np.asarray(rise - fall, np.float64)


_RAMP = (0.1, 0.35, 0.55, 0.9)
"""Where, as shares of the clip, the onset begins and ends, and the offset begins and ends. A choice, not a finding."""


def _eased(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * x * (10 - 15 * x + 6 * x * x), np.float64)
