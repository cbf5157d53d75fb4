"""The face at rest, for every pose of the head: what the landmarks would be if no facial muscle pulled.

in: a track's landmarks, which frames are at rest -> out: `RestModel`; per frame the displacement that the facial nerve
causes.  Must not: touch pixels.

A single neutral frame aligned rigidly is not enough: MediaPipe's depth is poor, so a turned head leaves residuals as
large as an expression. The rest shape is therefore a function of the head's turn, fitted on all resting frames,
landmark by landmark and robustly (an eye that blinks does not spoil the mouth). What is left after this model and after
the jaw (which the trigeminal nerve moves) is what the facial nerve did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.activity import lid_gap_px
from afet_video.face.gaze import GazeMemory, LidModel, lid_model
from afet_video.face.headfit import FEATURES, FIRMNESS, HeadFit, TurningShape, features, fit_head
from afet_video.face.jaw import JawModel, jaw_model
from afet_video.face.lips import sealed
from afet_video.face.pose import interocular_px
from afet_video.vectors import gaussian, smoothsteps, squared_distances

FitArray = NDArray[np.float64]

NOISE_FLOOR_IOD = 0.004
"""Smallest landmark noise assumed, as a share of the inter-ocular distance (MediaPipe on a still face: 0.2–0.4 %)."""

NOISE_CEILING_IOD = 0.008
"""Largest: what spreads more among frames taken for rest is movement (speech, of which no frame is free in some clips),
and a dead zone of that width would spare the affected side all of it."""

DEAD_ZONE = (1.2, 3.5)
"""A displacement below the first multiple of a landmark's noise counts as none, above the second in full."""

_BROWS = (facemesh.LEFT_BROW, facemesh.RIGHT_BROW)
_BROW_NOISE, _BROW_REACH_IOD = 0.8, 0.10
"""Noise of a brow that is taken as a whole, over its landmarks' own, of which the mean loses part; how far around it
what it does counts. What the dead zone leaves of a slow movement rises and falls again: with a wide one that is a jerk
of 1 % of the inter-ocular distance, each time that a brow comes to rest; with a narrow one, noise at rest is shown."""

_WIDER = 1.05
"""How much wider an eye may be at rest than in the widest frame that was. Of a pose that none of these had, the rest
shape knows only how they changed from one to the other: in one clip that made eyes of 1.7 times the width."""

_GATE_RADIUS_IOD = 0.10
_EDGE_IOD = 0.1
_POSE_RIDGE = 0.005
_SAME_POSE_RAD = 0.06
_ROUNDS, _HEAD_ROUNDS = 6, 2


