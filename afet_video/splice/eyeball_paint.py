"""Puts an eyeball between the lids of a result.

in: an eyeball, lids, the frame -> out: the picture, changed in place.  Must not: decide where lids and gaze are.

What the frame shows of its own eyeball stays as it is. The rest is painted, and fitted to what is seen: its iris lies
around the seen one's middle, its white and iris take the colour that theirs have in the frame, and lids shade it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.eyeball import Eyeball, whitest
from afet_video.splice.eyeball_fit import EyeballFit
from afet_video.splice.limbus import find_edges, find_limbus
from afet_video.splice.opening import between_lids, seen_lids, similarity, smoothstep, soft, within_lids

_TURNED = (0.1, 0.5)
"""Turn, in radii of the iris, from which what was seen of the eyeball begins to be out of place, and is altogether."""
_OTHER, _BELOW = (0.15, 0.4), (0.1, 0.25)
"""Relative difference of brightness from which the frame shows something else than the eyeball, and how far below the
middle of the iris (shares of the opening) that is looked for: above it are reflections."""
_GLITTER = 0.8
"""Share of its strongest colour that all of a reflection's have, where the iris is."""
_SAME = (0.6, 1.35)
"""How much brighter the frame may be than what is painted, where both are taken for the same thing."""
_UPPER_SHADOW, _LOWER_SHADOW = (0.55, 0.4), (0.12, 0.4)
"""Shadow of each lid on what is filled in: how dark at the lid, and how far it reaches in radii of the iris."""
_SHADOW_COLOR = (0.85, 1.0, 1.05)
"""How much red, green and blue the shadow takes: light that falls through lids and lashes is warm."""
_OWN_CLOSURE = (0.3, 0.5)
"""Lid closure from which the frame's own eyeball begins to be left out, and is left out altogether."""
_LOOKED_AT = 0.5
"""Share of the frame's own eyeball from which something is learnt of it."""
_BLENDED = 0.06
"""Width of the border between what is seen and what is painted, radii of the iris."""


def paint(
    spliced: FloatArray,
    current: FloatArray,
    ball: Eyeball,
    fit: EyeballFit,
    *,
    lids: FloatArray,
    own_lids: FloatArray,
    middle: FloatArray,
    own_iris: FloatArray,
    closure: float,
    gain: FloatArray,
    share: float,
    seconds: float,
) -> None:
    """Put the eyeball between the lids of a spliced picture, in place.

    Parameters
    ----------
    spliced, current : (h, w, 3) the result so far, and the frame.
    ball : the eyeball; its corners are laid on those of `lids`.
    fit : what is known of it; learns from the frame.
    lids, own_lids : (16, 2) lid margins of the result and of the frame, pixels of the picture.
    middle : (2,) centre of the iris in the result, as the detector would have it.
    own_iris : (5, 2) iris of the frame, as detected.
    closure : of the frame's lids, 0 as at rest .. 1 shut.
    gain : (3,) factor on the eyeball's colours that fits them to the frame's light.
    share : 0..1, how much of the eyeball is shown.
    seconds : the frame's time.
    """
    both = np.concatenate([lids, own_lids])
    low = np.maximum(np.floor(both.min(axis=0)) - 4, 0).astype(int)
    high = np.minimum(np.ceil(both.max(axis=0)) + 4, (spliced.shape[1], spliced.shape[0])).astype(int)
    if share <= 0 or (high - low).min() < 2:
        return
    part = (slice(low[1], high[1]), slice(low[0], high[0]))
    frame, shape = current[part], spliced[part].shape[:2]
    lids, own_lids, own_iris = lids - low, own_lids - low, own_iris - low
    width = _width(lids)
    awake = float(1.0 - smoothstep(np.float32(closure), *_OWN_CLOSURE))
    opening = within_lids(own_lids, shape) if awake > 0 else None
    if opening is not None and awake > _LOOKED_AT:
        limbus = find_limbus(frame, opening, own_iris, fit.radii)
        fit.see_limbus(limbus, own_iris, own_lids[[0, 8]], width, seconds)
        fit.see_edges(find_edges(frame, own_lids, limbus), _width(own_lids), seconds)
    to_part = similarity(ball.canthi, lids[[0, 8]])
    radius = fit.radius(width) or ball.radius * float(np.hypot(*to_part[0, :2]))
    turn = np.linalg.norm(middle - low - own_iris[0]) / max(radius, 1e-6)
    turned = float(smoothstep(np.float32(turn), *_TURNED))
    own = awake * (1.0 - turned)
    middle = middle - low + fit.offset(lids[[0, 8]])
    seen, disc = ball.turned(to_part, middle, radius, (shape[1], shape[0]), turned, own)
    outline = seen_lids(lids, fit.beyond(width))
    shade = _shadow(outline, shape, radius)
    painted = seen[..., :3] * gain * (shade + seen[..., 3:] * (1 - shade))
    if opening is not None and own > _LOOKED_AT:
        white = whitest(frame, (opening > 0.5) & (disc < 0.02))
        iris = (opening > 0.5) & (disc > 0.98) & _alike(frame, painted)
        fit.see_colors((frame[white], frame[iris]), ((seen[white][:, :3] * gain), painted[iris]), seconds)
    of_white, of_iris = fit.tint
    painted *= of_white + disc[..., None] * (of_iris - of_white)
    if opening is not None and own > 0:
        kept = soft(opening * _fits(frame, painted, middle, outline, disc), _BLENDED * radius)
        painted += (np.float32(own) * np.minimum(kept, opening))[..., None] * (frame - painted)
    mask = np.float32(share) * between_lids(outline, shape)
    spliced[part] += mask[..., None] * (np.minimum(painted, np.float32(255.0)) - spliced[part])


