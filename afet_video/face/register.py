"""Where exactly each landmark is: the face of a frame laid over the face of the neutral, pixel against pixel.

in: the neutral's luma and landmarks, a frame's luma and detected landmarks -> out: corrected landmarks.
Must not: detect, smooth over time, or know about palsy.

A detector regresses landmarks from a whole face, and what it has learnt of faces shows: on rendered heads whose points
are known, a brow raise shifts MediaPipe's nose by 3 % of the inter-ocular distance, brows that rise by 6.5 % are
measured 3 % short, and a wink of one eye moves the other. The pixels know better. The frame is carried on to the
neutral's grid by the landmark mesh; what still moves between the two pictures is what the detector got wrong. It is
found by Gauss-Newton steps per landmark (Lucas & Kanade 1981) on windows around it, with robust weights (folds, teeth
and what covers the face do not fit and do not count) and held together by the mesh, so that plain skin follows its
neighbours. Where a picture says nothing the landmark stays where it was detected.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import Box, FloatArray, VideoFrame
from afet_video.face.pose import interocular_px

GRID_IOD_PX = 96
"""Pixels of the finest grid between the outer canthi: what compression leaves of finer detail misleads more than it
helps."""

_LEVELS = ((0.5, 1.5, 3.5, 3), (1.0, 1.0, 4.0, 2))
"""Size of the grid, blur of both pictures, radius of the windows (standard deviations, grid pixels), and Gauss-Newton
steps. A third step on the fine grid would take a quarter as much time again; what `convert` makes of rendered heads,
whose answer is known, differs by less than 0.1 dB, to either side."""

_LIGHT_IOD = 0.26
"""Differences wider than this are light, not movement."""

_ROBUST = 5.0
"""Grey levels of misfit at which a pixel counts half."""

_PRIOR, _TIES = 0.1, 1.0
"""Pull towards the detected place and towards the mesh's neighbours, in squared grey levels a pixel of gradient."""

_SWEEPS = 30
_LIPS = tuple(i for row in facemesh.LIP_ROWS for i in row)
_LARGEST_IOD = 0.08
"""Corrections beyond this share of the inter-ocular distance are mistakes."""

_MARGIN_IOD, _AROUND_PX = 0.08, 8


_OUTLINE_PRIOR = 20.0
"""The outline stays where it is detected: half of what is seen around it is no face."""

_OPEN_PRIOR = 20.0
_OPEN_RANGE_IOD = (0.02, 0.10)
"""Gap between the lips from which their landmarks stay where they are detected, and do so in full: an open mouth shows
edges that a closed one has not."""


@dataclass(frozen=True, slots=True, eq=False)
class Luma:
    """Luma of part of a frame: `values` (h, w) float32. A frame's pixel p is at `(p - origin + 0.5) * scale - 0.5`."""

    values: FloatArray
    origin: tuple[float, float]
    scale: float


class FaceRegistration:
    """Lays faces over one neutral face.

    Parameters
    ----------
    luma : the neutral's picture.
    xyz : (478, 3) its landmarks, pixels of its frame.
    triangles : (M, 3) mesh over the landmarks.
    """

    def __init__(self, luma: Luma, xyz: FloatArray, triangles: NDArray[np.int32]) -> None:
        self._levels = [_Level(luma, xyz, np.ascontiguousarray(triangles, np.int32), *level) for level in _LEVELS]

    def refine(self, luma: Luma, xyz: FloatArray) -> FloatArray:
        """Return corrected landmarks (478, 3) of a frame; irises and depth stay as detected.

        Parameters
        ----------
        luma : the frame's picture.
        xyz : (478, 3) detected landmarks, pixels of the frame.
        """
        result, shift = xyz.copy(), np.zeros((facemesh.SKIN_COUNT, 2))
        for level in self._levels:
            result, shift = level.fit(luma, xyz, result, shift)
        size = np.linalg.norm((result - xyz)[:, :2], axis=1, keepdims=True)
        limit = _LARGEST_IOD * float(interocular_px(xyz))
        result[:, :2] = xyz[:, :2] + (result - xyz)[:, :2] * np.minimum(1.0, limit / np.maximum(size, 1e-6))
        return result


