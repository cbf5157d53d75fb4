"""How much of a palsy a view of the face can carry.

in: landmarks, head angles, the picture's size -> out: a share per frame.  Must not: look at time or pixels.

Beyond half-profile the landmarks of the far side are guesses, and so are those outside the picture: a warp by them
would tear the face. There the simulated palsy is faded out rather than shown wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.face.pose import interocular_px
from afet_video.vectors import smoothsteps

AWAY_RANGE_DEG, TOWARDS_RANGE_DEG = (20.0, 36.0), (35.0, 48.0)
"""Yaw that turns the affected side away from the camera, or towards it, from which the palsy begins to fade, and at
which it is gone. Looked at on rendered heads: on the far side brow and cheek are pushed over the face's outline from
about 25 degrees on; the near side holds to 40."""
PITCH_RANGE_DEG = (25.0, 40.0)
"""The same for looking up or down."""
ROLL_RANGE_DEG = (50.0, 70.0)
"""The halves are joined along the columns of the picture, which no longer divide a face that lies on its side."""

_CUT_IOD = 0.1
"""How far outside the picture a landmark is that counts as cut off in full, in inter-ocular distances."""
_CUT_RANGE = (0.02, 0.25)
"""Share of the features cut off from which the palsy begins to fade, and at which it is gone."""

_FEATURES = (
    *facemesh.LEFT_BROW,
    *facemesh.RIGHT_BROW,
    *facemesh.LEFT_EYE,
    *facemesh.RIGHT_EYE,
    *facemesh.LIPS_OUTER,
    *(6, 197, 195, 5, 4, 1, 98, 327, 129, 358),
)
"""Brows, eyes, nose and lips. A forehead or chin outside the picture does no harm: nothing of it is seen."""


def visibility(xyz: FloatArray, angles_deg: NDArray[np.floating], size_wh: tuple[int, int], side: Side) -> FloatArray:
    """Return (T,) 0..1 how much of a palsy each frame can carry; NaN where there are no landmarks.

    Parameters
    ----------
    xyz : (T, 478, 3) landmarks in pixels, NaN where missing.
    angles_deg : (T, 3) yaw, pitch, roll.
    size_wh : width and height of the picture.
    side : the affected side.
    """
    yaw, pitch, roll = angles_deg.T
    away = yaw if side is Side.LEFT else -yaw
    share = in_picture(xyz, size_wh)
    for angle, limits in (
        (away, AWAY_RANGE_DEG),
        (-away, TOWARDS_RANGE_DEG),
        (np.abs(pitch), PITCH_RANGE_DEG),
        (np.abs(roll), ROLL_RANGE_DEG),
    ):
        share *= 1.0 - smoothsteps(angle, *limits)
    return np.asarray(share, np.float32)


def in_picture(xyz: FloatArray, size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Return (T,) 1 where brows, eyes, nose and lips lie in the picture, falling to 0 as its edge cuts them off.

    Parameters
    ----------
    xyz : (T, 478, 3) landmarks in pixels, NaN where missing.
    size_wh : width and height of the picture.
    """
    points = xyz[:, list(_FEATURES), :2].astype(np.float64)
    beyond = np.maximum(np.maximum(-points, points - (np.array(size_wh) - 1.0)), 0.0).max(axis=2)
    if not beyond.any():
        return np.ones(len(xyz))
    cut = np.minimum(beyond / (_CUT_IOD * interocular_px(xyz)[:, None]), 1.0).mean(axis=1)
    return np.asarray(1.0 - smoothsteps(cut, *_CUT_RANGE), np.float64)
