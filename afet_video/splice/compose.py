"""The splice itself: morph mesh and column-wise join in one pass over the affected pixels.

in: current frame, neutral picture, landmarks, alpha field -> out: the spliced picture.  Must not: do I/O, know a model.

The paper makes N whole intermediate pictures, morph i with alpha_i, and copies column i of picture i (its equations 1
and 2). Since column i only ever shows alpha_i, alpha is a function of the pixel: for every pixel, put the mesh at
l_M = alpha l_E + (1 - alpha) l_N, find the triangle around the pixel, and take the same barycentric point of both
pictures. That is the same result without the pictures in between; `tests/literal.py` keeps the long way for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.alpha import AlphaField


@dataclass(frozen=True, slots=True, eq=False)
class NeutralTexture:
    """Pixels of the neutral, and how they are used.

    `rgb` (h, w, 3) float32; `xy` (478, 2) the neutral's landmarks in pixels of `rgb`. `weight` (478,) in 0..1: share of
    the neutral's pixels where alpha is 0 (1 everywhere is the paper's morph). `gain` (478, 3): factor on the neutral's
    colours that fits them to the light of the current frame.
    """

    rgb: FloatArray
    xy: FloatArray
    weight: FloatArray
    gain: FloatArray


def splice(
    current: FloatArray,
    current_xy: FloatArray,
    rest_xy: FloatArray,
    neutral: NeutralTexture,
    triangles: NDArray[np.int32],
    alpha: AlphaField,
    *,
    textured: NDArray[np.bool_] | None = None,
    origin_xy: tuple[int, int] = (0, 0),
) -> FloatArray:
    """Return the spliced picture of a rectangle of the frame.

    Parameters
    ----------
    current : (h, w, 3) float32 RGB 0..255 of the rectangle.
    current_xy, rest_xy : (478, 2) landmarks l_E of the frame, and l_N where they would be at rest; pixels of the frame.
    neutral : the neutral's pixels.
    triangles : (M, 3) mesh.
    alpha : alpha field of the frame, pixels of the frame.
    textured : (M,) which triangles may take the neutral's pixels; None: all, as in the paper.
    origin_xy : the rectangle's first column and row.

    Returns
    -------
    (h, w, 3) float32. Where alpha is 1 or no triangle lies, and where a triangle neither moves nor takes the neutral's
    pixels, the values are those of `current`, bit for bit.

    Notes
    -----
    Source: Tan & Iren, AFET, equations (1) and (2).
    """
    height = current.shape[0]
    x0, y0 = origin_xy
    offset = np.array([x0, y0], np.float32)
    midline = alpha.midline.x_at(np.arange(y0, y0 + height, dtype=np.float32)) - np.float32(x0)
    ramp = np.array([alpha.direction, alpha.start, alpha.stop, alpha.floor, float(alpha.is_linear)], np.float32)
    out = current.copy()
    _splice(
        out,
        current,
        np.ascontiguousarray(current_xy[:, :2] - offset, np.float32),
        np.ascontiguousarray(rest_xy[:, :2] - offset, np.float32),
        neutral.rgb,
        np.ascontiguousarray(neutral.xy[:, :2], np.float32),
        neutral.weight,
        neutral.gain,
        triangles,
        np.ones(len(triangles), np.bool_) if textured is None else textured,
        np.ascontiguousarray(midline, np.float32),
        ramp,
    )
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _alpha(d, ramp):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    t = (d - ramp[1]) / (ramp[2] - ramp[1])
    t = min(max(t, np.float32(0.0)), np.float32(1.0))
    if ramp[4] == 0.0:
        t = t * t * (np.float32(3.0) - np.float32(2.0) * t)
    return ramp[3] + (np.float32(1.0) - ramp[3]) * t


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _bilinear(image, x, y, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    h, w = image.shape[0], image.shape[1]
    x = min(max(x, np.float32(0.0)), np.float32(w - 1))
    y = min(max(y, np.float32(0.0)), np.float32(h - 1))
    x0, y0 = int(x), int(y)
    x1, y1 = min(x0 + 1, w - 1), min(y0 + 1, h - 1)
    fx, fy = x - np.float32(x0), y - np.float32(y0)
    gx, gy = np.float32(1.0) - fx, np.float32(1.0) - fy
    w00, w01, w10, w11 = gx * gy, fx * gy, gx * fy, fx * fy
    for c in range(3):
        out[c] = w00 * image[y0, x0, c] + w01 * image[y0, x1, c] + w10 * image[y1, x0, c] + w11 * image[y1, x1, c]


@njit(cache=True, nogil=True, error_model="numpy")
def _splice(  # type: ignore[no-untyped-def]  # noqa: C901 - one loop nest, kept whole so that it compiles to one kernel
    out, current, xy_e, xy_n, neutral, xy_t, weight, gain, triangles, textured, midline, ramp
):  # pragma: no cover - compiled
    """Fill `out` in place; see `splice`. All coordinates in pixels of the rectangle (xy_t: of the neutral picture)."""
    height, width = current.shape[0], current.shape[1]
    e, n = np.empty(3, np.float32), np.empty(3, np.float32)
    eps = np.float32(-1e-4)
    one = np.float32(1.0)
    direction, stop = ramp[0], ramp[2]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        moves = np.float32(0.0)
        for v in (a, b, c):
            moves = max(moves, abs(xy_e[v, 0] - xy_n[v, 0]), abs(xy_e[v, 1] - xy_n[v, 1]))
        takes = textured[t] and max(weight[a], weight[b], weight[c]) > np.float32(1e-3)
        if moves < np.float32(1e-3) and not takes:
            continue
        # The triangle's place for every alpha lies in the hull of its two extreme places.
        left = min(xy_e[a, 0], xy_e[b, 0], xy_e[c, 0], xy_n[a, 0], xy_n[b, 0], xy_n[c, 0])
        right = max(xy_e[a, 0], xy_e[b, 0], xy_e[c, 0], xy_n[a, 0], xy_n[b, 0], xy_n[c, 0])
        top = min(xy_e[a, 1], xy_e[b, 1], xy_e[c, 1], xy_n[a, 1], xy_n[b, 1], xy_n[c, 1])
        bottom = max(xy_e[a, 1], xy_e[b, 1], xy_e[c, 1], xy_n[a, 1], xy_n[b, 1], xy_n[c, 1])
        y_first, y_last = max(0, int(np.ceil(top))), min(height - 1, int(np.floor(bottom)))
        x_first, x_last = max(0, int(np.ceil(left))), min(width - 1, int(np.floor(right)))
        for y in range(y_first, y_last + 1):
            lo, hi = x_first, x_last
            # Beyond the ramp alpha is 1: the current frame stays.
            if direction > 0:
                hi = min(hi, int(np.ceil(midline[y] + stop)) - 1)
            else:
                lo = max(lo, int(np.floor(midline[y] - stop)) + 1)
            for x in range(lo, hi + 1):
                al = _alpha(direction * (np.float32(x) - midline[y]), ramp)
                be = one - al
                ax, ay = al * xy_e[a, 0] + be * xy_n[a, 0], al * xy_e[a, 1] + be * xy_n[a, 1]
                bx, by = al * xy_e[b, 0] + be * xy_n[b, 0], al * xy_e[b, 1] + be * xy_n[b, 1]
                cx, cy = al * xy_e[c, 0] + be * xy_n[c, 0], al * xy_e[c, 1] + be * xy_n[c, 1]
                det = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
                if abs(det) < np.float32(1e-6):
                    continue
                px, py = np.float32(x) - cx, np.float32(y) - cy
                u = ((by - cy) * px + (cx - bx) * py) / det
                if u < eps:
                    continue
                v2 = ((cy - ay) * px + (ax - cx) * py) / det
                if v2 < eps:
                    continue
                q = one - u - v2
                if q < eps:
                    continue
                sx = u * xy_e[a, 0] + v2 * xy_e[b, 0] + q * xy_e[c, 0]
                sy = u * xy_e[a, 1] + v2 * xy_e[b, 1] + q * xy_e[c, 1]
                _bilinear(current, sx, sy, e)
                share = be * (u * weight[a] + v2 * weight[b] + q * weight[c])
                if takes and share > np.float32(1e-3):
                    sx = u * xy_t[a, 0] + v2 * xy_t[b, 0] + q * xy_t[c, 0]
                    sy = u * xy_t[a, 1] + v2 * xy_t[b, 1] + q * xy_t[c, 1]
                    _bilinear(neutral, sx, sy, n)
                    for k in range(3):
                        g = u * gain[a, k] + v2 * gain[b, k] + q * gain[c, k]
                        e[k] += share * (min(n[k] * g, np.float32(255.0)) - e[k])
                for k in range(3):
                    out[y, x, k] = e[k]
