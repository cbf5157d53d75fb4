"""What the affected eye looks like behind lids that should be open: as it looked a moment ago.

in: frame after frame with its landmarks -> out: the neutral's texture with that eye in it.  Must not: decide when it
is shown, warp the frame.

On a blink the affected lids stay open, and what they show must come from another frame. The neutral's eye looks where
it looked then, in another light. The same eye just before the blink is nearest in all: it is kept, laid into the
neutral's picture, until the lids are open again.

With Bell's phenomenon the eyeball turns up and out when the lids are meant to close for longer than a blink: the iris
is moved over a white that is filled in where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.texture import TextureModel

OPEN_CLOSURE = 0.12
"""Lid closure up to which an eye is open as at rest, and worth keeping."""

SHUT_CLOSURE = 0.5
"""Lid closure from which the lids are meant to be shut."""

BELL_AFTER_S, BELL_TAKES_S = 0.25, 0.25
"""How long the lids are meant to be shut before the eyeball turns, and how long it takes: longer than a blink."""

_UP, _OUT = 0.5, 0.2
"""Turn of the eyeball on the picture, in diameters of the iris."""

_WIDER, _WIDEST = 1.1, 1.5
"""The eye's outline times these: inside the first the kept eye alone is seen, beyond the second the neutral alone."""

_IRIS_MARGIN = 1.15
"""How far the iris is softer than its landmarks: so much of it is filled in where it was."""

_LEAST_IRIS_PX = 2.0
_LIT = 0.7
"""Brightness of the white right at the lids, which shade it."""

_LIGHT_LIMITS = (0.5, 2.0)


