"""What the affected side shows: movement kept zone by zone, droop at rest, synkinesis.

in: a frame's landmarks, its face at rest, a profile -> out: the landmarks at alpha 0.  Must not: see pixels.

Everything here is computed for both halves alike; the alpha field of the splice decides which half shows it. That is
why droop and synkinesis are 0 on the midline and on the face's outline. The one exception is the pull of the healthy
side on philtrum and lips: it is made for the ramp around the midline, and ends with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from afet_video import facemesh
from afet_video.datatypes import ZONES, FloatArray, PalsyProfile, Side
from afet_video.face.lips import lip_gaps, touching
from afet_video.face.pose import interocular_px
from afet_video.face.rest import RestFrame
from afet_video.vectors import smoothstep

WeightArray = NDArray[np.float64]

_OUTER_LIP = facemesh.LIPS_OUTER

_SEEDS: tuple[tuple[int, ...], ...] = (
    (*facemesh.RIGHT_BROW, 69, 104, 68, 108, 71, 109, 67, 103, 54, 21, 10, 151),
    (*facemesh.RIGHT_EYE, 247, 30, 29, 27, 28, 56, 190, 25, 110, 24, 23, 22, 26, 112, 31, 228, 229, 230, 231, 232, 226),
    (50, 101, 36, 205, 203, 206, 187, 147, 123, 117, 118, 119, 100, 126, 142, 129, 98, 64, 48, 115, 207, 216),
    (*_OUTER_LIP[:6], 76, 62, 57, 186, 92, 165, 167, 43, 212),
    (*_OUTER_LIP[15:18], 18, 83, 182, 106, 201, 194, 200, 199, 208, 32, 171, 140, 175, 152, 148, 176, 149, 204, 211),
)
"""Landmarks of the right half that belong to one zone alone, in the order of `ZONES`; the left half has their twins."""

_SEED_POWER, _SEED_SOFT_IOD = 3, 0.012
"""Weights fall with this power of the distance from a zone's seeds, so that a border takes a third of the way between
two zones, however far they are apart."""

_LOWER_LIP_BY_PLACE = (0.0, 0.3, 0.75, 1.0, 1.0, 1.0)
"""Share of the lower lip's zone from the commissure to its middle. On the lips it is the place that counts: of two lips
that touch, each belongs to its own zone."""

_LIFT = (0.45, -0.80)
"""Direction (outwards, down) in which an unwanted smile moves the corner of the mouth."""
_LIFT_IOD = 0.043
"""How far: 0.39 cm at the modiolus on closing the eyes (facial synkinesis, against 0.47 cm in a smile)."""
_NARROWING = 0.45
"""Share of its opening that the eye loses at full synkinesis and a full smile. Measured in synkinetic patients: 33 %
(SD 14), in healthy people 22 %."""
_FULL_SMILE_IOD, _FULL_BROW_RAISE_IOD = 0.10, 0.11
"""Healthy excursions of the commissure (9.3 mm) and the brow (10.6 mm) over the distance of the outer canthi."""
_FALL_RANGE = (0.3, 0.7)
"""Lid closure from which it is the upper lid that comes down, and has come down: a squint lifts the lower one alone."""
_CLOSURE_RANGE = (0.4, 0.9)
"""Lid closure from which the corner lifts, and lifts in full: beyond the squint that belongs to a smile."""

_SHUT_RANGE, _SLIT_RANGE = (0.55, 0.75), (0.13, 0.19)
"""Closure from which the subject shuts the eye, and surely has (MediaPipe leaves a gap of 0.15 to 0.25); share of the
closure lost below which the affected lids then meet all the same, and above which they stay apart. Grade III closes
fully with effort."""

_PULL_IOD = 0.025
"""How far the middle of the upper lip is pulled to the healthy side at full droop. A little of it is lost, as alpha
grows on the way: 1.8 mm are shown on a face with 90 mm between the outer canthi."""

_FOLD = 206
"""A landmark in the middle of the nasolabial fold."""

_FOREHEAD, _NOSE_BASE = 10, 2


def _droop_controls() -> dict[int, float]:
    """Return how far (inter-ocular distances) landmarks of the right half hang down at full droop.

    On a face with 90 mm between the outer canthi: 3 to 4 mm at the brow, 4.5 mm at the commissure, 1.9 mm at the lower
    lid. The upper lid hardly follows: what opens it is another nerve's.
    """
    controls = dict.fromkeys((*facemesh.FACE_OVAL, *facemesh.MIDLINE, *facemesh.RIGHT_EYE), 0.0)
    controls |= dict.fromkeys((243, 244, 245, 122, 188), 0.0)
    brow = (0.036, 0.042, 0.040, 0.030, 0.014, 0.012, 0.025, 0.034, 0.038, 0.034)
    controls |= dict(zip(facemesh.RIGHT_BROW, brow, strict=True))
    upper = (0.001, 0.002, 0.003, 0.004, 0.004, 0.003, 0.002)
    controls |= dict(zip(facemesh.RIGHT_EYE[1:8], upper, strict=True))
    lower = (0.004, 0.011, 0.017, 0.021, 0.021, 0.017, 0.008)
    controls |= dict(zip(facemesh.RIGHT_EYE[9:], lower, strict=True))
    controls |= dict.fromkeys((23, 24, 110, 229, 230), 0.017) | dict.fromkeys((129, 98, 64, 48), 0.006)
    controls |= dict.fromkeys((50, 205, 187, 36), 0.018) | dict.fromkeys((206, 207, 216), 0.030) | {203: 0.015}
    controls |= dict.fromkeys((57, 43, 212), 0.046) | {186: 0.038, 92: 0.026, 165: 0.015, 167: 0.006}
    controls |= {202: 0.036, 106: 0.020, 182: 0.010, 204: 0.012, 210: 0.020, 194: 0.010, 32: 0.0, 140: 0.0}
    upper_lip, lower_lip = (0.050, 0.038, 0.027, 0.017, 0.008), (0.050, 0.036, 0.024, 0.013, 0.006)
    for row in facemesh.LIP_ROWS:
        controls |= dict(zip(row[:5], upper_lip, strict=True))
        controls |= dict(zip((row[0], *row[:15:-1]), lower_lip, strict=True))
    return controls


def _pull_controls() -> dict[int, float]:
    """Return the pull towards the healthy side on landmarks of the right half, 1 = as at the middle of the upper lip.

    What is shown is this times 1 - alpha, over the same at the midline. With the smooth ramp half of it is shown at
    the midline and all of it where the ramp ends, so values halve on the way for the skin between not to be pulled
    further than the middle is.
    """
    controls = dict.fromkeys((*facemesh.FACE_OVAL, *facemesh.RIGHT_EYE, *facemesh.RIGHT_BROW), 0.0)
    controls |= dict.fromkeys((*facemesh.MIDLINE, 50, 205, 187, 36, 203, 206, 207, 216, 212, 129, 98, 64, 48, 97), 0.0)
    controls |= {164: 0.7, 18: 0.25} | {167: 0.4, 165: 0.3, 92: 0.2, 186: 0.1, 57: 0.1, 43: 0.1}
    upper_lip, lower_lip = (0.2, 0.25, 0.32, 0.4, 0.55, 1.0), (0.2, 0.22, 0.25, 0.28, 0.35, 0.5)
    for row in facemesh.LIP_ROWS:
        controls |= dict(zip((row[0], *row[:14:-1]), lower_lip, strict=True))
        controls |= dict(zip(row[:6], upper_lip, strict=True))
    return controls


@dataclass(frozen=True, slots=True, eq=False)
class PalsyModel:
    """Where on a face the zones lie, and how droop and synkinesis spread over it; the same for both halves.

    `zones` (478, 5): share of each zone, in the order of `ZONES`; rows sum to 1. `droop` (478,): inter-ocular distances
    down at full droop. `pull` (478,): towards the healthy side, 1 at the middle of the upper lip. `lids`
    {side: (478, 16)} spreads the movement of a lid margin over the skin around it, `lift` (478,) that of the
    commissure.
    """

    zones: WeightArray
    droop: WeightArray
    pull: WeightArray
    lids: Mapping[Side, WeightArray]
    lift: WeightArray


@dataclass(frozen=True, slots=True, eq=False)
class AffectedFace:
    """What the affected side shows of one frame.

    `xyz` (478, 3): landmarks in pixels at alpha 0. `lost` (478,): share of its movement that each landmark loses.
    `excursion` (478,): movement taken away, in inter-ocular distances. `lid_closure`: of the affected eye in the
    source, 0 as at rest .. 1 shut. `mouth_opening`: gap between the lips in `xyz`, in inter-ocular distances, and
    `lip_gaps` (9,) the same place by place from corner to corner.
    """

    xyz: FloatArray
    lost: FloatArray
    excursion: FloatArray
    lid_closure: float
    mouth_opening: float
    lip_gaps: FloatArray


def palsy_model(rest: NDArray[np.floating]) -> PalsyModel:
    """Return the zones and fields for a rest shape (478, 3) in pixels of any pose."""
    uv = _symmetric(rest)
    twin = facemesh.TWIN
    droop = _mirrored(_droop_controls())
    lift = dict.fromkeys(droop, 0.0) | {i: _lift_share(value) for i, value in droop.items() if _below_nose(uv, i)}
    lids = {Side.RIGHT: _lid_spread(uv, facemesh.RIGHT_EYE), Side.LEFT: _lid_spread(uv, facemesh.LEFT_EYE)}
    pull = _mirrored(_pull_controls())
    fields = []
    for landmarks, values in ((droop, (droop.values(), lift.values())), (pull, (pull.values(),))):
        field = _spread(uv, list(landmarks)) @ np.array([list(one) for one in values]).T
        field[facemesh.SKIN_COUNT :] = 0.0
        fields += list(((field + field[twin]) / 2).T.copy())
    return PalsyModel(zones=_zones(uv), droop=fields[0], lift=fields[1], pull=fields[2], lids=lids)


def fold_lost(profile: PalsyProfile, model: PalsyModel) -> float:
    """Return 0..1 how far the nasolabial fold of the affected side is flattened: it goes with the cheek's tone."""
    lost = float(model.zones[_FOLD] @ (1.0 - np.array(profile.kept)))
    return profile.droop * min(2.0 * lost, 1.0)


