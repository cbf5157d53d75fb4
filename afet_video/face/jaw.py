"""The jaw: how much each landmark is carried by it.

in: the rest shape, what a frame's chin and lower lip did -> out: displacement by the jaw.  Must not: see pixels.

The jaw hangs on the trigeminal nerve, so a facial palsy leaves it alone: chin and lower lip go with it on both sides.
A landmark moves by (weight x movement of the chin): full weight on the chin, half at the commissures, next to none on
the upper lip, less towards the ear, where the hinge is (displacement grows with the distance from it).

The lower lip is slack between the commissures and its own middle, which both halves share: how far the middle went
(`lip_drop`, in movements of the chin, and sideways) is taken from the frame itself, within what a jaw can do. Lips held
shut over a dropped jaw thus stay shut, and an open mouth stays open to its full depth. As the lips are stretched from
top to bottom, the commissures come nearer to each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.vectors import median

CHIN: tuple[int, ...] = (152, 175, 199, 148, 377, 176, 400)
"""Landmarks of the chin whose median movement stands for the jaw's."""

_LIP_MIDDLE = (14, 15, 16, 17)
_CHIN, _MIDDLE = np.array(CHIN), np.array(_LIP_MIDDLE)
_HINGE = (234, 454)  # in front of the ears: the temporomandibular joints, as near as the mesh has them

_COMMISSURE, _UPPER_LIP = 0.50, 0.08
"""Share of the chin's movement that these parts of the lips go through when the jaw drops and the lips stay slack."""

_LIP_DROP_RANGE = (0.0, 1.9)
"""Bounds of `lip_drop`. Opening jaws on real faces: 1.8 to 1.9, rendered ones 1.25; beyond, muscles pull the lip."""

_SLACK_LIP_DROP = 1.25

_LIP_SIDEWAYS = 0.25
"""Bound of how far the middle of the lower lip goes across the chin's way, in movements of the chin: under a turned
head the lip, which lies farther forward, goes another way than the chin."""

_INWARDS, _INWARDS_REACH_IOD = 0.10, 0.10
"""How far a commissure goes inwards, in movements of the chin, and how far around it skin and lips go along."""

_BELOW_MOUTH_IOD, _ABOVE_MOUTH_IOD, _LIP_REACH_IOD = 0.25, 0.18, 0.12
_JAW_RANGE_IOD = (0.04, 0.10)
"""Movement of the chin from which `lip_drop` is taken from the frame, and is so in full."""


