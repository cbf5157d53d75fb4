"""The eyeball by itself, so that lids can be moved over it: it neither stretches nor shuts with them.

in: an eye that is open, with its lids and iris -> out: an eyeball that can be turned, seen between other lids.
Must not: decide where lids and gaze are.

A mesh that carries lids apart carries what lies between them too, and makes an egg of the iris. So the eyeball is put
back between the lids of the result: what the frame shows of it stays where it is, and what its lids hid is filled in.
The white comes from the white beside the iris, a hidden part of the iris from what is seen at the same radius.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

_LIMBUS = (0.85, 1.03)
"""Radii, in those of the iris, between which it goes over into the white."""
_CLEAR_OF_IRIS = 1.2
"""Radius from which a pixel is surely white."""
_WHITEST = 0.7
"""Share of what lies beside the iris that is not taken for white."""
_COLORED = 0.6
"""How much a difference between the channels speaks against white, over what brightness speaks for it."""
_WIDER, _TALLER = 0.35, 1.1
"""How far beyond the kept lids there is an eyeball: shares of the eye's width, and of the iris' diameter."""
_BRIGHTEST, _DIMMEST = 1.12, 0.88
"""Of the white's modelled colour, over the colour beside the iris: under the middle of the iris, which no lid shades,
and in the corners."""
_COLOR_LIMITS = (0.9, 1.1)
"""How far, besides, one side of it is darker than the other: it is a guess where none was seen."""
_TURNED = (0.1, 0.5)
"""Turn, in radii of the iris, from which what was seen of the eyeball begins to be out of place, and is altogether."""
_RINGS = 12
_LEAST_SEEN = 6
_CORE, _NO_IRIS = 0.65, 0.55
"""Radius up to which all is iris; beyond it, what is brighter than this share of the way to the white, and hangs
together with it, is white: the detector's circle is off there."""