def affected_face(
    xyz: FloatArray,
    rest: RestFrame,
    profile: PalsyProfile,
    model: PalsyModel,
    *,
    strength: float = 1.0,
    seam_share: float = 0.5,
) -> AffectedFace:
    """Return what the affected side of a frame shows.

    Parameters
    ----------
    xyz : (478, 3) landmarks of the frame, pixels.
    rest : the same frame's face at rest.
    strength : 0..1, how much of the palsy is shown: everything that it displaces goes this share of its way.
    seam_share : how much of what is returned the splice shows on the midline itself: 1 - alpha there.
    """
    moved = (xyz - rest.xyz).astype(np.float64)
    closure = rest.lid_closure[0 if profile.side is Side.LEFT else 1]
    kept = _kept(profile, closure)
    lost = model.zones @ (1.0 - kept)
    corner = facemesh.LEFT_COMMISSURE if profile.side is Side.LEFT else facemesh.RIGHT_COMMISSURE
    shown = xyz - lost[:, None] * moved + carried_share(kept, model)[:, None] * moved[corner]
    iod = float(interocular_px(xyz))
    if profile.droop > 0 or profile.synkinesis > 0:
        outwards, down = _axes(xyz, profile.side)
        # Tone goes with movement: a zone that is spared does not hang, one that lost half of it does in full.
        tone = profile.droop * np.minimum(2.0 * lost, 1.0)
        hang, pull = tone * model.droop, tone * _PULL_IOD / seam_share * model.pull
        lift = profile.synkinesis * _unwanted_smile(moved, rest, profile.side, down, iod) * _LIFT_IOD * model.lift
        shown += iod * (hang[:, None] * down - pull[:, None] * outwards)
        shown += iod * lift[:, None] * (_LIFT[0] * outwards + _LIFT[1] * down)
        narrows = profile.synkinesis * _smile(moved, profile.side, iod)
        narrows *= 1.0 - smoothstep(closure, *_SHUT_RANGE)  # what is shut gets no narrower
        shown += _narrowed(shown, narrows, profile.side, model)
    if profile.lid_fall > 0 and closure > _FALL_RANGE[0]:
        shown += _fallen(shown, profile, closure, model)
    shown = touching(shown, xyz)
    if strength < 1.0:
        lost = strength * lost
        shown = xyz + strength * (shown - xyz)
    gap = float(np.linalg.norm(shown[facemesh.LIP_GAP[0], :2] - shown[facemesh.LIP_GAP[1], :2])) / iod
    return AffectedFace(
        xyz=shown.astype(np.float32),
        lost=lost.astype(np.float32),
        excursion=(lost * rest.excursion).astype(np.float32),
        lid_closure=closure,
        mouth_opening=gap,
        lip_gaps=np.asarray(lip_gaps(shown) / iod, np.float32),
    )


