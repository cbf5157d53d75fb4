"""Puts an eyeball between the lids of a result.

in: an eyeball, lids, the frame -> out: the picture, changed in place.  Must not: decide where lids and gaze are.

What the frame shows of its own eyeball stays as it is. The rest is painted, and fitted to what is seen: its iris lies
around the seen one's middle, its white and iris take the colour that theirs have in the frame, and lids shade it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.blur import beyond_crisp
from afet_video.splice.eyeball import Eyeball
from afet_video.splice.eyeball_fit import EyeballFit
from afet_video.splice.eyeball_kernel import add_tint, fill_fitting, fill_painted, lay
from afet_video.splice.limbus import find_edges, find_limbus
from afet_video.splice.opening import between_lids, seen_lids, similarity, soft, within_lids
from afet_video.splice.sclera import terms_of
from afet_video.vectors import smoothstep

_TURNED = (0.1, 0.5)
"""Turn, in radii of the iris, from which what was seen of the eyeball begins to be out of place, and is altogether."""
_OTHER, _BELOW = np.array([0.15, 0.4], np.float32), np.array([0.1, 0.25], np.float32)
"""Relative difference of brightness from which the frame shows something else than the eyeball, and how far below the
middle of the iris (shares of the opening) that is looked for: above it are reflections."""
_GLITTER = np.float32(0.8)
"""Share of its strongest colour that all of a reflection's have, where the iris is."""
_SAME = (0.6, 1.35)
"""How much brighter the frame may be than what is painted, where both are taken for the same thing."""
_SHADOW = (0.3, 0.6)
"""Share of what lies between the frame's lids that is darker than that, from which it begins to be no eyeball, and is
none: the lashes of a narrow eye under a frown, and their shadow. It was below 0.05 in eyes that are seen."""
_OWN_CLOSURE = (0.3, 0.5)
"""Lid closure from which the frame's own eyeball begins to be left out, and is left out altogether."""
_OPENED = (0.1, 0.3)
"""Lid closure up to which an eye is open, and from which it is not open enough to say where its iris usually is."""
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
    scale = _width(lids) / max(float(np.linalg.norm(ball.canthi[0] - ball.canthi[1])), 1e-6)
    blur = beyond_crisp(ball.blur * scale)
    margin = 4 + math.ceil(3 * blur)
    low = np.maximum(np.floor(both.min(axis=0)) - margin, 0).astype(int)
    high = np.minimum(np.ceil(both.max(axis=0)) + margin, (spliced.shape[1], spliced.shape[0])).astype(int)
    if share <= 0 or (high - low).min() < 2:
        return
    part = (slice(low[1], high[1]), slice(low[0], high[0]))
    frame, shape = current[part], spliced[part].shape[:2]
    lids, own_lids, own_iris = lids - low, own_lids - low, own_iris - low
    width = _width(lids)
    awake = 1.0 - smoothstep(closure, *_OWN_CLOSURE)
    opening = within_lids(own_lids, shape) if awake > 0 else np.zeros(shape, np.float32)
    if awake > _LOOKED_AT:
        limbus = find_limbus(frame, opening, own_iris, fit.radii)
        opened = 1.0 - smoothstep(closure, *_OPENED)
        fit.see_limbus(limbus, own_iris, own_lids[[0, 8]], width, opened, seconds)
        fit.see_edges(find_edges(frame, own_lids, limbus), _width(own_lids), seconds)
    to_part = similarity(ball.canthi, lids[[0, 8]])
    radius = fit.radius(width) or ball.radius * scale
    turn = float(np.linalg.norm(middle - low - own_iris[0])) / max(radius, 1e-6)
    turned = smoothstep(turn, *_TURNED)
    own = awake * (1.0 - turned)
    middle = middle - low + fit.offset(lids[[0, 8]], own)
    iris, disc, veins = ball.turned(to_part[:, :2], middle, radius, (shape[1], shape[0]), own)
    outline = seen_lids(lids, fit.beyond(width))
    lit, shadow = fit.sclera.shaded(terms_of(lids[[0, 8]], outline, radius, shape))
    painted = np.empty((*shape, 3), np.float32)
    fill_painted(lit, shadow, veins, iris, disc, np.asarray(gain, np.float32), painted)
    if own > _LOOKED_AT:
        looked = [(opening > 0.5) & there for there in (disc < 0.02, disc > 0.98)]
        for there in looked:
            there[there] = _alike(frame[there], painted[there])
        fit.see_colors([frame[there] for there in looked], [painted[there] for there in looked], seconds)
    add_tint(painted, disc, *fit.tint)
    if blur > 0:
        painted = soft(painted, blur)  # what it is put together of has edges that the picture's own have not
    kept = soft(_fitting(frame, painted, disc, opening, middle, outline), _BLENDED * radius) if own > 0 else opening
    mask = between_lids(outline, shape, blur)
    own *= 1.0 - smoothstep(_darker(frame, painted, opening), *_SHADOW) if own > 0 else 1.0
    lay(spliced[part], frame, painted, kept, opening, np.float32(own), mask, np.float32(share))


def _width(lids: FloatArray) -> float:
    return float(np.linalg.norm(lids[0] - lids[8]))


def _alike(own: FloatArray, painted: FloatArray) -> NDArray[np.bool_]:
    """Return which pixels (n, 3) of a frame may show what is painted there, and no lash or reflection."""
    times = own.sum(axis=1) / np.maximum(painted.sum(axis=1), 24.0)
    return np.asarray((times > _SAME[0]) & (times < _SAME[1]))


def _darker(own: FloatArray, painted: FloatArray, opening: FloatArray) -> float:
    """Return the share of an `opening` (h, w) in which a frame is too dark for what is painted there."""
    dark = own.sum(axis=2) < _SAME[0] * painted.sum(axis=2)
    return float(opening[dark].sum() / max(float(opening.sum()), 1e-6))


def _fitting(
    own: FloatArray,
    painted: FloatArray,
    disc: FloatArray,
    opening: FloatArray,
    middle: FloatArray,
    lids: FloatArray,
) -> FloatArray:
    """Return (h, w): `opening` without what a frame shows of something else than eyeball below the iris' middle."""
    down = lids[9:].mean(axis=0) - lids[1:8].mean(axis=0)
    per_px = (down / max(float(down @ down), 1e-6)).astype(np.float32)
    fitting = np.empty_like(opening)
    start = np.float32(-float(middle @ per_px))
    fill_fitting(own, painted, disc, opening, per_px, start, _OTHER, _BELOW, _GLITTER, fitting)
    return fitting
