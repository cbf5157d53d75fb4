"""The arithmetic of `limbus` and `iris`, compiled: circles on the iris' edge, and what lids hide of an iris.

in: arrays -> out: numbers, or arrays written in place.  Must not: be called by anything but `limbus` and `iris`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def edge_contrast(luma, opening, x, y, radius, rays, half_width, most):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return how much brighter `luma` (h, w) is outside a circle than inside, summed over `rays` (n, 2).

    It is looked at `half_width` (share of the radius) before and behind the circle, and counts as far as both places
    lie between the lids, `opening` (h, w). No ray counts for more than `most`, whatever glitters there.
    """
    height, width = luma.shape
    total = 0.0
    for i in range(len(rays)):
        difference, weight = 0.0, 1.0
        for side in range(2):
            reach = radius * (1.0 - half_width if side == 0 else 1.0 + half_width)
            column, row = x + reach * rays[i, 0], y + reach * rays[i, 1]
            if column < 0.0 or row < 0.0 or column >= width - 1 or row >= height - 1:
                weight = 0.0
                break
            left, top = int(column), int(row)
            right, down = column - left, row - top
            weight *= opening[int(row + 0.5), int(column + 0.5)]
            above = luma[top, left] + right * (luma[top, left + 1] - luma[top, left])
            below = luma[top + 1, left] + right * (luma[top + 1, left + 1] - luma[top + 1, left])
            difference += (above + down * (below - above)) * (-1.0 if side == 0 else 1.0)
        total += weight * min(max(difference, -0.5 * most), most)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def contrast_within(luma, opening):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return how far iris and white are apart in `luma` (h, w), where both are seen in `opening` (h, w); 1 at least."""
    count, total, squares = 0.0, 0.0, 0.0
    for i in range(luma.shape[0]):
        for j in range(luma.shape[1]):
            if opening[i, j] > 0.5:
                count += 1.0
                total += luma[i, j]
                squares += luma[i, j] * luma[i, j]
    return 2.0 * np.sqrt(max(squares / max(count, 1.0) - (total / max(count, 1.0)) ** 2, 0.25))


@njit(cache=True, nogil=True, error_model="numpy")
def fit_circle(luma, opening, start, reach, radii, rays, half_width, stay, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (4,) with the middle, radius and contrast of the circle that lies best on the iris' edge.

    `start` (3,): middle and radius from which it is looked for, up to `reach` radii away. `radii`: shares of the radius
    that are tried. `stay`: contrast that a middle one radius away has to gain, and one of a radius twice as large.
    """
    x0, y0, radius = start[0], start[1], start[2]
    out[0], out[1], out[2], out[3] = x0, y0, radius, 0.0
    spread = contrast_within(luma, opening)
    best, dx, dy, found = -np.inf, 0.0, 0.0, 1.0
    step = reach / 3.0
    for stage in range(3):
        middle_x, middle_y, last = dx, dy, found
        span = 3 if stage == 0 else 1
        for scale in radii:
            if stage > 0 and abs(scale - last) > 0.06:
                continue
            for i in range(-span, span + 1):
                for j in range(-span, span + 1):
                    x, y = middle_x + i * step, middle_y + j * step
                    contrast = edge_contrast(
                        luma, opening, x0 + x * radius, y0 + y * radius, radius * scale, rays, half_width, spread
                    )
                    contrast = contrast / spread - stay * (x * x + y * y + (scale - 1.0) ** 2)
                    if contrast > best:
                        best, dx, dy, found = contrast, x, y, scale
        step *= 0.5
    out[0], out[1], out[2], out[3] = x0 + dx * radius, y0 + dy * radius, radius * found, best


@njit(cache=True, nogil=True, error_model="numpy")
def fill_hidden(polar, plain, profile, limits):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill what is not `plain` (r, a) of an iris `polar` (r, a, 3), radius by angle, in place.

    Each radius goes on beyond the edge of what is plain as in a mirror that stands there; where that runs out, and
    beyond `limits` (2,) times it, it takes `profile` (r, 3), its own usual colour.
    """
    radii, angles = plain.shape
    for i in range(radii):
        row = polar[i].copy()
        for j in range(angles):
            if plain[i, j]:
                continue
            value = -1
            for away in range(1, angles // 2 + 1):
                back, forth = (j - away) % angles, (j + away) % angles
                if plain[i, back] or plain[i, forth]:
                    step = -1 if plain[i, back] else 1
                    mirrored = (j + step * (2 * away - 1)) % angles
                    if plain[i, mirrored]:
                        value = mirrored
                    break
            for channel in range(3):
                usual = profile[i, channel]
                new = usual if value < 0 else row[value, channel]
                polar[i, j, channel] = min(max(new, limits[0] * usual), limits[1] * usual)