def _kept(profile: PalsyProfile, closure: float) -> WeightArray:
    """Return the movement kept (5,) in each zone in a frame whose affected eye, if healthy, were closed so far.

    Lids that come as near to each other as a slit meet: the last of the way takes no force.
    """
    kept = np.array(profile.kept, np.float64)
    eye = ZONES.index("eye")
    means_to = smoothstep(closure, *_SHUT_RANGE)
    is_slit = 1.0 - smoothstep(1.0 - kept[eye], *_SLIT_RANGE)
    kept[eye] += means_to * is_slit * (1.0 - kept[eye])
    return kept


def carried_share(kept: WeightArray, model: PalsyModel) -> WeightArray:
    """Return which share (478,) of the movement of the corner of the mouth comes on top of what the zones keep (5,).

    A lower lip that has lost more than the corner still hangs between two corners: in a smile it goes with them, and is
    merely not drawn down.
    """
    commissure, lower_lip = ZONES.index("commissure"), ZONES.index("lower_lip")
    return np.asarray((kept[commissure] - kept[lower_lip]) * model.zones[:, lower_lip] * model.lift)


def _smile(moved: WeightArray, side: Side, iod: float) -> float:
    """Return how far the healthy corner of the mouth went, 1 = as far as healthy people's go."""
    corner = facemesh.RIGHT_COMMISSURE if side is Side.LEFT else facemesh.LEFT_COMMISSURE
    return float(np.clip(np.linalg.norm(moved[corner, :2]) / (_FULL_SMILE_IOD * iod), 0.0, 1.0))