@dataclass(frozen=True, slots=True, eq=False)
class JawModel:
    """Weights (478,) of each landmark for the chin's movement: `fixed + lip_drop * lip`.

    `inwards` (478, 2): way of each landmark towards the middle of the mouth, in movements of the chin. `rise_px`: how
    far the jaw can rise above rest, until the lips meet.
    """

    fixed: NDArray[np.float64]
    lip: NDArray[np.float64]
    inwards: NDArray[np.float64]
    iod_px: float
    rise_px: float

    def displacement(self, displacement: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the jaw's share (478, k) of a frame's displacement (478, k) from rest, pixels, neutral's frame."""
        chin, middle = median(displacement[_CHIN]), median(displacement[_MIDDLE])
        # A chin that rises further is drawn up by its own muscle, the mentalis (in a pout the lower lip goes up six
        # times as far), and by a smile: the facial nerve's doing.
        chin[1] = max(chin[1], -self.rise_px)
        (x, y), (lip_x, lip_y) = chin[:2].tolist(), middle[:2].tolist()
        moved = math.hypot(x, y)
        low, high = _LIP_DROP_RANGE
        along = (x * lip_x + y * lip_y) / max(moved, 1e-6) ** 2
        seen = min(max(along, low), high)
        aside = np.array([lip_x - along * x, lip_y - along * y])
        aside *= min(1.0, _LIP_SIDEWAYS * moved / max(math.hypot(*aside.tolist()), 1e-6))
        # While the jaw hardly moves, whatever the lip does is its muscles' doing.
        low, high = _JAW_RANGE_IOD
        known = min(max((moved / self.iod_px - low) / (high - low), 0.0), 1.0)
        weights = self.fixed + (_SLACK_LIP_DROP + known * (seen - _SLACK_LIP_DROP)) * self.lip
        result: NDArray[np.float64] = weights[:, None] * chin
        result[:, :2] += known * (self.lip[:, None] * aside + moved * self.inwards)
        return result


def jaw_model(rest: NDArray[np.float64], iod_px: float) -> JawModel:
    """Return the weights for a rest shape (478, 3) in pixels of a near-frontal face."""
    right, left = rest[facemesh.RIGHT_COMMISSURE], rest[facemesh.LEFT_COMMISSURE]
    mouth = (right[1] + left[1]) / 2
    below = (rest[:, 1] - mouth) / iod_px
    skin = np.where(
        below >= 0,
        0.45 + 0.55 * below / _BELOW_MOUTH_IOD,
        0.45 * np.clip(1 + below / _ABOVE_MOUTH_IOD, 0, 1) ** 1.5,
    ).clip(0.0, 1.0)
    hinge, chin = rest[list(_HINGE), 2].mean(), rest[list(CHIN), 2].mean()
    skin *= np.clip((hinge - rest[:, 2]) / (hinge - chin), 0.0, 1.15)
    skin[facemesh.SKIN_COUNT :] = 0.0
    across = np.clip((rest[:, 0] - right[0]) / (left[0] - right[0]), 0.0, 1.0)
    middle = np.sqrt(np.sin(np.pi * across))  # nearly an ellipse: a corner that the jaw alone opens is round
    lip = _near_lower_lip(rest, iod_px) * middle
    fixed = skin * (1 - lip)
    for indices, full in ((facemesh.UPPER_LIP, _UPPER_LIP), (facemesh.COMMISSURES, _COMMISSURE)):
        chosen = list(indices)
        share = middle[chosen] if indices is facemesh.UPPER_LIP else 0.0
        fixed[chosen] = _COMMISSURE + (full - _COMMISSURE) * share
        lip[chosen] = 0.0
    lower = list(facemesh.LOWER_LIP)
    fixed[lower], lip[lower] = _COMMISSURE * (1 - middle[lower]), middle[lower]
    rise_px = math.dist(rest[facemesh.LIP_GAP[0], :2].tolist(), rest[facemesh.LIP_GAP[1], :2].tolist())
    return JawModel(fixed, lip, _inwards(rest, iod_px), iod_px, rise_px)


def _inwards(rest: NDArray[np.float64], iod_px: float) -> NDArray[np.float64]:
    """Return (478, 2) the way of each landmark towards the middle of the mouth, in movements of the chin."""
    corners = rest[[facemesh.RIGHT_COMMISSURE, facemesh.LEFT_COMMISSURE], :2]
    away = np.linalg.norm(rest[:, None, :2] - corners[None], axis=2) / (_INWARDS_REACH_IOD * iod_px)
    across = (corners[1] - corners[0]) / np.linalg.norm(corners[1] - corners[0])
    near = np.where(away < 3.0, np.exp(-0.5 * away**2), 0.0)
    near[facemesh.SKIN_COUNT :] = 0.0
    result: NDArray[np.float64] = _INWARDS * (near[:, :1] - near[:, 1:]) * across
    return result


def _near_lower_lip(rest: NDArray[np.float64], iod_px: float) -> NDArray[np.float64]:
    """Return (478,) how much the skin hangs on the lower lip: 1 at its edge, falling with the distance below it."""
    edge = rest[[i for i in facemesh.LIPS_OUTER if i in facemesh.LOWER_LIP], :2]
    distance = np.linalg.norm(rest[:, None, :2] - edge[None], axis=2).min(axis=1) / iod_px
    near = np.exp(-0.5 * (distance / _LIP_REACH_IOD) ** 2)
    above = rest[:, 1] < edge[:, 1].min()
    near[above] = 0.0
    near[list(CHIN) + list(facemesh.FACE_OVAL) + list(range(facemesh.SKIN_COUNT, 478))] = 0.0
    result: NDArray[np.float64] = near
    return result