def _width(lids: FloatArray) -> float:
    return float(np.linalg.norm(lids[0] - lids[8]))


def _alike(own: FloatArray, painted: FloatArray) -> NDArray[np.bool_]:
    """Return (h, w): where the frame may show what is painted, and no lash or reflection."""
    times = own.sum(axis=2) / np.maximum(painted.sum(axis=2), 24.0)
    return np.asarray((times > _SAME[0]) & (times < _SAME[1]))


def _fits(own: FloatArray, painted: FloatArray, middle: FloatArray, lids: FloatArray, disc: FloatArray) -> FloatArray:
    """Return (h, w): 0 where the frame shows something else than eyeball below the iris' middle."""
    differs = np.abs(own.mean(axis=2) / np.maximum(painted.mean(axis=2), 8.0) - 1.0)
    glitters = (disc > 0.5) & (own.min(axis=2) > _GLITTER * own.max(axis=2))  # skin is redder than a lamp
    differs = np.where(glitters, np.float32(0.0), differs)
    down = lids[9:].mean(axis=0) - lids[1:8].mean(axis=0)
    height = float(np.linalg.norm(down))
    down = down / max(height, 1e-6)
    rows, columns = np.mgrid[: own.shape[0], : own.shape[1]].astype(np.float32)
    below = ((columns - middle[0]) * down[0] + (rows - middle[1]) * down[1]) / max(height, 1e-6)
    return 1.0 - smoothstep(differs, *_OTHER) * smoothstep(below, *_BELOW)


def _shadow(lids: FloatArray, shape: tuple[int, ...], radius: float) -> FloatArray:
    """Return the factor (h, w, 3) by which the lids, the upper one above all, darken an eye."""
    factor = np.ones(shape[:2], np.float32)
    for margin, depth, reach in ((lids[1:8], *_UPPER_SHADOW), (lids[9:], *_LOWER_SHADOW)):
        line = np.full(shape[:2], 255, np.uint8)
        cv2.polylines(line, [np.round(margin * 16).astype(np.int32)], False, 0, 1, cv2.LINE_8, 4)
        away = cv2.distanceTransform(line, cv2.DIST_L2, 3) / np.float32(reach * radius)
        factor *= 1.0 - np.float32(depth) * np.exp(-away)
    dark = 1.0 - soft(factor, 0.06 * radius)[..., None]
    return np.asarray(1.0 - dark * np.array(_SHADOW_COLOR, np.float32), np.float32)