def _unwanted_smile(moved: WeightArray, rest: RestFrame, side: Side, down: WeightArray, iod: float) -> float:
    """Return 0..1 how much the healthy side's eye closure or brow raise asks of the affected corner of the mouth."""
    brow = list(facemesh.RIGHT_BROW if side is Side.LEFT else facemesh.LEFT_BROW)
    raised = float(np.clip(-(moved[brow] @ down).mean() / (_FULL_BROW_RAISE_IOD * iod), 0.0, 1.0))
    return max(raised, smoothstep(rest.lid_closure[1 if side is Side.LEFT else 0], *_CLOSURE_RANGE))


def _narrowed(xyz: WeightArray, amount: float, side: Side, model: PalsyModel) -> WeightArray:
    """Return the displacement (478, 3) that takes `amount` of `_NARROWING` from the affected eye's opening."""
    ring, opposite = _facing_lids(side)
    result: WeightArray = model.lids[side] @ (0.5 * _NARROWING * amount * (xyz[opposite] - xyz[ring]))
    return result


def _fallen(xyz: WeightArray, profile: PalsyProfile, closure: float, model: PalsyModel) -> WeightArray:
    """Return the displacement (478, 3) by which the upper lid falls as its levator lets go, where the lids stay open.

    Of the way to the lower lid it falls `lid_fall` in all: what the lids still close by themselves is part of it.
    """
    ring, opposite = _facing_lids(profile.side)
    kept = profile.kept[ZONES.index("eye")]
    share = smoothstep(closure, *_FALL_RANGE) * max(profile.lid_fall - kept, 0.0) / max(1.0 - kept, 1e-6)
    way = share * (xyz[opposite] - xyz[ring])
    way[8:] = 0.0
    result: WeightArray = model.lids[profile.side] @ way
    return result


