"""The arithmetic of `headfit`, compiled: about a hundred landmarks, eleven times a frame.

in: arrays -> out: yaw, pitch, similarity.  Must not: know what the landmarks are.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def fill_seen(points, offset, slopes, yaw, pitch, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (n, 2) with the projection of points (n, 3) at a turn in radians, and what depends on the turn."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        out[i, 0] = cy * x + sy * z + offset[i, 0]
        out[i, 1] = sp * sy * x + cp * y - sp * cy * z + offset[i, 1]
        for k in range(2):
            out[i, k] += (
                yaw * slopes[0, i, k]
                + pitch * slopes[1, i, k]
                + yaw * yaw * slopes[2, i, k]
                + yaw * pitch * slopes[3, i, k]
                + pitch * pitch * slopes[4, i, k]
            )


@njit(cache=True, nogil=True, error_model="numpy")
def similarity(source, target, weights):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return cosine and sine, both times the scale, and shift x, y: what takes `source` (n, 2) to `target`."""
    total = fx = fy = tx = ty = 0.0
    for i in range(len(source)):
        w = weights[i]
        total += w
        fx += w * source[i, 0]
        fy += w * source[i, 1]
        tx += w * target[i, 0]
        ty += w * target[i, 1]
    fx, fy, tx, ty = fx / total, fy / total, tx / total, ty / total
    size = cosine = sine = 0.0
    for i in range(len(source)):
        w = weights[i]
        ax, ay = source[i, 0] - fx, source[i, 1] - fy
        bx, by = target[i, 0] - tx, target[i, 1] - ty
        size += w * (ax * ax + ay * ay)
        cosine += w * (ax * bx + ay * by)
        sine += w * (ax * by - ay * bx)
    cosine, sine = cosine / size, sine / size
    return cosine, sine, tx - cosine * fx + sine * fy, ty - sine * fx - cosine * fy


@njit(cache=True, nogil=True, error_model="numpy")
def solved(system, moment):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return x with `system` x = `moment`, for a symmetric, positive definite system (n, n), which is overwritten.

    Cholesky's way in few lines: LAPACK's, called from compiled code, takes seconds to compile.
    """
    count, x = len(moment), moment.copy()
    for i in range(count):
        for j in range(i + 1):
            rest = system[i, j]
            for k in range(j):
                rest -= system[i, k] * system[j, k]
            system[i, j] = np.sqrt(rest) if i == j else rest / system[j, j]
    for i in range(count):
        for k in range(i):
            x[i] -= system[i, k] * x[k]
        x[i] /= system[i, i]
    for i in range(count - 1, -1, -1):
        for k in range(i + 1, count):
            x[i] -= system[k, i] * x[k]
        x[i] /= system[i, i]
    return x


@njit(cache=True, nogil=True, error_model="numpy")
def turned(points, offset, slopes, target, weights, yaw, pitch, limit):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return yaw and pitch after one Gauss-Newton step of at most `limit` each; the similarity is eliminated."""
    count, step = len(points), 1e-3
    seen, by_yaw, by_pitch = np.empty((count, 2)), np.empty((count, 2)), np.empty((count, 2))
    fill_seen(points, offset, slopes, yaw, pitch, seen)
    fill_seen(points, offset, slopes, yaw + step, pitch, by_yaw)
    fill_seen(points, offset, slopes, yaw, pitch + step, by_pitch)
    cosine, sine, shift_x, shift_y = similarity(seen, target, weights)
    total = mean_x = mean_y = 0.0
    for i in range(count):
        total += weights[i]
        mean_x += weights[i] * (cosine * seen[i, 0] - sine * seen[i, 1])
        mean_y += weights[i] * (sine * seen[i, 0] + cosine * seen[i, 1])
    mean_x, mean_y = mean_x / total, mean_y / total
    system, moment, row, misfit = np.zeros((6, 6)), np.zeros(6), np.empty((2, 6)), np.empty(2)
    for a in range(6):
        system[a, a] = 1e-6
    for i in range(count):
        x = cosine * seen[i, 0] - sine * seen[i, 1]
        y = sine * seen[i, 0] + cosine * seen[i, 1]
        row[0, 0], row[1, 0], row[0, 1], row[1, 1] = 1.0, 0.0, 0.0, 1.0
        row[0, 2], row[1, 2] = x - mean_x, y - mean_y
        row[0, 3], row[1, 3] = mean_y - y, x - mean_x
        dx, dy = (by_yaw[i, 0] - seen[i, 0]) / step, (by_yaw[i, 1] - seen[i, 1]) / step
        row[0, 4], row[1, 4] = cosine * dx - sine * dy, sine * dx + cosine * dy
        dx, dy = (by_pitch[i, 0] - seen[i, 0]) / step, (by_pitch[i, 1] - seen[i, 1]) / step
        row[0, 5], row[1, 5] = cosine * dx - sine * dy, sine * dx + cosine * dy
        misfit[0], misfit[1] = target[i, 0] - x - shift_x, target[i, 1] - y - shift_y
        for k in range(2):
            for a in range(6):
                scaled = weights[i] * row[k, a]
                moment[a] += scaled * misfit[k]
                for b in range(6):
                    system[a, b] += scaled * row[k, b]
    solution = solved(system, moment)
    return (
        yaw + min(max(solution[4], -limit), limit),
        pitch + min(max(solution[5], -limit), limit),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def fit(points, offset, slopes, target, firm, rounds, limit):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return yaw, pitch, cosine, sine, shift x, shift y of the head whose firm landmarks are `target` (n, 2).

    `rounds` (r, 2): misfit in pixels of the shape at which a landmark counts a quarter, and steps.
    """
    weights, seen = firm.copy(), np.empty((len(points), 2))
    yaw = pitch = cosine = sine = shift_x = shift_y = 0.0
    for r in range(len(rounds)):
        for _ in range(int(rounds[r, 1])):
            yaw, pitch = turned(points, offset, slopes, target, weights, yaw, pitch, limit)
        fill_seen(points, offset, slopes, yaw, pitch, seen)
        cosine, sine, shift_x, shift_y = similarity(seen, target, weights)
        scale = rounds[r, 0] ** 2 * (cosine * cosine + sine * sine)
        for i in range(len(points)):
            dx = target[i, 0] - cosine * seen[i, 0] + sine * seen[i, 1] - shift_x
            dy = target[i, 1] - sine * seen[i, 0] - cosine * seen[i, 1] - shift_y
            weights[i] = firm[i] / (1.0 + (dx * dx + dy * dy) / scale) ** 2
    return yaw, pitch, cosine, sine, shift_x, shift_y