class _Level:
    """The neutral on a grid of one size, with all that no frame changes; shifts are in inter-ocular distances."""

    def __init__(
        self,
        luma: Luma,
        xyz: FloatArray,
        triangles: NDArray[np.int32],
        size: float,
        blur: float,
        window: float,
        steps: int,
    ) -> None:
        self._iod_px, self._blur, self._steps = size * GRID_IOD_PX, blur, steps
        places = xyz[: facemesh.SKIN_COUNT, :2].astype(np.float64) * (self._iod_px / float(interocular_px(xyz)))
        margin = _MARGIN_IOD * self._iod_px
        self._places = places - (places.min(axis=0) - margin)
        width, height = np.ceil(self._places.max(axis=0) + margin).astype(int) + 1
        self._triangles = triangles
        self._owner, self._share = _inside(self._places, triangles, (int(height), int(width)))
        inside = (self._owner >= 0).astype(np.float32)
        self._inside_share = np.maximum(cv2.GaussianBlur(inside, (0, 0), blur), np.float32(1e-3))
        self._mask = self._plain_face()
        self._light = (2 * round(_LIGHT_IOD * self._iod_px / 2) + 1,) * 2
        self._light_share = cv2.blur(self._mask, self._light) + np.float32(1e-3)
        self._neighbours = _neighbours(triangles)
        self._inverse = self._spreads()
        self._reference = self._sample(luma, xyz)
        slopes = [cv2.Sobel(self._reference, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))]
        self._gradient = np.stack(slopes, axis=2).reshape(-1, 2)
        self._windows = _windows(self._places, self._mask.shape, window)

    def fit(
        self, luma: Luma, detected: FloatArray, start: FloatArray, shift: NDArray[np.float64]
    ) -> tuple[FloatArray, NDArray[np.float64]]:
        """Return landmarks (478, 3) nearer to the neutral's pixels than `start`, and their shifts from `detected`."""
        skin = slice(facemesh.SKIN_COUNT)
        result, shift = start.copy(), shift * self._iod_px
        priors = _priors(detected)
        jacobian = _jacobian(detected[:, :2].astype(np.float64), self._places, *self._neighbours, self._inverse)
        for _ in range(self._steps):
            misfit = (self._reference - self._sample(luma, result)) * self._mask
            misfit -= cv2.blur(misfit, self._light) / self._light_share
            shift = _step(
                misfit.ravel(), self._mask.ravel(), self._gradient, *self._windows, *self._neighbours, shift,
                np.float32(_ROBUST), priors, _TIES, _SWEEPS,
            )  # fmt: skip
            result[skin, :2] = detected[skin, :2] + np.einsum("kab,kb->ka", jacobian, shift)
        return result, shift / self._iod_px

    def _sample(self, luma: Luma, xyz: FloatArray) -> FloatArray:
        """Return `luma` on the grid (h, w), blurred over the mesh alone: its rim must not look like an edge."""
        places = (xyz[: facemesh.SKIN_COUNT, :2] - np.array(luma.origin, np.float32) + 0.5) * luma.scale - 0.5
        places = np.ascontiguousarray(places, np.float32)
        carried: FloatArray = _sampled(luma.values, places, self._triangles, self._owner, self._share)
        return np.asarray(cv2.GaussianBlur(carried, (0, 0), self._blur) / self._inside_share, np.float32)

    def _plain_face(self) -> FloatArray:
        """Return (h, w): 1 on the mesh, 0 at the eyeballs and inside the mouth, which move by themselves."""
        mask = (self._owner >= 0).astype(np.uint8)
        for ring, margin in ((facemesh.LEFT_EYE, 3), (facemesh.RIGHT_EYE, 3), (facemesh.LIP_ROWS[2], 1)):
            hole = np.zeros_like(mask)
            cv2.fillPoly(hole, [np.round(self._places[list(ring)] * 16).astype(np.int32)], 1, shift=4)
            mask[cv2.dilate(hole, np.ones((margin, margin), np.uint8)) > 0] = 0
        return mask.astype(np.float32)

    def _spreads(self) -> NDArray[np.float64]:
        """Return (468, 2, 2) inverse moments of the offsets to each landmark's neighbours."""
        starts, others = self._neighbours
        owner = np.repeat(np.arange(facemesh.SKIN_COUNT), np.diff(starts))
        offset = self._places[others] - self._places[owner]
        moment = np.zeros((facemesh.SKIN_COUNT, 2, 2))
        np.add.at(moment, owner, offset[:, :, None] * offset[:, None, :])
        return np.asarray(np.linalg.inv(moment + 1e-3 * np.eye(2)), np.float64)


