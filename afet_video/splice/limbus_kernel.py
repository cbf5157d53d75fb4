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


@njit(cache=True, nogil=True, error_model="numpy")
def value_at(luma, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return the pixel of `luma` (h, w) nearest to (x, y); NaN beyond it."""
    column, row = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
    inside = 0 <= column < luma.shape[1] and 0 <= row < luma.shape[0]
    return luma[row, column] if inside else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def way_to_edge(luma, x, y, dx, dy, most, level, rising):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return after how many pixels from (x, y) along (dx, dy) `luma` (h, w) goes over `level`; -1 if not by `most`.

    `rising`: whether it grows brighter there, or darker.
    """
    way = 0.0
    while way <= most:
        value = value_at(luma, x + way * dx, y + way * dy)
        if np.isnan(value):
            return -1.0
        if (value > level) == rising:
            return way
        way += 0.5
    return -1.0


@njit(cache=True, nogil=True, error_model="numpy")
def lid_edge(luma, x, y, dx, dy, inner, most, over_iris):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return how far from its landmark (x, y) along (dx, dy) a lid begins, pixels, or -1 if it is not seen to.

    `inner`: how far before the landmark there is the eyeball alone. A lid `over_iris` is brighter than the iris, and
    any other's edge, or its lashes, darker than the white.
    """
    here = value_at(luma, x - inner * dx, y - inner * dy)
    if np.isnan(here):
        return -1.0
    if not over_iris:
        return way_to_edge(luma, x, y, dx, dy, most, 0.7 * here, False)
    skin = value_at(luma, x + most * dx, y + most * dy)
    if np.isnan(skin) or skin < 1.5 * here:
        return -1.0
    return way_to_edge(luma, x, y, dx, dy, most, 0.5 * (here + skin), True)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_edges(luma, ring, middle, radius, most, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (2, 2) with how far beyond its landmarks each lid begins, pixels, and at how many that was found.

    The lower lid (first row) is looked for below the iris, the upper one (second row) beside it. `ring` (16, 2):
    landmarks; `middle` (2,) and `radius`: the iris. Nothing is looked for further than `most` pixels away.
    """
    out[:] = 0.0
    across_x, across_y = ring[0, 0] - ring[8, 0], ring[0, 1] - ring[8, 1]
    width = max(np.hypot(across_x, across_y), 1e-6)
    for i in range(1, 8):
        up_x, up_y = ring[i, 0] - ring[16 - i, 0], ring[i, 1] - ring[16 - i, 1]
        gap = np.hypot(up_x, up_y)
        if gap < 2.0:
            continue
        for lid in range(2):
            k, sign = (16 - i, -1.0) if lid == 0 else (i, 1.0)
            aside = abs((ring[k, 0] - middle[0]) * across_x + (ring[k, 1] - middle[1]) * across_y) / (width * radius)
            if (aside > 0.6) if lid == 0 else (aside < 1.15):
                continue
            dx, dy = sign * up_x / gap, sign * up_y / gap
            way = lid_edge(luma, ring[k, 0], ring[k, 1], dx, dy, 0.25 * gap, most, lid == 0)
            if way >= 0.0:
                out[lid, 0] += way
                out[lid, 1] += 1.0
    for lid in range(2):
        out[lid, 0] /= max(out[lid, 1], 1.0)
