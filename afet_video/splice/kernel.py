"""The compiled inner loop of the splice.

in: arrays of one rectangle -> out: its pixels, written in place.  Must not: be called by anything but `compose`.

For every triangle, for every pixel that it can cover at the alphas it meets: the corners at that alpha, the pixel's
barycentric coordinates, the same point of both pictures. To test few pixels in vain, each edge bounds the columns of a
row: moved out by how far the corners travel between the lowest and highest alpha that the triangle meets.
A pixel of the lips that is in part between them shows that part of what is there.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_LINE = np.float32(0.45)
"""How much darker than the lips the line is where they touch."""

_SHADE = np.float32(1 / 384)
"""How much light, a grey level of the three colours together, is lost between lips that are a fifth as far apart as in
the frame."""

_SQUEEZED = np.float32(0.3)
"""By how many pixels more than its own a pixel has to show what is squeezed, for their mean to be taken."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _alpha(d, ramp):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    t = (d - ramp[1]) / (ramp[2] - ramp[1])
    t = min(max(t, np.float32(0.0)), np.float32(1.0))
    if ramp[3] == 0.0:
        t = t * t * (np.float32(3.0) - np.float32(2.0) * t)
    return t


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _bilinear(image, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    h, w = image.shape[0], image.shape[1]
    x = min(max(x, np.float32(0.0)), np.float32(w - 1))
    y = min(max(y, np.float32(0.0)), np.float32(h - 1))
    left, upper = int(x), int(y)
    fx, fy = x - np.float32(left), y - np.float32(upper)
    # unsigned, so that no index is checked for being negative
    x0, y0 = np.uintp(left), np.uintp(upper)
    x1, y1 = np.uintp(min(left + 1, w - 1)), np.uintp(min(upper + 1, h - 1))
    gx, gy = np.float32(1.0) - fx, np.float32(1.0) - fy
    w00, w01, w10, w11 = gx * gy, fx * gy, gx * fy, fx * fy
    r, g, b = np.uintp(0), np.uintp(1), np.uintp(2)
    return (
        w00 * image[y0, x0, r] + w01 * image[y0, x1, r] + w10 * image[y1, x0, r] + w11 * image[y1, x1, r],
        w00 * image[y0, x0, g] + w01 * image[y0, x1, g] + w10 * image[y1, x0, g] + w11 * image[y1, x1, g],
        w00 * image[y0, x0, b] + w01 * image[y0, x1, b] + w10 * image[y1, x0, b] + w11 * image[y1, x1, b],
    )


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _between(table, i, f, k):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    return table[i, k] + f * (table[i + 1, k] - table[i, k])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _at_lips(mouth, edges, x, y, be):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return where pixel x, y is along and across the mouth and in which column (-1: beside the table), pixels; where
    the opening begins and ends there in the frame, how far either lip has moved, and how far inside each lip's edge of
    the result the pixel is.
    """
    none = np.float32(0.0)
    dx, dy = x - mouth[0], y - mouth[1]
    along = dx * mouth[2] + dy * mouth[3]
    across = dy * mouth[2] - dx * mouth[3]
    place = (along - mouth[4]) * mouth[5]
    if place < none or place > len(edges) - 1.001:
        return along, across, np.float32(-1.0), none, none, none, none, none, none
    i = int(place)
    f = place - np.float32(i)
    here_top, here_low = _between(edges, i, f, 0), _between(edges, i, f, 1)
    moved_top = be * (_between(edges, i, f, 2) - here_top)
    moved_low = be * (_between(edges, i, f, 3) - here_low)
    from_top, from_low = across - here_top - moved_top, here_low + moved_low - across
    return along, across, place, here_top, here_low, moved_top, moved_low, from_top, from_low


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _line(mouth, from_top, from_low, here):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return how much of what is seen between lips is the line where they touch, and the share of a pixel between them.

    `from_top`, `from_low`: how far the pixel's middle is inside either lip's edge; `here`: the frame's gap. Where lips
    come together that are apart in the frame, the line is left, as wide as lips that touch have it.
    """
    none, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    gap = max(from_top + from_low, none)
    closes = min(max((here - gap) / mouth[11] - one, none) * half, one)
    slit = min(max(np.float32(1.5) - half * gap / mouth[11], none), one) * closes
    more = max(half * (mouth[11] * closes - gap), none)
    top, low = min(max(from_top + more + half, none), one), min(max(from_low + more + half, none), one)
    return slit, max(top + low - one, none)


@njit(cache=True, nogil=True, error_model="numpy")
def _across(image, mouth, x, y, reach):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return the mean of a picture over so many more pixels than one across the mouth: what is squeezed is no dots."""
    more = min(int(np.ceil(reach)), 6)
    step = reach / np.float32(more)
    red = green = blue = np.float32(0.0)
    for k in range(more + 1):
        out = np.float32(k) * step - np.float32(0.5) * reach
        r, g, b = _bilinear(image, x - out * mouth[3], y + out * mouth[2])
        red, green, blue = red + r, green + g, blue + b
    share = np.float32(1.0) / np.float32(more + 1)
    return share * red, share * green, share * blue


@njit(cache=True, nogil=True, error_model="numpy")
def _where_lips_close(mouth, edges, x, y, be, sx, sy, on_lip):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return how much of pixel x, y is the line between lips (`_line`), and how much of it is not on them; then where,
    in the frame, for a pixel on a lip that is, and for one between them the lip below.

    (sx, sy): where the warp has the pixel. `on_lip`: whether its middle is on a lip.
    """
    none, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    along, _, place, here_top, here_low, _, _, from_top, from_low = _at_lips(mouth, edges, x, y, be)
    if place < none:
        return none, none, sx, sy
    here = here_low - here_top
    line, share = _line(mouth, from_top, from_low, here)
    # none beyond the corners, where the frame's mouth may reach farther
    share *= min(max(min(place - mouth[12], mouth[13] - place) / mouth[5] + half, none), one)
    if share == none:
        return none, none, sx, sy
    if not on_lip:
        below = here_low + mouth[7]
        below_x = mouth[0] + along * mouth[2] - below * mouth[3]
        return line, share, below_x, mouth[1] + along * mouth[3] + below * mouth[2]
    wide = mouth[6] * min(max(here * np.float32(0.25), none), one)
    gap = max(from_top + from_low, none)
    share *= min(max(here - gap, none), one) * (one - wide * (one - line))
    # the part of the pixel that is between the lips, as the warp has it in the frame
    squeezed = half * share * max(here / max(gap, one), one)
    step = min(from_top, none) - squeezed if from_top < from_low else squeezed - min(from_low, none)
    return line, share, sx + step * mouth[3], sy - step * mouth[2]


@njit(cache=True, nogil=True, error_model="numpy")
def _behind_lips(mouth, edges, x, y, be, sx, sy):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return where pixel x, y between the lips (`cavity.Cavity`) is in the frame: where it is, kept within the frame's
    own opening; (sx, sy), where the warp has it, as far as the frame's mouth is shut there. Then the nearest place on
    the lip, and how much of it shows: at the edge of a lip that has moved, so that the edge is smooth. Then the place
    as far from the frame's lip, and how much of it shows if it is darker: the shadow that goes along with the lip; how
    near to the edge that is, where it may be lip that the landmarks missed; and a place on that lip, for what is as
    bright as the lip is no shadow farther away. Last how many more pixels than one the pixel shows, if it is squeezed.
    """
    none, one = np.float32(0.0), np.float32(1.0)
    along, across, place, here_top, here_low, moved_top, moved_low, from_top, from_low = _at_lips(
        mouth, edges, x, y, be
    )
    if place < none:
        return sx, sy, sx, sy, none, sx, sy, none, none, sx, sy, none
    upper = from_top < from_low
    moved = abs(moved_top) if upper else abs(moved_low)
    gap = from_top + from_low
    stretch = (here_low - here_top) / max(gap, one)
    if mouth[6] == none:
        return sx, sy, sx, sy, none, sx, sy, none, none, sx, sy, stretch - one
    # Beside the corner of the frame's mouth, where the result opens and the frame does not, what is farther in stands.
    opens = min(max((moved_low - moved_top) * np.float32(0.25), none), np.float32(1.0))
    beside = opens * (min(max(place, mouth[9]), mouth[10]) - place)
    along += beside / mouth[5]
    i = int(place + beside)
    f = place + beside - np.float32(i)
    here_top, here_low = _between(edges, i, f, 0), _between(edges, i, f, 1)
    top = here_top + be * _between(edges, i, f, 4)
    low = here_low - be * _between(edges, i, f, 5)
    wide = mouth[6] * min(max((low - top) * np.float32(0.25), none), one)
    stays = wide * min(max(gap / mouth[8], none), one)
    deep = min(max(min(from_top, from_low) / mouth[7], none), np.float32(1.0))
    apart = min(max(gap / (np.float32(3.0) * mouth[11]), none), one)  # or else the dark of a corner would be lost
    lip = wide * apart * (one - deep) * min(moved, one)
    # just beyond the edge: farther away the frame's lip may be brighter or darker
    out = np.float32(0.5) + stretch * min(from_top, from_low)
    out = -out if upper else out
    lip_x, lip_y = sx - out * mouth[3], sy + out * mouth[2]
    near = np.float32(2.0) * (np.float32(1.0) - min(from_top, from_low) / mouth[8])
    nearer = min(abs(from_top - from_low) / (np.float32(4.0) * mouth[7]), one)  # in the middle neither
    shadow = stays * nearer * min(max(near, none), one) * min(moved, one)
    rim = min(max(np.float32(3.0) - min(from_top, from_low) / mouth[7], none), one)
    shaded = here_top + from_top if upper else here_low - from_low
    shadow_x = mouth[0] + along * mouth[2] - shaded * mouth[3]
    shadow_y = mouth[1] + along * mouth[3] + shaded * mouth[2]
    red = here_top - np.float32(3.0) * mouth[7] if upper else here_low + np.float32(3.0) * mouth[7]
    red_x = mouth[0] + along * mouth[2] - red * mouth[3]
    red_y = mouth[1] + along * mouth[3] + red * mouth[2]
    if beside != none:  # farther out it is seen from lip to lip, however narrow the result is there: both edges run on
        far = min(abs(beside) / (mouth[5] * mouth[8]), one)
        across += far * (top + (low - top) * from_top / max(gap, one) - across)
    across = min(max(across, top), low)
    px = mouth[0] + along * mouth[2] - across * mouth[3]
    py = mouth[1] + along * mouth[3] + across * mouth[2]
    sx, sy = sx + stays * (px - sx), sy + stays * (py - sy)
    reach = (one - stays) * (stretch - one)
    return sx, sy, lip_x, lip_y, lip, shadow_x, shadow_y, shadow, rim, red_x, red_y, reach


@njit(cache=True, nogil=True, error_model="numpy")
def _edge_bounds(place, x_slack, y_slack, bounds):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `bounds` (3, 3): kind, offset, slope of the column that each edge of a triangle allows in a row.

    `place` (3, 2) corners. The edges are moved out by the slack. Kind -1: columns from offset + slope * row on; +1: up
    to it; 0: none known. A triangle without area has no bounds.
    """
    area = (place[1, 0] - place[0, 0]) * (place[2, 1] - place[0, 1]) - (place[2, 0] - place[0, 0]) * (
        place[1, 1] - place[0, 1]
    )
    for i in range(3):
        x, y = place[i, 0], place[i, 1]
        j = (i + 1) % 3
        normal_x, normal_y = y - place[j, 1], place[j, 0] - x
        if area < 0:
            normal_x, normal_y = -normal_x, -normal_y
        bounds[i, 0] = 0.0
        if abs(area) < 0.5 or abs(normal_x) < 1e-3:
            continue
        slack = abs(normal_x) * x_slack + abs(normal_y) * y_slack
        bounds[i, 0] = -1.0 if normal_x > 0 else 1.0
        bounds[i, 1] = x + (normal_y * y - slack) / normal_x
        bounds[i, 2] = -normal_y / normal_x


@njit(cache=True, nogil=True, error_model="numpy")
def _facing(xy, triangles):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return which way round triangles go whose front is seen, 1 or -1: most of the face's area."""
    area = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        area += (xy[a, 0] - xy[c, 0]) * (xy[b, 1] - xy[c, 1]) - (xy[b, 0] - xy[c, 0]) * (xy[a, 1] - xy[c, 1])
    return np.float32(1.0 if area > 0.0 else -1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_splice(  # type: ignore[no-untyped-def]  # noqa: C901 - one loop nest, kept whole so that it compiles to one kernel
    out,
    current,
    xy_e,
    xy_n,
    neutral,
    xy_t,
    weight,
    slit,
    gain,
    second,
    xy_s,
    gain_s,
    mix,
    triangles,
    textured,
    midline,
    steep,
    ramp,
    behind,
    by_opening,
    mouth,
    edges,
):  # pragma: no cover - compiled
    """Fill `out` in place; see `compose.splice`. Coordinates in pixels of the rectangle (xy_t: of the neutral).

    `weight` (478,): share of the neutral's pixels, `slit` (478,) the same between the lips. `by_opening` (478,): which
    landmarks may have pixels of the lips beside them that are in part between the lips. `midline`, `steep` (h,):
    column of the midline in each row, and the factor on the distance from it.
    """
    height, width = current.shape[0], current.shape[1]
    eps = np.float32(-1e-4)
    one = np.float32(1.0)
    zero = np.float32(0.0)
    direction, stop = ramp[0], ramp[2]
    alphas = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            alphas[y, x] = _alpha(direction * (np.float32(x) - midline[y]) * steep[y], ramp)
    place = np.empty((3, 2), np.float64)
    bounds = np.empty((3, 3), np.float64)
    facing = _facing(xy_e, triangles)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        eax, eay, ebx, eby, ecx, ecy = xy_e[a, 0], xy_e[a, 1], xy_e[b, 0], xy_e[b, 1], xy_e[c, 0], xy_e[c, 1]
        nax, nay, nbx, nby, ncx, ncy = xy_n[a, 0], xy_n[a, 1], xy_n[b, 0], xy_n[b, 1], xy_n[c, 0], xy_n[c, 1]
        moves = max(abs(eax - nax), abs(eay - nay), abs(ebx - nbx), abs(eby - nby), abs(ecx - ncx), abs(ecy - ncy))
        wa, wb, wc = weight[a], weight[b], weight[c]
        if behind[t]:
            wa, wb, wc = slit[a], slit[b], slit[c]
        beside = not behind[t] and (by_opening[a] or by_opening[b] or by_opening[c])
        takes = (textured[t] or behind[t]) and max(wa, wb, wc) > np.float32(1e-3)
        if moves < np.float32(1e-3) and not takes:
            continue
        tax, tay, tbx, tby, tcx, tcy = xy_t[a, 0], xy_t[a, 1], xy_t[b, 0], xy_t[b, 1], xy_t[c, 0], xy_t[c, 1]
        ra, rb, rc = gain[a, 0], gain[b, 0], gain[c, 0]
        ga, gb, gc = gain[a, 1], gain[b, 1], gain[c, 1]
        ba, bb, bc = gain[a, 2], gain[b, 2], gain[c, 2]
        # The triangle's place for every alpha lies in the hull of its two extreme places.
        left, right = min(eax, ebx, ecx, nax, nbx, ncx), max(eax, ebx, ecx, nax, nbx, ncx)
        top, bottom = min(eay, eby, ecy, nay, nby, ncy), max(eay, eby, ecy, nay, nby, ncy)
        y_first, y_last = max(0, int(np.ceil(top))), min(height - 1, int(np.floor(bottom)))
        x_first, x_last = max(0, int(np.ceil(left))), min(width - 1, int(np.floor(right)))
        if y_first > y_last or x_first > x_last:
            continue
        # Alpha grows away from the affected side: over the rectangle it runs between the values at two of its ends.
        near, far, least, most = midline[y_first], midline[y_first], steep[y_first], steep[y_first]
        for y in range(y_first + 1, y_last + 1):
            near, far = min(near, midline[y]), max(far, midline[y])
            least, most = min(least, steep[y]), max(most, steep[y])
        if direction > 0:
            d_low, d_high = np.float32(x_first) - far, np.float32(x_last) - near
        else:
            d_low, d_high = near - np.float32(x_last), far - np.float32(x_first)
        d_low, d_high = min(d_low * least, d_low * most), max(d_high * least, d_high * most)
        if d_low > stop + one:
            continue
        low, high = np.float64(_alpha(d_low, ramp)), np.float64(_alpha(d_high, ramp))
        # At the alphas in between the corners are never further than this from where they are in the middle.
        middle, half = (low + high) / 2, (high - low) / 2
        for k in range(3):
            v = triangles[t, k]
            place[k, 0] = middle * xy_e[v, 0] + (1.0 - middle) * xy_n[v, 0]
            place[k, 1] = middle * xy_e[v, 1] + (1.0 - middle) * xy_n[v, 1]
        x_slack = half * max(abs(eax - nax), abs(ebx - nbx), abs(ecx - ncx)) + 0.02 + 5e-4 * (right - left)
        y_slack = half * max(abs(eay - nay), abs(eby - nby), abs(ecy - ncy)) + 0.02 + 5e-4 * (bottom - top)
        y_first = max(y_first, int(np.ceil(min(place[0, 1], place[1, 1], place[2, 1]) - y_slack)))
        y_last = min(y_last, int(np.floor(max(place[0, 1], place[1, 1], place[2, 1]) + y_slack)))
        _edge_bounds(place, x_slack, y_slack, bounds)
        last = np.float32(-1.0)
        be = ax = ay = bx = by = cx = cy = det = zero
        for y in range(y_first, y_last + 1):
            lo, hi = x_first, x_last
            for k in range(3):
                if bounds[k, 0] < 0.0:
                    lo = max(lo, int(np.ceil(bounds[k, 1] + bounds[k, 2] * y)))
                elif bounds[k, 0] > 0.0:
                    hi = min(hi, int(np.floor(bounds[k, 1] + bounds[k, 2] * y)))
            # Beyond the ramp alpha is 1: the current frame stays.
            if direction > 0:
                hi = min(hi, int(np.ceil(midline[y] + stop / steep[y])) - 1)
            else:
                lo = max(lo, int(np.floor(midline[y] - stop / steep[y])) + 1)
            for x in range(lo, hi + 1):
                al = alphas[np.uintp(y), np.uintp(x)]
                if al != last:
                    last = al
                    be = one - al
                    ax, ay = al * eax + be * nax, al * eay + be * nay
                    bx, by = al * ebx + be * nbx, al * eby + be * nby
                    cx, cy = al * ecx + be * ncx, al * ecy + be * ncy
                    det = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
                if det * facing < np.float32(1e-6):  # nothing, or the back of a fold: what lies before it is seen
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
                sx, sy = u * eax + v2 * ebx + q * ecx, u * eay + v2 * eby + q * ecy
                lip = shadow = rim = reach = zero
                if behind[t]:
                    sx, sy, lip_x, lip_y, lip, shadow_x, shadow_y, shadow, rim, red_x, red_y, reach = _behind_lips(
                        mouth, edges, np.float32(x), np.float32(y), be, sx, sy
                    )
                if reach > _SQUEEZED:
                    red, green, blue = _across(current, mouth, sx, sy, reach)
                else:
                    red, green, blue = _bilinear(current, sx, sy)
                if shadow > zero:
                    n_red, n_green, n_blue = _bilinear(current, shadow_x, shadow_y)
                    if n_red + n_green + n_blue < red + green + blue:
                        l_red, l_green, l_blue = _bilinear(current, red_x, red_y)
                        of_lip = (n_red + n_green + n_blue) / max(l_red + l_green + l_blue, one)
                        shadow *= max(rim, min(max(np.float32(4.0) * (np.float32(0.95) - of_lip), zero), one))
                        red += shadow * (n_red - red)
                        green += shadow * (n_green - green)
                        blue += shadow * (n_blue - blue)
                if reach > zero:
                    shade = _SHADE * min(reach * np.float32(0.25), one) * (red + green + blue)
                    shade /= one + shade  # what is dark already keeps its colour
                    red *= one - np.float32(0.75) * shade  # lost last: what is lit in there is lit off flesh
                    green *= one - shade
                    blue *= one - shade
                if lip > zero:
                    n_red, n_green, n_blue = _bilinear(current, lip_x, lip_y)
                    red += lip * (n_red - red)
                    green += lip * (n_green - green)
                    blue += lip * (n_blue - blue)
                if beside or reach > zero:
                    line, inside, in_x, in_y = _where_lips_close(
                        mouth, edges, np.float32(x), np.float32(y), be, sx, sy, beside
                    )
                    if inside > zero:
                        n_red, n_green, n_blue = _bilinear(current, in_x, in_y)
                        dim = one - _LINE * inside
                        if beside:
                            red += inside * (one - line) * (n_red - red)
                            green += inside * (one - line) * (n_green - green)
                            blue += inside * (one - line) * (n_blue - blue)
                            n_red, n_green, n_blue = red, green, blue
                        if dim * (n_red + n_green + n_blue) < red + green + blue:  # or else the dark of a corner
                            red += line * (dim * n_red - red)
                            green += line * (dim * n_green - green)
                            blue += line * (dim * n_blue - blue)
                if takes:
                    share = be * (u * wa + v2 * wb + q * wc)
                    if share > np.float32(1e-3):
                        top_value = np.float32(255.0)
                        n_red, n_green, n_blue = _bilinear(
                            neutral, u * tax + v2 * tbx + q * tcx, u * tay + v2 * tby + q * tcy
                        )
                        n_red = min(n_red * (u * ra + v2 * rb + q * rc), top_value)
                        n_green = min(n_green * (u * ga + v2 * gb + q * gc), top_value)
                        n_blue = min(n_blue * (u * ba + v2 * bb + q * bc), top_value)
                        if mix > zero:
                            s_red, s_green, s_blue = _bilinear(
                                second,
                                u * xy_s[a, 0] + v2 * xy_s[b, 0] + q * xy_s[c, 0],
                                u * xy_s[a, 1] + v2 * xy_s[b, 1] + q * xy_s[c, 1],
                            )
                            g = u * gain_s[a, 0] + v2 * gain_s[b, 0] + q * gain_s[c, 0]
                            n_red += mix * (min(s_red * g, top_value) - n_red)
                            g = u * gain_s[a, 1] + v2 * gain_s[b, 1] + q * gain_s[c, 1]
                            n_green += mix * (min(s_green * g, top_value) - n_green)
                            g = u * gain_s[a, 2] + v2 * gain_s[b, 2] + q * gain_s[c, 2]
                            n_blue += mix * (min(s_blue * g, top_value) - n_blue)
                        red += share * (n_red - red)
                        green += share * (n_green - green)
                        blue += share * (n_blue - blue)
                yy, xx = np.uintp(y), np.uintp(x)
                out[yy, xx, np.uintp(0)] = red
                out[yy, xx, np.uintp(1)] = green
                out[yy, xx, np.uintp(2)] = blue