def _facing_lids(side: Side) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lid margin (16,), and what each of its landmarks faces: itself at the canthi."""
    ring = np.array(facemesh.LEFT_EYE if side is Side.LEFT else facemesh.RIGHT_EYE)
    return ring, ring[-np.arange(16) % 16]  # upper lid's places 1..7 face the lower lid's 15..9


def _axes(xyz: NDArray[np.floating], side: Side) -> tuple[WeightArray, WeightArray]:
    """Return the face's own unit vectors (3,) outwards on `side`, and down."""
    across = xyz[facemesh.LEFT_EYE_OUTER].astype(np.float64) - xyz[facemesh.RIGHT_EYE_OUTER]
    across /= np.linalg.norm(across)
    down = xyz[_NOSE_BASE].astype(np.float64) - xyz[_FOREHEAD]
    down -= (down @ across) * across
    return (across if side is Side.LEFT else -across), down / np.linalg.norm(down)


def _symmetric(rest: NDArray[np.floating]) -> WeightArray:
    """Return (478, 2) places on the face (to the subject's left, down; inter-ocular distances), mirror-symmetric."""
    left, down = _axes(rest, Side.LEFT)
    centered = (rest - rest[list(facemesh.MIDLINE)].mean(axis=0)) / float(interocular_px(rest.astype(np.float32)))
    uv = np.stack([centered @ left, centered @ down], axis=1)
    result: WeightArray = (uv + uv[facemesh.TWIN] * (-1.0, 1.0)) / 2
    return result


def _distance(uv: WeightArray, to: list[int]) -> WeightArray:
    result: WeightArray = cdist(uv, uv[to])
    return result


def _zones(uv: WeightArray) -> WeightArray:
    near = [_distance(uv, [*seeds, *facemesh.TWIN[list(seeds)]]).min(axis=1) for seeds in _SEEDS]
    weights = 1.0 / (np.stack(near, axis=1) ** _SEED_POWER + _SEED_SOFT_IOD**_SEED_POWER)
    for row in facemesh.LIP_ROWS:
        weights[list(row)] = (0.0, 0.0, 0.0, 1.0, 0.0)
        for place in range(11, 20):
            lower = _LOWER_LIP_BY_PLACE[min(place - 10, 20 - place)]
            weights[row[place], 3:] = (1.0 - lower, lower)
    weights[facemesh.SKIN_COUNT :] = (0.0, 1.0, 0.0, 0.0, 0.0)
    result: WeightArray = weights / weights.sum(axis=1, keepdims=True)
    return result


def _spread(uv: WeightArray, controls: list[int]) -> WeightArray:
    """Return (478, n) weights that carry values at control landmarks to all others, exact at the controls."""
    distance = _distance(uv, controls)
    weights = distance * distance
    weights *= distance
    weights += 1e-6
    np.reciprocal(weights, out=weights)
    weights /= weights.sum(axis=1, keepdims=True)
    weights[controls] = np.eye(len(controls))
    return weights


def _lid_spread(uv: WeightArray, ring: tuple[int, ...]) -> WeightArray:
    fixed = {*facemesh.FACE_OVAL, *facemesh.MIDLINE, *facemesh.LEFT_BROW, *facemesh.RIGHT_BROW, *facemesh.LIPS_OUTER}
    fixed |= {i for seeds in _SEEDS[2:3] for side in (seeds, facemesh.TWIN[list(seeds)].tolist()) for i in side}
    weights = _spread(uv, [*ring, *sorted(fixed)])[:, : len(ring)]
    weights[facemesh.SKIN_COUNT :] = 0.0
    return weights


def _mirrored(controls: Mapping[int, float]) -> dict[int, float]:
    return {int(facemesh.TWIN[i]): value for i, value in controls.items()} | dict(controls)


def _below_nose(uv: WeightArray, landmark: int) -> bool:
    return bool(uv[landmark, 1] > uv[_NOSE_BASE, 1])


def _lift_share(droop: float) -> float:
    return droop / 0.050