@dataclass(frozen=True, slots=True, eq=False)
class RestFrame:
    """The face of one frame at rest.

    `xyz` (478, 3): landmarks in pixels of that frame with the facial nerve's share taken away; head, jaw and gaze as
    they are, and the lids as far as they follow the gaze. `excursion` (478,): size of what was taken away, in
    inter-ocular distances. `lid_closure`: how far each eye is closed against its rest with that gaze (0 = as at rest,
    1 = shut), (left, right). `mouth_opening`: gap between the lips that the jaw leaves in `xyz`, in inter-ocular
    distances. `turn_deg`: the head's yaw and pitch against the neutral's.
    """

    xyz: FloatArray
    excursion: FloatArray
    lid_closure: tuple[float, float]
    mouth_opening: float
    turn_deg: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class RestModel:
    """Rest shape as a function of the head's turn, in the frame of the neutral.

    `noise_px` (478,) is each landmark's spread over the resting frames. `brow_share` (478, 2): how far each landmark
    goes with each brow (left, right). `lid_aperture`, `widest`: of the eyes (left, right) at rest, in the neutral's
    pose and at the most, in inter-ocular distances.
    """

    shape: TurningShape
    noise_px: FitArray
    jaw: JawModel
    lids: LidModel
    gate_kernel: FloatArray
    edge: FitArray
    brow_share: FitArray
    lid_aperture: tuple[float, float]
    widest: tuple[float, float]

    @property
    def base(self) -> FitArray:
        """The rest shape (478, 3) as the neutral faces the camera, pixels."""
        return _base(self.shape)

    def rest(self, xyz: FloatArray, gaze: GazeMemory | None = None) -> RestFrame:
        """Return the resting face of a frame whose landmarks are `xyz` (478, 3) pixels; `gaze`: of those before."""
        head = fit_head(self.shape, xyz)
        displacement = self._facial_displacement(xyz, head)
        followed, narrower = self.lids.followed(displacement, gaze)
        size = (_length(displacement) / self.noise_px).astype(np.float32)
        moves = smoothsteps(self.gate_kernel @ size, *DEAD_ZONE)
        displacement *= np.maximum(moves, self._with_brows(displacement))[:, None]
        displacement[facemesh.SKIN_COUNT :] = 0.0  # gaze is not the facial nerve's
        if followed is not None:
            displacement *= (1.0 - followed)[:, None]
        iod = float(interocular_px(xyz))
        left, right = (
            _closure(xyz, ring, open_ - narrower, iod) for ring, open_ in zip(_EYES, self.lid_aperture, strict=True)
        )
        rest = xyz.astype(np.float64)
        rest[:, :2] -= head.forth(displacement)
        too_wide = [self._too_wide(xyz, rest, eye, iod) for eye in (0, 1)]
        if any(too_wide):
            displacement *= (1.0 - self.lids.of_eyes @ too_wide)[:, None]
            rest[:, :2] = xyz[:, :2] - head.forth(displacement)
        rest = sealed(rest, xyz, iod)
        excursion = _length(xyz[:, :2] - rest[:, :2]) / iod
        opening = math.dist(rest[facemesh.LIP_GAP[0], :2].tolist(), rest[facemesh.LIP_GAP[1], :2].tolist()) / iod
        return RestFrame(rest.astype(np.float32), excursion.astype(np.float32), (left, right), opening, _degrees(head))

    def _too_wide(self, xyz: FloatArray, rest: FitArray, eye: int, iod: float) -> float:
        """Return the share of its lids' movement that makes an eye wider at rest than it ever was."""
        now, then = lid_gap_px(xyz, _EYES[eye]), lid_gap_px(rest, _EYES[eye])
        most = max(self.widest[eye] * iod, now)
        return (then - most) / (then - now) if then > most else 0.0

    def turn_deg(self, xyz: FloatArray) -> tuple[float, float]:
        """Return yaw and pitch of a head against the neutral's, from its landmarks (478, 3)."""
        return _degrees(fit_head(self.shape, xyz))

    def _facial_displacement(self, xyz: FloatArray, head: HeadFit) -> FitArray:
        """Displacement (478, 2) from rest in the neutral's frame, without the jaw and what can't move."""
        displacement = head.back(xyz[:, :2] - head.place(self.shape))
        displacement -= self.jaw.displacement(displacement)
        result: FitArray = displacement * self.edge[:, None]
        return result

    def _with_brows(self, displacement: FitArray) -> FitArray:
        """Return (478,) 0..1 how surely each landmark moves with a brow: what a brow does as a whole is no noise.

        A frown moves its landmarks by little more than the noise of each, but all of them alike.
        """
        sure = [
            smoothsteps(
                np.linalg.norm(displacement[list(part)].mean(axis=0))
                / (_BROW_NOISE * self.noise_px[list(part)].mean()),
                *DEAD_ZONE,
            )
            for brow in _BROWS
            for part in (brow, brow[3:7])  # the whole, and its inner end alone
        ]
        result: FitArray = (self.brow_share * np.array(sure).reshape(2, 2).max(axis=1)).max(axis=1)
        return result


_EYES = (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)


def fit_rest(reference: FloatArray, samples: FloatArray, weights: FloatArray) -> RestModel:
    """Fit the rest shape.

    Parameters
    ----------
    reference : (478, 3) landmarks of the neutral, pixels of its own frame.
    samples : (n, 478, 3) landmarks of frames that may be at rest (other poses welcome), NaN-free; n may be 0.
    weights : (n,) in 0..1, how surely each of them is at rest.
    """
    points = np.asarray(reference, np.float64)
    points = points - np.average(points, axis=0, weights=FIRMNESS)
    iod = float(interocular_px(np.asarray(reference, np.float32)))
    faces = [np.asarray(reference, np.float32), *samples]
    prior = np.array([1.0 + 0.05 * len(samples), *weights], np.float64)
    shape = TurningShape(points, np.zeros((478, 2)), np.zeros((FEATURES, 478, 2)), iod)
    noise = np.full(478, NOISE_FLOOR_IOD * iod)
    # Where the heads are depends on the shape, and the shape on where the heads are.
    for _ in range(_HEAD_ROUNDS if len(samples) else 0):  # of one face alone, the shape is that face
        shape, noise = _fit_shape(shape, faces, prior)
    widths = [[lid_gap_px(xyz, eye) / float(interocular_px(xyz)) for eye in _EYES] for xyz in faces]
    left, right = _WIDER * np.max(widths, axis=0) if len(samples) else (np.inf, np.inf)
    return _rest_model(shape, np.minimum(noise, NOISE_CEILING_IOD * iod), (float(left), float(right)))


def shifted(model: RestModel, shift: FitArray) -> RestModel:
    """Return the rest shape with landmarks elsewhere, by `shift` (478, 2) pixels of the neutral.

    Landmarks that say where the head is must not be among them.
    """
    return _rest_model(replace(model.shape, offset=model.shape.offset + shift), model.noise_px, model.widest)


def _rest_model(shape: TurningShape, noise_px: FitArray, widest: tuple[float, float]) -> RestModel:
    base, iod = _base(shape), shape.iod_px
    return RestModel(
        shape=shape,
        noise_px=noise_px,
        jaw=jaw_model(base, iod),
        lids=lid_model(base, iod),
        gate_kernel=_kernel(base[:, :2].astype(np.float32), _GATE_RADIUS_IOD * iod),
        edge=_from_outline(base, iod),
        brow_share=_around_brows(base, _BROW_REACH_IOD * iod),
        lid_aperture=(lid_gap_px(base, _EYES[0]) / iod, lid_gap_px(base, _EYES[1]) / iod),
        widest=widest,
    )


