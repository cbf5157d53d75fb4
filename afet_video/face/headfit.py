"""Where the head is, from landmarks in the picture alone: a robust weak-perspective fit of a rest shape.

in: a shape that turns, landmarks (478, 2) of a frame -> out: `HeadFit`.  Must not: use the detector's depth of a frame.

MediaPipe's depth is a guess that changes with the expression: aligned in 3-D, a smile tilts the head and so moves the
brows by 1.5 % of the inter-ocular distance. In the picture the landmarks are exact to a tenth of that. So only they
are used: of two turns (yaw, pitch) and a 2-D similarity, those are sought that bring the parts which facial muscles
hardly move to where they are seen. What moves all the same (a raised forehead, a squint) is out of line with the rest,
and counts less and less (iteratively reweighted least squares with Geman and McClure's weights).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import LANDMARK_COUNT

FitArray = NDArray[np.float64]

_FIRM = (
    *(168, 6, 197, 195, 5, 4, 1, 122, 351, 193, 417, 245, 465, 188, 412, 174, 399, 196, 419, 3, 248, 51, 281, 45, 275),
    *(236, 456, 198, 420, 131, 360, 134, 363, 33, 133, 362, 263, 130, 359, 243, 463, 244, 464, 226, 446),
    *(127, 356, 234, 454, 162, 389, 21, 251, 34, 264, 139, 368, 143, 372, 156, 383, 93, 323, 227, 447, 137, 366),
    *(116, 345, 111, 340, 117, 346, 123, 352, 147, 376),
)
"""Landmarks that expressions hardly move: the nose without its wings, canthi, temples, cheek bones. The forehead is not
among them: a brow raise moves all of it alike, and would be taken for a nod."""

_ROUNDS_IOD = ((0.03, 2), (0.015, 1), (0.008, 1), (0.008, 1))
"""Misfit at which a landmark counts a quarter, round by round, in inter-ocular distances; steps of each round."""

_STEP_LIMIT_RAD = 0.2


def _shares() -> FitArray:
    shares = np.zeros(LANDMARK_COUNT)
    shares[list(_FIRM)] = 1.0
    return shares


FIRMNESS: FitArray = _shares()
"""(478,): how much each landmark says about the head before its neighbours have been heard."""

_USED = np.flatnonzero(FIRMNESS)
FEATURES = 5


def features(yaw: float, pitch: float) -> FitArray:
    """Return the terms (5,) of the turn that the rest shape depends on besides its own rotation."""
    return np.array([yaw, pitch, yaw * yaw, yaw * pitch, pitch * pitch])


@dataclass(frozen=True, slots=True, eq=False)
class TurningShape:
    """A face at rest as seen from any side.

    `points` (478, 3): the shape facing the camera as the neutral does, pixels of the neutral, about its own centre.
    `offset` (478, 2) and `slopes` (5, 478, 2): what is added to its projection, constant and by `features`. `iod_px`:
    its inter-ocular distance.
    """

    points: FitArray
    offset: FitArray
    slopes: FitArray
    iod_px: float

    def seen(self, yaw: float, pitch: float, part: NDArray[np.intp] | slice = slice(None)) -> FitArray:
        """Return the projection (n, 2) at yaw and pitch in radians, without roll, scale and place."""
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        turn = np.array([[cy, 0.0, sy], [sp * sy, cp, -sp * cy]])
        flat = self.points[part] @ turn.T + self.offset[part]
        result: FitArray = flat + np.tensordot(features(yaw, pitch), self.slopes[:, part], axes=1)
        return result


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
        result: FitArray = vectors @ np.linalg.inv(self.linear).T
        return result

    def forth(self, vectors: NDArray[np.floating]) -> FitArray:
        """Turn displacements (..., 2) of the shape's frame into the frame's pixels."""
        result: FitArray = vectors @ self.linear.T
        return result


def fit_head(shape: TurningShape, xy: NDArray[np.floating]) -> HeadFit:
    """Return the head of a frame whose landmarks are `xy` (478, 2 or more) pixels."""
    target = np.asarray(xy[_USED, :2], np.float64)
    firm = FIRMNESS[_USED]
    weights, yaw, pitch = firm, 0.0, 0.0
    linear, shift = np.eye(2), np.zeros(2)
    for width, steps in _ROUNDS_IOD:
        for _ in range(steps):
            yaw, pitch = _turned(shape, target, weights, yaw, pitch)
        seen = shape.seen(yaw, pitch, _USED)
        linear, shift = _similarity(seen, target, weights)
        squared = ((target - seen @ linear.T - shift) ** 2).sum(axis=1)
        scale = (width * shape.iod_px) ** 2 * abs(np.linalg.det(linear))
        weights = firm / (1.0 + squared / scale) ** 2
    return HeadFit(yaw, pitch, linear, shift)


def _turned(shape: TurningShape, target: FitArray, weights: FitArray, yaw: float, pitch: float) -> tuple[float, float]:
    """Return yaw and pitch after one Gauss-Newton step; the similarity is eliminated."""
    seen = shape.seen(yaw, pitch, _USED)
    linear, shift = _similarity(seen, target, weights)
    placed = seen @ linear.T
    step = 1e-3
    by_yaw = (shape.seen(yaw + step, pitch, _USED) - seen) @ linear.T / step
    by_pitch = (shape.seen(yaw, pitch + step, _USED) - seen) @ linear.T / step
    centred = placed - np.average(placed, axis=0, weights=weights)
    ones, zeros = np.ones(len(placed)), np.zeros(len(placed))
    columns = (
        np.stack([ones, zeros], 1),
        np.stack([zeros, ones], 1),
        centred,
        np.stack([-centred[:, 1], centred[:, 0]], 1),
        by_yaw,
        by_pitch,
    )
    root = np.sqrt(weights)[:, None]
    design = np.stack([(column * root).ravel() for column in columns], axis=1)
    misfit = ((target - placed - shift) * root).ravel()
    solution = np.linalg.solve(design.T @ design + 1e-6 * np.eye(6), design.T @ misfit)
    by = np.clip(solution[4:], -_STEP_LIMIT_RAD, _STEP_LIMIT_RAD)
    return yaw + float(by[0]), pitch + float(by[1])


def _similarity(source: FitArray, target: FitArray, weights: FitArray) -> tuple[FitArray, FitArray]:
    """Return the 2-D similarity (2, 2), (2,) that takes `source` (n, 2) to `target` with least weighted error."""
    from_mean = np.average(source, axis=0, weights=weights)
    to_mean = np.average(target, axis=0, weights=weights)
    a, b = source - from_mean, target - to_mean
    size = float(weights @ (a * a).sum(axis=1))
    cosine = float(weights @ (a * b).sum(axis=1)) / size
    sine = float(weights @ (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])) / size
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return linear, to_mean - linear @ from_mean
