"""Where the head is, from landmarks in the picture alone: a robust weak-perspective fit of a rest shape.

in: a shape that turns, landmarks (478, 2) of a frame -> out: `HeadFit`.  Must not: use the detector's depth of a frame.

MediaPipe's depth is a guess that changes with the expression: aligned in 3-D, a smile tilts the head and so moves the
brows by 1.5 % of the inter-ocular distance. In the picture the landmarks are exact to a tenth of that. So only they
are used: of two turns (yaw, pitch) and a 2-D similarity, those are sought that bring the parts which facial muscles
hardly move to where they are seen. What moves all the same (a raised forehead, a squint) is out of line with the rest,
and counts less and less (iteratively reweighted least squares with Geman and McClure's weights).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import LANDMARK_COUNT
from afet_video.face.headfit_kernel import fill_seen, fit

FitArray = NDArray[np.float64]

_FIRM = (
    *(168, 6, 197, 195, 5, 4, 1, 122, 351, 193, 417, 245, 465, 188, 412, 174, 399, 196, 419, 3, 248, 51, 281, 45, 275),
    *(236, 456, 198, 420, 131, 360, 134, 363, 33, 133, 362, 263, 130, 359, 243, 463, 244, 464, 226, 446),
    *(127, 356, 234, 454, 162, 389, 21, 251, 34, 264, 139, 368, 143, 372, 156, 383, 93, 323, 227, 447, 137, 366),
    *(116, 345, 111, 340, 117, 346, 123, 352, 147, 376),
)
"""Landmarks that expressions hardly move: the nose without its wings, canthi, temples, cheek bones. The forehead is not
among them: a brow raise moves all of it alike, and would be taken for a nod."""

_CANTHI = (
    facemesh.LEFT_EYE_OUTER,
    facemesh.LEFT_EYE_INNER,
    facemesh.RIGHT_EYE_OUTER,
    facemesh.RIGHT_EYE_INNER,
)
_CANTHUS_SHARE = 8.0
"""What a corner of an eye says over any other of them: a tendon holds it to the bone, the rest is skin that glides."""

_ROUNDS = np.array([(0.03, 2), (0.015, 1), (0.008, 1), (0.008, 1)])
"""Misfit at which a landmark counts a quarter, round by round, in inter-ocular distances; steps of each round."""

_STEP_LIMIT_RAD = 0.2


def _shares() -> FitArray:
    shares = np.zeros(LANDMARK_COUNT)
    shares[list(_FIRM)] = 1.0
    shares[list(_CANTHI)] = _CANTHUS_SHARE
    return shares


FIRMNESS: FitArray = _shares()
"""(478,): how much each landmark says about the head before its neighbours have been heard."""

_USED = np.flatnonzero(FIRMNESS)
_FIRM_WEIGHT = FIRMNESS[_USED]
FEATURES = 5


def features(yaw: float, pitch: float) -> FitArray:
    """Return the terms (5,) of the turn that the rest shape depends on besides its own rotation."""
    return np.array([yaw, pitch, yaw * yaw, yaw * pitch, pitch * pitch])


@dataclass(frozen=True, slots=True, eq=False)
class TurningShape:
    """A face at rest as seen from any side.

    `points` (478, 3): the shape facing the camera as the neutral does, pixels of the neutral, about its own centre.
    `offset` (478, 2) and `slopes` (5, 478, 2): what is added to its projection, constant and by `features`. `iod_px`:
    its inter-ocular distance. `firm`: the first three, of the landmarks that say where the head is.
    """

    points: FitArray
    offset: FitArray
    slopes: FitArray
    iod_px: float
    firm: tuple[FitArray, FitArray, FitArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        points, offset, slopes = (np.ascontiguousarray(part, np.float64) for part in self._at(_USED))
        object.__setattr__(self, "firm", (points, offset, slopes))

    def seen(self, yaw: float, pitch: float) -> FitArray:
        """Return the projection (478, 2) at yaw and pitch in radians, without roll, scale and place."""
        result = np.empty((LANDMARK_COUNT, 2))
        fill_seen(*self._at(slice(None)), yaw, pitch, result)
        return result

    def _at(self, part: NDArray[np.intp] | slice) -> tuple[FitArray, FitArray, FitArray]:
        return self.points[part], self.offset[part], self.slopes[:, part]


@dataclass(frozen=True, slots=True, eq=False)
class HeadFit:
    """A frame's head: `yaw`, `pitch` in radians against the shape; `linear` (2, 2) and `shift` (2,) take the turned
    shape to the frame's pixels.
    """

    yaw: float
    pitch: float
    linear: FitArray
    shift: FitArray

    def place(self, shape: TurningShape) -> FitArray:
        """Return the shape in the frame, (478, 2) pixels."""
        result: FitArray = shape.seen(self.yaw, self.pitch) @ self.linear.T + self.shift
        return result

    def back(self, vectors: NDArray[np.floating]) -> FitArray:
        """Turn displacements (..., 2) of the frame into the shape's frame."""
        # The inverse of a rotation with a scale is its transpose over the scale squared.
        result: FitArray = vectors @ (self.linear / float(self.linear[0] @ self.linear[0]))
        return result

    def forth(self, vectors: NDArray[np.floating]) -> FitArray:
        """Turn displacements (..., 2) of the shape's frame into the frame's pixels."""
        result: FitArray = vectors @ self.linear.T
        return result


def fit_head(shape: TurningShape, xy: NDArray[np.floating]) -> HeadFit:
    """Return the head of a frame whose landmarks are `xy` (478, 2 or more) pixels."""
    yaw, pitch, cosine, sine, shift_x, shift_y = fit(
        *shape.firm, np.asarray(xy[_USED, :2], np.float64), _FIRM_WEIGHT, _ROUNDS * (shape.iod_px, 1), _STEP_LIMIT_RAD
    )
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return HeadFit(yaw, pitch, linear, np.array([shift_x, shift_y]))
