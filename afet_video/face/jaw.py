"""The jaw: how much each landmark is carried by it.

in: the rest shape -> out: one weight a landmark.  Must not: see single frames.

The jaw hangs on the trigeminal nerve, so a facial palsy leaves it alone: chin and lower lip go with it on both sides.
A landmark moves by (weight x movement of the chin): full weight on chin and lower lip, half at the commissures, next
to none on the upper lip, less towards the ear, where the hinge is (displacement grows with the distance from it).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh

CHIN: tuple[int, ...] = (152, 175, 199, 148, 377, 176, 400)
"""Landmarks of the chin whose median movement stands for the jaw's."""

_HINGE = (234, 454)  # in front of the ears: the temporomandibular joints, as near as the mesh has them

_COMMISSURE, _UPPER_LIP, _LOWER_LIP = 0.50, 0.08, 1.12
"""Share of the chin's movement that each part of the lips goes through when the jaw drops and the lips stay slack.

The lower lip lies further from the hinge than the chin's skin does, hence above 1.
"""

_BELOW_MOUTH_IOD, _ABOVE_MOUTH_IOD = 0.25, 0.18


def jaw_weights(rest: NDArray[np.float64], iod_px: float) -> NDArray[np.float64]:
    """Return (478,) weights from the rest shape (478, 3) in pixels of a near-frontal face."""
    mouth = rest[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE], 1].mean()
    below = (rest[:, 1] - mouth) / iod_px
    weights = np.where(
        below >= 0,
        0.45 + 0.55 * below / _BELOW_MOUTH_IOD,
        0.45 * np.clip(1 + below / _ABOVE_MOUTH_IOD, 0, 1) ** 1.5,
    ).clip(0.0, 1.0)
    weights[facemesh.SKIN_COUNT :] = 0.0
    for index, weight in _lip_weights(rest).items():
        weights[index] = weight
    hinge, chin = rest[list(_HINGE), 2].mean(), rest[list(CHIN), 2].mean()
    result: NDArray[np.float64] = weights * np.clip((hinge - rest[:, 2]) / (hinge - chin), 0.0, 1.15)
    return result


def _lip_weights(rest: NDArray[np.float64]) -> dict[int, float]:
    """Weights of all lip landmarks, by lip and by place between commissure (0) and middle (1)."""
    right, left = rest[facemesh.RIGHT_COMMISSURE, 0], rest[facemesh.LEFT_COMMISSURE, 0]
    weights = dict.fromkeys(facemesh.COMMISSURES, _COMMISSURE)
    for lip, full in ((facemesh.UPPER_LIP, _UPPER_LIP), (facemesh.LOWER_LIP, _LOWER_LIP)):
        for index in lip:
            across = np.clip((rest[index, 0] - right) / (left - right), 0.0, 1.0)
            middle = np.sin(np.pi * across) ** 0.6
            weights[index] = _COMMISSURE + (full - _COMMISSURE) * float(middle)
    return weights