class EyeMemory:
    """Keeps the affected eye of one person as it last was open.

    Parameters
    ----------
    texture : the neutral's texture.
    side : the affected side.
    """

    def __init__(self, texture: TextureModel, side: Side) -> None:
        self._texture = texture
        self._out = 1.0 if side is Side.LEFT else -1.0
        ring = facemesh.LEFT_EYE if side is Side.LEFT else facemesh.RIGHT_EYE
        iris = facemesh.LEFT_IRIS if side is Side.LEFT else facemesh.RIGHT_IRIS
        self.ring, self._iris = list(ring), list(iris)
        outline = texture.xy[self.ring]
        middle = outline.mean(axis=0)
        height, width = texture.rgb.shape[:2]
        low = np.clip(np.floor(middle + _WIDEST * (outline.min(axis=0) - middle)) - 2, 0, (width - 1, height - 1))
        high = np.clip(np.ceil(middle + _WIDEST * (outline.max(axis=0) - middle)) + 3, low + 1, (width, height))
        self._origin = low.astype(np.float32)
        self._part = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
        self._share = _soft_outline(outline - low, texture.rgb[self._part].shape[:2])
        self._kept, self._kept_xy = texture.rgb, texture.xy
        self._rolled: tuple[FloatArray, FloatArray, FloatArray] | None = None
        self._shut_since: float | None = None

    def see(
        self, current: FloatArray, current_xy: FloatArray, seconds: float, closure: float, *, visible: bool = True
    ) -> None:
        """Look at the next frame.

        Parameters
        ----------
        current : (h, w, 3) rectangle of the frame.
        current_xy : (478, 2) landmarks in pixels of that rectangle.
        seconds : the frame's time.
        closure : how far the affected lids are closed in it, 0 as at rest .. 1 shut.
        visible : whether nothing covers the eye.
        """
        if closure < SHUT_CLOSURE:
            self._shut_since = None
        elif self._shut_since is None:
            self._shut_since = seconds
        if not visible or closure > OPEN_CLOSURE or not self._share.any():
            return
        to_frame = _affine(self._texture.xy[self.ring] - self._origin, current_xy[self.ring])
        height, width = self._share.shape
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        patch = cv2.warpAffine(current, to_frame, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        neutral = self._texture.rgb[self._part]
        around = (self._share > 0) & (self._share < 1)
        if around.any():
            light = neutral[around].mean(axis=0) / np.maximum(patch[around].mean(axis=0), 1.0)
            patch = np.minimum(patch * light.clip(*_LIGHT_LIMITS).astype(np.float32), np.float32(255.0))
        kept = self._texture.rgb.copy()
        kept[self._part] = neutral + self._share[..., None] * (patch - neutral)
        xy = self._texture.xy.copy()
        back = np.linalg.inv(to_frame[:, :2])
        xy[self._iris] = (current_xy[self._iris] - to_frame[:, 2]) @ back.T + self._origin
        self._kept, self._kept_xy, self._rolled = kept, xy.astype(np.float32), None

    def texture(self, seconds: float, bell: float) -> TextureModel:
        """Return the neutral's texture with the kept eye; `bell` 0..1 is how far the eyeball turns on long closure."""
        turn = bell * self._turned(seconds)
        if turn == 0.0:
            return replace(self._texture, rgb=self._kept, xy=self._kept_xy)
        iris = self._kept_xy[self._iris]
        diameter = 2.0 * float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        if diameter < 2 * _LEAST_IRIS_PX:
            return replace(self._texture, rgb=self._kept, xy=self._kept_xy)
        across = self._kept_xy[self.ring[0]] - self._kept_xy[self.ring[8]]  # from the inner canthus to the outer one
        outwards = across / np.linalg.norm(across)
        up = np.array([outwards[1], -outwards[0]]) * self._out
        by = turn * diameter * (_UP * up + _OUT * outwards)
        white, disc, opening = self._rolled or self._without_iris(iris[0] - self._origin, diameter / 2)
        self._rolled = white, disc, opening
        moved = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float32)
        size = (disc.shape[1], disc.shape[0])
        eye = cv2.warpAffine(self._kept[self._part], moved, size, borderMode=cv2.BORDER_REPLICATE)
        shown = (cv2.warpAffine(disc, moved, size) * opening)[..., None]
        rolled = self._kept.copy()
        rolled[self._part] = white + shown * (eye - white)
        xy = self._kept_xy.copy()
        xy[self._iris] += by.astype(np.float32)
        return replace(self._texture, rgb=rolled, xy=xy)

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what it has seen; `recall` takes it back."""
        arrays: dict[str, NDArray[Any]] = {}
        if self._kept is not self._texture.rgb:
            arrays |= {"eye": self._kept[self._part], "xy": self._kept_xy}
        if self._shut_since is not None:
            arrays["shut_since"] = np.array(self._shut_since, np.float64)
        return arrays

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave; an empty mapping: from nothing."""
        self._kept, self._kept_xy, self._rolled = self._texture.rgb, self._texture.xy, None
        if "eye" in arrays:
            self._kept, self._kept_xy = self._texture.rgb.copy(), arrays["xy"]
            self._kept[self._part] = arrays["eye"]
        self._shut_since = float(arrays["shut_since"]) if "shut_since" in arrays else None

    def _turned(self, seconds: float) -> float:
        if self._shut_since is None:
            return 0.0
        t = np.clip((seconds - self._shut_since - BELL_AFTER_S) / BELL_TAKES_S, 0.0, 1.0)
        return float(t * t * (3 - 2 * t))

    def _without_iris(self, middle: FloatArray, radius: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the kept eye (h, w, 3) without its iris, where the iris is (h, w), and the lids' opening (h, w)."""
        part = self._kept[self._part]
        rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
        distance = np.hypot(columns - middle[0], rows - middle[1])
        filled = np.zeros(part.shape[:2], np.uint8)
        ring = self._kept_xy[self.ring] - self._origin
        cv2.fillPoly(filled, [np.round(ring * 16).astype(np.int32)], 1, shift=4)
        opening = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), max(0.1 * radius, 0.6))
        luma = part.mean(axis=2)
        white = (filled > 0) & (distance > _IRIS_MARGIN * radius)
        if white.any():  # the canthi and the lids' shadow are darker than the white
            white &= luma >= np.median(luma[white])
        color = part[white].mean(axis=0) if white.any() else part[filled > 0].mean(axis=0)
        hole = np.clip(radius * _IRIS_MARGIN - distance + 1.0, 0.0, 1.0) * opening
        disc = np.clip(radius - distance + 0.5, 0.0, 1.0) * opening
        shade = _LIT + (1.0 - _LIT) * cv2.GaussianBlur(filled.astype(np.float32), (0, 0), max(0.6 * radius, 1.0))
        shade /= shade[white if white.any() else filled > 0].mean()
        bare = part + hole[..., None] * (color * shade[..., None] - part)
        return np.asarray(bare, np.float32), np.asarray(disc, np.float32), np.asarray(opening, np.float32)


def _soft_outline(outline: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return (h, w) 1 well inside the outline (n, 2) made wider, falling to 0 towards the outline made widest."""
    middle = outline.mean(axis=0)
    levels = np.linspace(_WIDEST, _WIDER, 6)
    share = np.zeros(shape[:2], np.float32)
    for level in levels:
        filled = np.zeros(shape[:2], np.uint8)
        cv2.fillPoly(filled, [np.round((middle + level * (outline - middle)) * 16).astype(np.int32)], 1, shift=4)
        share += filled / np.float32(len(levels))
    share[[0, -1]] = share[:, [0, -1]] = 0.0
    return share


def _affine(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """Return the affine map (2, 3) that takes `source` (n, 2) to `target` with least squared error."""
    design = np.column_stack([source, np.ones(len(source))]).astype(np.float64)
    return np.asarray(np.linalg.lstsq(design, target.astype(np.float64), rcond=None)[0].T, np.float64)