_LID_MARGIN = 0.15
"""Share of an opening next to its lids in which lashes and shadow may be seen, and not the eyeball alone."""
_OTHER, _BELOW = (0.15, 0.4), (0.1, 0.25)
"""Relative difference of brightness from which the frame shows something else than the eyeball, and how far below the
middle of the iris (shares of the opening) that is looked for: above it are reflections."""
_RIM, _OVER, _CORNERS = 0.05, 0.11, (0.04, 0.12)
"""What of an opening stays as the lids bring it: the wet rim of the lower lid, a share of the gap, and the eye's outer
and inner corner (the caruncle), of its width. The upper lid's landmarks lie a little below its edge, by the second."""
_UPPER_SHADOW, _LOWER_SHADOW = (0.50, 0.45), (0.22, 0.35)
"""Shadow of each lid on what is filled in: how dark at the lid, and how far it reaches in radii of the iris."""
_SHADOW_COLOR = (0.85, 1.0, 1.05)
"""How much red, green and blue the shadow takes: light that falls through lids and lashes is warm."""
_OWN_CLOSURE = (0.3, 0.5)
"""Lid closure from which the frame's own eyeball begins to be left out, and is left out altogether."""


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """An eyeball without lids, on a picture (h, w) whose first pixel is at `origin` of a larger one.

    `white`, `iris` (h, w, 4): colour, and how much of it was really seen; `modelled` (h, w, 4) the white where nothing
    was. `disc` (h, w): where the iris is. `canthi` (2, 2): outer and inner corner of the eye, `middle` (2,) and
    `radius`: the iris; pixels of the larger picture. `iris_seen` in 0..1: how much of it was not hidden.
    """

    white: FloatArray
    modelled: FloatArray
    iris: FloatArray
    disc: FloatArray
    origin: FloatArray
    canthi: FloatArray
    middle: FloatArray
    radius: float
    iris_seen: float

    def turned(self, to_frame: NDArray[np.float64], middle: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
        """Return the eyeball (h, w, 4) as `to_frame` (2, 3) lays it on a picture, its iris moved to `middle` (2,)."""
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        at = to_frame.copy()
        at[:, 2] += to_frame[:, :2] @ self.origin
        by = middle - (to_frame[:, :2] @ self.middle + to_frame[:, 2])
        turned = float(np.hypot(*by) / max(self.radius * np.hypot(*to_frame[0, :2]), 1e-6))
        # What was seen beside the iris lies elsewhere now: with the lids' shadow and the iris' glow it would stand out.
        white = self.white + _smoothstep(np.float32(turned), *_TURNED) * (self.modelled - self.white)
        seen = cv2.warpAffine(white, at, size_wh, flags=flags, borderMode=border)
        at[:, 2] += by
        disc = cv2.warpAffine(self.disc, at, size_wh)[..., None]
        iris = cv2.warpAffine(self.iris, at, size_wh, flags=flags, borderMode=border)
        return np.asarray(seen + disc * (iris - seen), np.float32)


def eyeball(rgb: FloatArray, ring: FloatArray, iris: FloatArray) -> Eyeball | None:
    """Return the eyeball of an open eye, or None if there is too little to see of it.

    Parameters
    ----------
    rgb : (h, w, 3) float32 picture.
    ring : (16, 2) lid margin, in the order of `facemesh.LEFT_EYE`, pixels of the picture.
    iris : (5, 2) centre and four points of the rim.
    """
    radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
    width = float(np.linalg.norm(ring[0] - ring[8]))
    low = np.floor(ring.min(axis=0) - (_WIDER * width, 2 * _TALLER * radius))
    high = np.ceil(ring.max(axis=0) + np.array([_WIDER * width, 2 * _TALLER * radius])) + 1
    low, high = np.maximum(low, 0).astype(int), np.minimum(high, (rgb.shape[1], rgb.shape[0])).astype(int)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    if radius < 2.0 or width < 6.0 or min(part.shape[:2]) < 4:
        return None
    ring, middle = ring - low, iris[0] - low
    opening = filled(ring, part.shape[:2])
    inner = within_lids(ring, part.shape[:2])
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    away = np.hypot(columns - middle[0], rows - middle[1]) / np.float32(radius)
    white = (inner > 0.5) & (away > _CLEAR_OF_IRIS)
    if white.sum() < _LEAST_SEEN or ((opening > 0.5) & (away < 1)).sum() < _LEAST_SEEN:
        return None
    luma, least = part.mean(axis=2), part.min(axis=2)
    bright = float(luma[white & (least >= np.quantile(least[white], _WHITEST))].mean())
    whiteness = least - _COLORED * (part.max(axis=2) - least)  # the canthi are darker, and red
    white &= whiteness >= np.quantile(whiteness[white], _WHITEST)
    seen = inner * np.clip((away - _CLEAR_OF_IRIS) / 0.2 + 1, 0, 1)
    modelled = _white_model(part, white, (columns - middle[0]) / width)
    colored = (inner > 0.5) & (away < _LIMBUS[1])
    core = luma[colored & (away < _CORE)]
    if len(core) < _LEAST_SEEN:
        return None
    dark = float(np.median(core))
    beside = inner * _beside_iris((luma >= dark + _NO_IRIS * (bright - dark)) & (away > _CORE), inner, away)
    seen = np.maximum(seen, beside)
    whole = np.dstack([modelled + seen[..., None] * (part - modelled), seen])
    disc = (1.0 - _smoothstep(away, *_LIMBUS)) * (1.0 - beside)
    inner = inner - beside
    rings = _iris_model(part, colored & (beside < 0.5), away)
    iris_seen = np.dstack([rings + inner[..., None] * (part - rings), inner])
    return Eyeball(
        np.asarray(whole, np.float32),
        np.dstack([modelled, np.zeros_like(seen)]),
        np.asarray(iris_seen, np.float32),
        disc,
        low.astype(np.float32),
        (ring[[0, 8]] + low).astype(np.float32),
        iris[0].astype(np.float32),
        radius,
        float((inner * (away < 1)).sum() / max((away < 1).sum(), 1)),
    )


def paint(
    spliced: FloatArray,
    current: FloatArray,
    ball: Eyeball,
    *,
    lids: FloatArray,
    own_lids: FloatArray,
    canthi: FloatArray,
    middle: FloatArray,
    own_middle: FloatArray,
    closure: float,
    gain: FloatArray,
    share: float,
) -> None:
    """Put the eyeball between the lids of a spliced picture, in place.

    Parameters
    ----------
    spliced, current : (h, w, 3) the result so far, and the frame.
    ball : the eyeball.
    lids, own_lids : (16, 2) lid margins of the result and of the frame, pixels of the picture.
    canthi : (2, 2) outer and inner corner that the eyeball's own are laid on.
    middle, own_middle : (2,) centre of the iris in the result and in the frame.
    closure : of the frame's lids, 0 as at rest .. 1 shut.
    gain : (3,) factor on the eyeball's colours that fits them to the frame's light.
    share : 0..1, how much of the eyeball is shown.
    """
    low = np.maximum(np.floor(lids.min(axis=0)) - 4, 0).astype(int)
    high = np.minimum(np.ceil(lids.max(axis=0)) + 3, (spliced.shape[1], spliced.shape[0])).astype(int)
    if share <= 0 or (high - low).min() < 2:
        return
    part = (slice(low[1], high[1]), slice(low[0], high[0]))
    shape = spliced[part].shape[:2]
    to_part = similarity(ball.canthi, canthi - low)
    seen = ball.turned(to_part, middle - low, (shape[1], shape[0]))
    lids = _seen_lids(lids - low)
    shade = _shadow(lids, shape, ball.radius * float(np.hypot(*to_part[0, :2])))
    painted = seen[..., :3] * gain * (shade + seen[..., 3:] * (1 - shade))
    turned = np.linalg.norm(middle - own_middle) / max(ball.radius * np.hypot(*to_part[0, :2]), 1e-6)
    own = (1.0 - _smoothstep(np.float32(closure), *_OWN_CLOSURE)) * (1.0 - _smoothstep(np.float32(turned), *_TURNED))
    if own > 0:
        kept = own * within_lids(own_lids - low, shape)
        kept *= _fits(current[part], painted, middle - low, lids)
        painted += kept[..., None] * (current[part] - painted)
    mask = np.float32(share) * between_lids(lids, shape)
    spliced[part] += mask[..., None] * (np.minimum(painted, np.float32(255.0)) - spliced[part])


def _fits(own: FloatArray, painted: FloatArray, middle: FloatArray, lids: FloatArray) -> FloatArray:
    """Return (h, w): 0 where the frame shows something else than eyeball below the iris' middle."""
    differs = np.abs(own.mean(axis=2) / np.maximum(painted.mean(axis=2), 8.0) - 1.0)
    down = lids[9:].mean(axis=0) - lids[1:8].mean(axis=0)
    height = float(np.linalg.norm(down))
    down = down / max(height, 1e-6)
    rows, columns = np.mgrid[: own.shape[0], : own.shape[1]].astype(np.float32)
    below = ((columns - middle[0]) * down[0] + (rows - middle[1]) * down[1]) / max(height, 1e-6)
    return 1.0 - _smoothstep(differs, *_OTHER) * _smoothstep(below, *_BELOW)


def within_lids(ring: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 well between the lids of `ring` (16, 2), 0 near them and outside."""
    upper, lower = ring[1:8], ring[:8:-1]
    gap = np.zeros((16, 1), np.float32)
    gap[1:8, 0] = np.linalg.norm(upper - lower, axis=1)
    gap[9:, 0] = gap[7:0:-1, 0]
    opposite = ring[-np.arange(16) % 16]
    least = np.maximum(_LID_MARGIN * gap, np.minimum(1.5, 0.4 * gap))
    towards = (opposite - ring) / np.maximum(gap, 1e-3)
    shrunk = ring + np.where(gap > 0, least * towards, 0)
    return soft(filled(shrunk, shape), 0.4 * float(least.max()))


def _seen_lids(ring: FloatArray) -> FloatArray:
    """Return the edges (16, 2) that lids are seen to have: landmarks of the upper one lie a little below its own."""
    result = ring.copy()
    result[1:8] += _OVER * (ring[1:8] - ring[:8:-1])
    return result


def between_lids(ring: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 where the eyeball is seen between the lids of `ring` (16, 2), but for caruncle and lower rim."""
    outline = ring.copy()
    outline[9:] += _RIM * (ring[7:0:-1] - ring[9:])
    for corner, far in ((0, 8), (8, 0)):
        outline[corner] += _CORNERS[corner > 0] * (ring[far] - ring[corner])
    return soft(filled(outline, shape), 0.5 * _RIM * float(np.linalg.norm(ring[4] - ring[12])))


def soft(mask: FloatArray, spread_px: float) -> FloatArray:
    """Return a mask with edges that are smooth over about `spread_px`, and half a pixel at least."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(spread_px, 0.5)), np.float32)


def filled(outline: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 inside an outline (n, 2), 0 outside."""
    picture = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(picture, [np.round(outline * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    return np.asarray(picture * np.float32(1 / 255), np.float32)


def _white_model(part: FloatArray, white: NDArray[np.bool_], across: FloatArray) -> FloatArray:
    """Return the white's colour (h, w, 3): it changes evenly from one corner of the eye to the other."""
    colors = np.maximum(part[white], 1.0)
    typical = np.median(colors, axis=0)
    design = np.stack([np.ones(len(colors)), across[white]], axis=1)
    ridge = np.diag([0.0, 0.1 * len(colors)])
    fit = np.linalg.solve(design.T @ design + ridge, design.T @ np.log(colors / typical))
    factor = np.exp(fit[0] + across[..., None] * fit[1]).clip(*_COLOR_LIMITS)
    bulge = np.maximum(_BRIGHTEST - 4 * (_BRIGHTEST - _DIMMEST) * across * across, 0.8)[..., None]
    return np.asarray(np.minimum(typical * factor * bulge, 255.0), np.float32)


def _beside_iris(bright: NDArray[np.bool_], inner: FloatArray, away: FloatArray) -> FloatArray:
    """Return (h, w): 1 where the white reaches into the detector's circle; a reflection is an island in the iris."""
    _, labels = cv2.connectedComponents((bright & (inner > 0.2)).astype(np.uint8), connectivity=4)
    outside = np.unique(labels[bright & (away > _LIMBUS[1])])
    return soft(np.isin(labels, outside[outside > 0]).astype(np.float32), 0.6)


def _iris_model(part: FloatArray, seen: NDArray[np.bool_], away: FloatArray) -> FloatArray:
    """Return the iris' colour (h, w, 3) by the radius alone: the mean of what is seen there."""
    if seen.sum() < _LEAST_SEEN:
        return np.asarray(np.broadcast_to(part[away < 1].mean(axis=0), part.shape), np.float32)
    place = np.minimum((away * (_RINGS / _LIMBUS[1])).astype(int), _RINGS)
    count = np.bincount(place[seen], minlength=_RINGS + 1).astype(np.float32)
    known = count > 0
    table = np.empty((_RINGS + 1, 3), np.float32)
    for channel in range(3):
        total = np.bincount(place[seen], part[..., channel][seen], _RINGS + 1)
        table[:, channel] = np.interp(np.arange(_RINGS + 1), np.flatnonzero(known), total[known] / count[known])
    at = np.clip(away * (_RINGS / _LIMBUS[1]) - 0.5, 0, _RINGS - 1e-3)
    below = at.astype(int)
    rest = (at - below)[..., None]
    return np.asarray(table[below] + rest * (table[below + 1] - table[below]), np.float32)


def _shadow(lids: FloatArray, shape: tuple[int, ...], radius: float) -> FloatArray:
    """Return the factor (h, w, 3) by which the lids, the upper one above all darken an eye."""
    factor = np.ones(shape[:2], np.float32)
    for margin, depth, reach in ((lids[:9], *_UPPER_SHADOW), (lids[[8, *range(9, 16), 0]], *_LOWER_SHADOW)):
        line = np.full(shape[:2], 255, np.uint8)
        cv2.polylines(line, [np.round(margin * 16).astype(np.int32)], False, 0, 1, cv2.LINE_8, 4)
        away = cv2.distanceTransform(line, cv2.DIST_L2, 3) / np.float32(reach * radius)
        factor *= 1.0 - np.float32(depth) * np.exp(-away)
    dark = 1.0 - soft(factor, 0.06 * radius)[..., None]
    return np.asarray(1.0 - dark * np.array(_SHADOW_COLOR, np.float32), np.float32)


def similarity(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """Return the similarity (2, 3) that takes two points to two others."""
    before, after = complex(*(source[1] - source[0])), complex(*(target[1] - target[0]))
    turn = after / before
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target.mean(axis=0) - linear @ source.mean(axis=0)])


def _smoothstep(x: FloatArray | np.float32, low: float, high: float) -> FloatArray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
