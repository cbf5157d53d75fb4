"""Where a person's brows rest when no frame shows it: what all frames of a shot say about it.

in: a rest shape whose neutral frame is not at rest, many frames' faces -> out: the same with brows at rest.
Must not: choose the neutral, or touch other parts of the face than the brows and the forehead above them.

Somebody who talks with raised brows may have no calm frame at all. The least lively one then has brows somewhere
between rest and full height, and a palsied brow held there would stand above the healthy one for most of the time. But
brows come down now and then, and never below rest unless they frown: the height that they keep above for most of the
time is rest, as near as can be told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.headfit import FIRMNESS, fit_head
from afet_video.face.rest import FitArray, RestModel, shifted
from afet_video.vectors import smoothsteps, squared_distances

_LOWEST = 0.2
"""Share of the frames, those whose brow is lowest, that say where it rests. Their middle is the height that nine frames
in ten are above: low enough for speech that lifts the brows all the time, and not where noise and a moment's frown
are."""

_LEAST_FRAMES = 60
"""Frames below which nothing is said: the lowest fifth of them is a moment."""

_FROWN_QUANTILE, _FROWN = 0.2, 0.15
"""Above the person's usual `browDown` by this much, a brow is not at rest but pulled down."""

_MOST_TURN_DEG = 15.0
"""Turn of the head against the neutral's beyond which the height of a brow is known less well than is needed here."""

_FALL_RANGE_IOD = (0.01, 0.03)
"""How far below the neutral's the resting brow must lie to be believed, and to be so in full: frames in which the brow
is lowest are lower than the neutral, by noise, where that is at rest too."""

_HINGE_IOD = 0.10
"""How far from the lids, and from what says where the head is, skin goes all the way with the brow above it."""

_CANTHI = (facemesh.LEFT_EYE_OUTER, facemesh.RIGHT_EYE_OUTER)
_BROWS = (facemesh.LEFT_BROW, facemesh.RIGHT_BROW)
_FROWNS = [facemesh.BLENDSHAPES.index(name) for name in ("browDownLeft", "browDownRight")]


@dataclass(frozen=True, slots=True, eq=False)
class BrowRest:
    """A rest shape, and how far below the neutral's its brows lie (left, right), in inter-ocular distances."""

    model: RestModel
    below_iod: tuple[float, float]


def brows_at_rest(model: RestModel, faces: FloatArray, blendshapes: FloatArray) -> BrowRest:
    """Return the rest shape with its brows where they rest in a shot.

    Parameters
    ----------
    model : fitted around a neutral frame whose brows may be raised.
    faces : (n, 478, 3) landmarks of the person's frames, spread over the shot, NaN-free, pixels.
    blendshapes : (n, 52) of the same frames.
    """
    moved = _facing_as_neutral(model, faces[~_frowning(blendshapes)])
    if len(moved) < _LEAST_FRAMES:
        return BrowRest(model, (0.0, 0.0))
    lows = [_lowest(moved, brow) for brow in _BROWS]
    below = [float(low[list(brow), 1].mean()) / model.shape.iod_px for low, brow in zip(lows, _BROWS, strict=True)]
    sure = smoothsteps(np.array(below), *_FALL_RANGE_IOD)
    if not sure.any():
        return BrowRest(model, (0.0, 0.0))
    left = _left_half(model.base)
    shift = sure[0] * left * lows[0] + sure[1] * (1.0 - left) * lows[1]
    shift *= _above_eyes(model.base, model.shape.iod_px)
    return BrowRest(shifted(model, shift), (float(sure[0] * below[0]), float(sure[1] * below[1])))


def _frowning(blendshapes: FloatArray) -> NDArray[np.bool_]:
    """Return the frames (n,) in which a brow is pulled down."""
    frown = blendshapes[:, _FROWNS].mean(axis=1)
    return np.asarray(frown > np.quantile(frown, _FROWN_QUANTILE) + _FROWN, bool)


def _facing_as_neutral(model: RestModel, faces: FloatArray) -> FitArray:
    """Return the displacements (n, 478, 2) from the neutral, in its frame, of faces that are turned about as it is."""
    heads = [fit_head(model.shape, face) for face in faces]
    limit = math.radians(_MOST_TURN_DEG)
    moved = [
        head.back(face[:, :2] - head.place(model.shape))
        for head, face in zip(heads, faces, strict=True)
        if math.hypot(head.yaw, head.pitch) < limit
    ]
    return np.array(moved).reshape(-1, 478, 2)


def _lowest(moved: FitArray, brow: tuple[int, ...]) -> FitArray:
    """Return the median (478, 2) of the displacements in the frames whose brow is lowest."""
    height = -moved[:, list(brow), 1].mean(axis=1)
    lowest = np.argsort(height, kind="stable")[: int(_LOWEST * len(height))]
    return np.asarray(np.median(moved[lowest], axis=0), np.float64)


def _above_eyes(base: FitArray, iod: float) -> FitArray:
    """Return (478, 1) 1 on brows, forehead and the skin down to the lids, 0 on lids, beside and below the eyes."""
    fixed = [*facemesh.LEFT_EYE, *facemesh.RIGHT_EYE, *np.flatnonzero(FIRMNESS)]
    away = np.sqrt(squared_distances(base[:, :2], base[fixed, :2]).min(axis=1)) / iod
    share = smoothsteps(away, 0.0, _HINGE_IOD)
    share[base[:, 1] > base[list(_CANTHI), 1].mean()] = 0.0
    return np.asarray(share[:, None], np.float64)


def _left_half(base: FitArray) -> FitArray:
    """Return (478, 1) how far each landmark goes with the left brow: from 0 to 1 between the brows' inner ends."""
    right, left = (base[list(brow[3:7]), :2].mean(axis=0) for brow in reversed(_BROWS))
    across = left - right
    along = (base[:, :2] - right) @ across / (across @ across)
    return np.asarray(smoothsteps(along, 0.0, 1.0)[:, None], np.float64)