def _fit_shape(shape: TurningShape, faces: list[FloatArray], prior: FitArray) -> tuple[TurningShape, FitArray]:
    """Return the shape and the noise (478,) fitted to faces whose heads are where `shape` says."""
    heads = [fit_head(shape, xyz) for xyz in faces]
    terms = np.array([[1.0, *features(head.yaw, head.pitch)] for head in heads])
    rigid = replace(shape, offset=np.zeros_like(shape.offset), slopes=np.zeros_like(shape.slopes))
    extra = [
        head.back(xyz[:, :2] - head.shift) - rigid.seen(head.yaw, head.pitch)
        for head, xyz in zip(heads, faces, strict=True)
    ]
    calm = _calmest_of_pose(terms[:, :3], prior)
    coefficients, noise = _robust_fit(np.array(extra), terms, calm, NOISE_FLOOR_IOD * shape.iod_px)
    return replace(shape, offset=coefficients[0], slopes=coefficients[1:]), noise


def _base(shape: TurningShape) -> FitArray:
    return np.concatenate([shape.points[:, :2] + shape.offset, shape.points[:, 2:]], axis=1)


def _calmest_of_pose(poses: FitArray, prior: FitArray) -> FitArray:
    """Return the prior (n,) with frames made to count less, the calmer others of about the same pose are.

    An expression held for long would otherwise outweigh, by number, the few frames at rest beside it; a pose that the
    person never shows at rest has no better frames and keeps what it has.
    """
    turn = np.linalg.norm(poses[:, None, 1:] - poses[None, :, 1:], axis=2)
    best = (prior[None, :].clip(max=1.0) * np.exp(-0.5 * (turn / _SAME_POSE_RAD) ** 2)).max(axis=1)
    return np.asarray(prior * np.minimum(prior / best, 1.0), np.float64)


def _robust_fit(shapes: FitArray, poses: FitArray, prior: FitArray, floor: float) -> tuple[FitArray, FitArray]:
    """Weighted ridge regression of shapes (n, 478, 2) on poses (n, p), reweighted by Tukey's biweight per landmark."""
    ridge = np.diag([1e-6, *[_POSE_RIDGE] * (poses.shape[1] - 1)])
    weights = np.repeat(prior[:, None], shapes.shape[1], axis=1)
    for _ in range(_ROUNDS):
        gram = np.tensordot(weights, poses[:, :, None] * poses[:, None, :], axes=(0, 0)) + ridge
        moment = np.tensordot(poses, weights[:, :, None] * shapes, axes=(0, 0)).transpose(1, 0, 2)
        coefficients = np.linalg.solve(gram, moment)
        residual = np.linalg.norm(shapes - np.tensordot(poses, coefficients, axes=(1, 1)), axis=2)
        spread = np.sqrt((weights * residual**2).sum(axis=0) / weights.sum(axis=0))
        spread = np.maximum(spread, floor)
        weights = prior[:, None] * np.clip(1 - (residual / (4 * spread)) ** 2, 1e-3, None) ** 2
    return np.ascontiguousarray(coefficients.transpose(1, 0, 2), np.float64), spread


def _kernel(xy: FloatArray, radius: float) -> FloatArray:
    """Gaussian weights (n, n) of points (n, 2) for each other; rows sum to about 1."""
    weights = gaussian(squared_distances(xy, xy), radius)
    weights /= weights.sum(axis=1, keepdims=True) + np.float32(1e-3)
    return weights


def _from_outline(points: FitArray, iod: float) -> FitArray:
    """Return (478,) 0 on the outline, 1 from some way inside: there skin ends, and what lies beyond must stay."""
    xy = points[:, :2]
    distance = np.sqrt(squared_distances(xy, xy[list(facemesh.FACE_OVAL)]).min(axis=1))
    return np.asarray(np.clip(distance / (_EDGE_IOD * iod), 0.0, 1.0), np.float64)


def _around_brows(points: FitArray, reach: float) -> FitArray:
    """Return (478, 2): 1 on each brow, falling smoothly to 0 well beyond `reach`."""
    squared = [squared_distances(points[:, :2], points[list(brow), :2]).min(axis=1) for brow in _BROWS]
    return np.asarray(np.exp(-np.stack(squared, axis=1) / reach**2), np.float64)


def _closure(xyz: FloatArray, ring: tuple[int, ...], aperture_iod: float, iod: float) -> float:
    now = lid_gap_px(xyz, ring) / iod
    return min(max(1 - now / max(aperture_iod, 1e-6), 0.0), 1.0)


def _degrees(head: HeadFit) -> tuple[float, float]:
    return math.degrees(head.yaw), math.degrees(head.pitch)


def _length(vectors: FitArray) -> FitArray:
    """Return the length (n,) of vectors (n, 2); half the time of `np.linalg.norm`."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)), np.float64)
