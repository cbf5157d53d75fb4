"""The face at rest, for every pose of the head: what the landmarks would be if no facial muscle pulled.

in: a track's landmarks, which frames are at rest -> out: `RestModel`; per frame the displacement that the facial nerve
causes.  Must not: touch pixels.

A single neutral frame aligned rigidly is not enough: MediaPipe's depth is poor, so a turned head leaves residuals as
large as an expression. The rest shape is therefore a function of the head's rotation, fitted on all resting frames,
landmark by landmark and robustly (an eye that blinks does not spoil the mouth). What is left after this model, after
drift of the stable landmarks and after the jaw (which the trigeminal nerve moves) is what the facial nerve did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.activity import lid_gap_px
from afet_video.face.jaw import JawModel, jaw_model
from afet_video.face.lips import sealed
from afet_video.face.pose import STABLE, Similarity, align, interocular_px

FitArray = NDArray[np.float64]

NOISE_FLOOR_IOD = 0.004
"""Smallest landmark noise assumed, as a share of the inter-ocular distance (MediaPipe on a still face: 0.2–0.4 %)."""

DEAD_ZONE = (1.2, 3.5)
"""A displacement below the first multiple of a landmark's noise counts as none, above the second in full."""

_DRIFT_RADIUS_IOD = 0.35
_GATE_RADIUS_IOD = 0.10
_EDGE_IOD = 0.1
_POSE_RIDGE = 0.005
_SAME_POSE_RAD = 0.06
_ROUNDS = 6


@dataclass(frozen=True, slots=True, eq=False)
class RestFrame:
    """The face of one frame at rest.

    `xyz` (478, 3): landmarks in pixels of that frame with the facial nerve's share taken away; head, jaw and gaze as
    they are. `excursion` (478,): size of what was taken away, in inter-ocular distances. `lid_closure`: how far each
    eye is closed against its rest (0 = as at rest, 1 = shut), (left, right). `mouth_opening`: gap between the lips that
    the jaw leaves in `xyz`, in inter-ocular distances.
    """

    xyz: FloatArray
    excursion: FloatArray
    lid_closure: tuple[float, float]
    mouth_opening: float


@dataclass(frozen=True, slots=True, eq=False)
class RestModel:
    """Rest shape as a linear function of the head's rotation, in the frame of the neutral.

    `reference` (478, 3) is the neutral's own landmarks. `coefficients` (4, 478, 3): constant, then per component of
    the rotation vector. `noise_px` (478,) is each landmark's spread over the resting frames.
    """

    reference: FloatArray
    coefficients: FitArray
    noise_px: FitArray
    jaw: JawModel
    drift_kernel: FitArray
    gate_kernel: FitArray
    edge: FitArray
    lid_aperture: tuple[float, float]

    def rest(self, xyz: FloatArray) -> RestFrame:
        """Return the resting face of a frame whose landmarks are `xyz` (478, 3) pixels."""
        similarity = align(xyz, self.reference)
        displacement = self._facial_displacement(xyz, similarity)
        size = np.linalg.norm(displacement[:, :2], axis=1)
        displacement *= _smoothstep(self.gate_kernel @ (size / self.noise_px), *DEAD_ZONE)[:, None]
        closure = tuple(_closure(xyz, ring, aperture) for ring, aperture in zip(_EYES, self.lid_aperture, strict=True))
        displacement[facemesh.SKIN_COUNT :] = 0.0  # gaze is not the facial nerve's
        iod = float(interocular_px(xyz))
        rest = sealed(xyz - similarity.vectors_back(displacement), xyz, iod)
        excursion = np.linalg.norm((xyz - rest)[:, :2], axis=1) / iod
        opening = float(np.linalg.norm(rest[_LIP_GAP[0], :2] - rest[_LIP_GAP[1], :2]) / iod)
        return RestFrame(rest.astype(np.float32), excursion.astype(np.float32), (closure[0], closure[1]), opening)

    def _facial_displacement(self, xyz: FloatArray, similarity: Similarity) -> FitArray:
        """Displacement (478, 3) from rest in the neutral's frame, without pose error, jaw, and what can't move."""
        pose = np.concatenate([[1.0], similarity.rotation_vector])
        displacement = similarity.apply(xyz) - np.tensordot(pose, self.coefficients, axes=1)
        displacement -= self.drift_kernel @ displacement[list(STABLE)]
        displacement -= self.jaw.displacement(displacement)
        result: FitArray = displacement * self.edge[:, None]
        return result


_EYES = (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)
_LIP_GAP = (13, 14)