def _priors(xyz: FloatArray) -> NDArray[np.float64]:
    """Return each landmark's pull towards its detected place (468,)."""
    low, high = _OPEN_RANGE_IOD
    gap = float(np.linalg.norm(xyz[13, :2] - xyz[14, :2]) / interocular_px(xyz))
    share = np.clip((gap - low) / (high - low), 0.0, 1.0)
    result = np.full(facemesh.SKIN_COUNT, _PRIOR)
    result[list(_LIPS)] += _OPEN_PRIOR * share
    result[list(facemesh.FACE_OVAL)] += _OUTLINE_PRIOR
    return result


def _inside(
    places: NDArray[np.float64], triangles: NDArray[np.int32], shape: tuple[int, int]
) -> tuple[NDArray[np.int32], FloatArray]:
    """Return each grid pixel's triangle (h, w), -1 = none, and its barycentric coordinates (h, w, 3)."""
    owner = np.full(shape, -1, np.int32)
    corners = np.round(places * 16).astype(np.int32)[triangles]
    for index, triangle in enumerate(corners):
        cv2.fillConvexPoly(owner, triangle, index, shift=4)
    return owner, _barycentric(owner, places, triangles)


@njit(cache=True, nogil=True, error_model="numpy")
def _barycentric(owner, places, triangles):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return the barycentric coordinates (h, w, 3) of each pixel in its triangle, 0 where it has none."""
    height, width = owner.shape
    share = np.zeros((height, width, 3), np.float32)
    for i in range(height):
        for j in range(width):
            t = owner[i, j]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            abx, aby = places[b, 0] - places[a, 0], places[b, 1] - places[a, 1]
            acx, acy = places[c, 0] - places[a, 0], places[c, 1] - places[a, 1]
            apx, apy = j - places[a, 0], i - places[a, 1]
            area = abx * acy - aby * acx
            if abs(area) < 1e-9:
                area = 1e-9
            v, w = (apx * acy - apy * acx) / area, (abx * apy - aby * apx) / area
            share[i, j, 0], share[i, j, 1], share[i, j, 2] = 1 - v - w, v, w
    return share


def _neighbours(triangles: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return starts (469,) and others: the neighbours of landmark k are others[starts[k] : starts[k + 1]]."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    count = facemesh.SKIN_COUNT
    keys = np.unique(np.concatenate([edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]]))
    starts = np.searchsorted(keys, np.arange(count + 1) * count)
    return starts.astype(np.int32), (keys % count).astype(np.int32)


def _windows(
    places: NDArray[np.float64], shape: tuple[int, int], spread: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], FloatArray]:
    """Return the Gaussian window of each landmark as starts, flat pixel indices, and weights that sum to about 1."""
    reach = int(np.ceil(2 * spread))
    starts, pixels, weights = _windowed(places, shape[0], shape[1], spread, reach)
    return starts, pixels, weights


@njit(cache=True, nogil=True, error_model="numpy")
def _windowed(places, height, width, spread, reach):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    most = len(places) * (2 * reach + 1) ** 2
    starts = np.zeros(len(places) + 1, np.int32)
    pixels, weights = np.empty(most, np.int32), np.empty(most, np.float32)
    used = 0
    for k in range(len(places)):
        x, y = places[k, 0], places[k, 1]
        column, row = round(x), round(y)
        for i in range(row - reach, row + reach + 1):
            for j in range(column - reach, column + reach + 1):
                squared = (j - x) ** 2 + (i - y) ** 2
                if 0 <= j < width and 0 <= i < height and squared <= reach**2:
                    pixels[used] = i * width + j
                    weights[used] = np.exp(-squared / (2 * spread**2)) / (2 * np.pi * spread**2)
                    used += 1
        starts[k + 1] = used
    return starts, pixels[:used].copy(), weights[:used].copy()


@njit(cache=True, nogil=True, error_model="numpy")
def _sampled(image, places, triangles, owner, share):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return `image` carried on to the grid: (h, w) float32, 0 beyond the mesh."""
    height, width = owner.shape
    rows, columns = image.shape
    out = np.zeros((height, width), np.float32)
    for i in range(height):
        for j in range(width):
            t = owner[i, j]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            u, v, w = share[i, j, 0], share[i, j, 1], share[i, j, 2]
            x = u * places[a, 0] + v * places[b, 0] + w * places[c, 0]
            y = u * places[a, 1] + v * places[b, 1] + w * places[c, 1]
            x = min(max(x, np.float32(0.0)), np.float32(columns - 1))
            y = min(max(y, np.float32(0.0)), np.float32(rows - 1))
            x0, y0 = int(x), int(y)
            x1, y1 = min(x0 + 1, columns - 1), min(y0 + 1, rows - 1)
            fx, fy = x - np.float32(x0), y - np.float32(y0)
            top = image[y0, x0] + fx * (image[y0, x1] - image[y0, x0])
            bottom = image[y1, x0] + fx * (image[y1, x1] - image[y1, x0])
            out[i, j] = top + fy * (bottom - top)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _jacobian(places, grid, starts, others, inverse):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return (468, 2, 2): how a shift on the grid turns and stretches on its way to the frame, from the neighbours."""
    count = len(starts) - 1
    out = np.zeros((count, 2, 2))
    for k in range(count):
        moment = np.zeros((2, 2))
        for e in range(starts[k], starts[k + 1]):
            j = others[e]
            for a in range(2):
                for b in range(2):
                    moment[a, b] += (places[j, a] - places[k, a]) * (grid[j, b] - grid[k, b])
        for a in range(2):
            for b in range(2):
                out[k, a, b] = moment[a, 0] * inverse[k, 0, b] + moment[a, 1] * inverse[k, 1, b]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _step(  # type: ignore[no-untyped-def]
    misfit, mask, gradient, first, pixels, weights, starts, others, shift, robust, priors, ties, sweeps
):  # pragma: no cover - compiled
    """Return the shifts (468, 2) after one Gauss-Newton step, solved by Jacobi sweeps over the mesh."""
    count = len(starts) - 1
    terms = np.empty((len(misfit), 5), np.float32)
    for p in range(len(misfit)):
        r = misfit[p] / robust
        w = mask[p] / (np.float32(1.0) + r * r)
        gx, gy = gradient[p, 0], gradient[p, 1]
        terms[p, 0], terms[p, 1], terms[p, 2] = w * gx * gx, w * gx * gy, w * gy * gy
        terms[p, 3], terms[p, 4] = w * gx * misfit[p], w * gy * misfit[p]
    system, inverse = np.empty((count, 5)), np.empty((count, 3))
    for k in range(count):
        xx = xy = yy = bx = by = np.float32(0.0)
        for e in range(first[k], first[k + 1]):
            at, w = np.uintp(pixels[e]), weights[e]
            xx += w * terms[at, 0]
            xy += w * terms[at, 1]
            yy += w * terms[at, 2]
            bx += w * terms[at, 3]
            by += w * terms[at, 4]
        system[k, 0], system[k, 1], system[k, 2] = xx, xy, yy
        system[k, 3] = bx + xx * shift[k, 0] + xy * shift[k, 1]
        system[k, 4] = by + xy * shift[k, 0] + yy * shift[k, 1]
        tie = priors[k] + ties
        det = (xx + tie) * (yy + tie) - xy * xy
        inverse[k, 0], inverse[k, 1], inverse[k, 2] = (yy + tie) / det, -xy / det, (xx + tie) / det
    old = shift.copy()
    new = shift.copy()
    for _ in range(sweeps):
        for k in range(count):
            mx = my = 0.0
            for e in range(starts[k], starts[k + 1]):
                j = np.uintp(others[e])
                mx += old[j, 0]
                my += old[j, 1]
            n = max(starts[k + 1] - starts[k], 1)
            u, v = system[k, 3] + ties * mx / n, system[k, 4] + ties * my / n
            new[k, 0] = inverse[k, 0] * u + inverse[k, 1] * v
            new[k, 1] = inverse[k, 1] * u + inverse[k, 2] * v
        old, new = new, old
    return old


def luma_around(frame: VideoFrame, xyz: FloatArray) -> Luma:
    """Return the luma of the face whose landmarks are `xyz` (478, 3), not much finer than the grid."""
    width, height = frame.size_wh
    low = np.clip(np.floor(xyz[:, :2].min(axis=0)) - _AROUND_PX, 0, (width - 2, height - 2)).astype(int)
    high = np.clip(np.ceil(xyz[:, :2].max(axis=0)) + _AROUND_PX, low + 2, (width, height)).astype(int)
    values = frame.read_luma(Box(int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    scale = min(1.0, 1.4 * GRID_IOD_PX / float(interocular_px(xyz)))
    if scale < 1.0:
        values = cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    return Luma(values, (float(low[0]), float(low[1])), scale)