def fit_rest(reference: FloatArray, samples: FloatArray, weights: FloatArray) -> RestModel:
    """Fit the rest shape.

    Parameters
    ----------
    reference : (478, 3) landmarks of the neutral, pixels of its own frame.
    samples : (n, 478, 3) landmarks of frames that may be at rest (other poses welcome), NaN-free; n may be 0.
    weights : (n,) in 0..1, how surely each of them is at rest.
    """
    reference = np.asarray(reference, np.float32)
    iod = float(interocular_px(reference))
    shapes, poses, prior = [reference.astype(np.float64)], [np.array([1.0, 0, 0, 0])], [1.0 + 0.05 * len(samples)]
    for xyz, weight in zip(samples, weights, strict=True):
        similarity = align(xyz, reference)
        shapes.append(similarity.apply(xyz))
        poses.append(np.concatenate([[1.0], similarity.rotation_vector]))
        prior.append(float(weight))
    prior_by_pose = _calmest_of_pose(np.array(poses), np.array(prior))
    coefficients, noise = _robust_fit(np.array(shapes), np.array(poses), prior_by_pose, NOISE_FLOOR_IOD * iod)
    base = coefficients[0]
    return RestModel(
        reference=reference,
        coefficients=coefficients,
        noise_px=noise,
        jaw=jaw_model(base, iod),
        drift_kernel=_kernel(base, base[list(STABLE)], _DRIFT_RADIUS_IOD * iod),
        gate_kernel=_kernel(base, base, _GATE_RADIUS_IOD * iod),
        edge=_from_outline(base, iod),
        lid_aperture=(lid_gap_px(base, _EYES[0]) / iod, lid_gap_px(base, _EYES[1]) / iod),
    )


def _calmest_of_pose(poses: FitArray, prior: FitArray) -> FitArray:
    """Return the prior (n,) with frames made to count less, the calmer others of about the same pose are.

    An expression held for long would otherwise outweigh, by number, the few frames at rest beside it; a pose that the
    person never shows at rest has no better frames and keeps what it has.
    """
    turn = np.linalg.norm(poses[:, None, 1:] - poses[None, :, 1:], axis=2)
    best = (prior[None, :].clip(max=1.0) * np.exp(-0.5 * (turn / _SAME_POSE_RAD) ** 2)).max(axis=1)
    return np.asarray(prior * np.minimum(prior / best, 1.0), np.float64)


def _robust_fit(shapes: FitArray, poses: FitArray, prior: FitArray, floor: float) -> tuple[FitArray, FitArray]:
    """Weighted ridge regression of shapes (n, 478, 3) on poses (n, 4), reweighted by Tukey's biweight per landmark."""
    ridge = np.diag([1e-6, *[_POSE_RIDGE] * 3])
    weights = np.repeat(prior[:, None], shapes.shape[1], axis=1)
    for _ in range(_ROUNDS):
        gram = np.einsum("nl,ni,nj->lij", weights, poses, poses) + ridge
        moment = np.einsum("nl,ni,nlc->lic", weights, poses, shapes)
        coefficients = np.linalg.solve(gram, moment)
        residual = np.linalg.norm(shapes - np.einsum("ni,lic->nlc", poses, coefficients), axis=2)
        spread = np.sqrt((weights * residual**2).sum(axis=0) / weights.sum(axis=0))
        spread = np.maximum(spread, floor)
        weights = prior[:, None] * np.clip(1 - (residual / (4 * spread)) ** 2, 1e-3, None) ** 2
    return coefficients.transpose(1, 0, 2), spread


def _kernel(points: FitArray, anchors: FitArray, radius: float) -> FitArray:
    """Gaussian weights (n, m) of anchors for points by their distance in the picture plane; rows sum to about 1."""
    squared = ((points[:, None, :2] - anchors[None, :, :2]) ** 2).sum(axis=2)
    weights = np.exp(-squared / (2 * radius**2))
    result: FitArray = weights / (weights.sum(axis=1, keepdims=True) + 1e-3)
    return result


def _from_outline(points: FitArray, iod: float) -> FitArray:
    """Return (478,) 0 on the outline, 1 from some way inside: there skin ends, and what lies beyond must stay."""
    outline = points[list(facemesh.FACE_OVAL), :2]
    distance = np.linalg.norm(points[:, None, :2] - outline[None], axis=2).min(axis=1)
    return np.asarray(np.clip(distance / (_EDGE_IOD * iod), 0.0, 1.0), np.float64)


def _closure(xyz: FloatArray, ring: tuple[int, ...], aperture_iod: float) -> float:
    now = lid_gap_px(xyz, ring) / float(interocular_px(xyz))
    return float(np.clip(1 - now / max(aperture_iod, 1e-6), 0.0, 1.0))


def _smoothstep(x: NDArray[np.floating] | np.floating, low: float, high: float) -> NDArray[np.floating]:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    result: NDArray[np.floating] = t * t * (3 - 2 * t)
    return result
