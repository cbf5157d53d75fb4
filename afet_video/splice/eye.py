"""What the affected eye looks like behind lids that should be open: as it looked a moment ago.

in: frame after frame with its landmarks -> out: the neutral's texture with that eye in it, where the eye looks, and the
eyeball that is seen between the lids.  Must not: decide where the lids are, warp the frame.

On a blink the affected lids stay open, and what they show must come from another frame. The neutral's eye looks where
it looked then, in another light. The same eye just before the blink is nearest in all: it is kept, laid into the
neutral's picture, until the lids are open again. As the lids close, gaze can be seen less and less; then the eye looks
where it looked before.

With Bell's phenomenon the eyeball turns up and out when the lids are meant to close for longer than a blink.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.blur import CRISP_PX
from afet_video.splice.eyeball import Eyeball, eyeball
from afet_video.splice.eyeball_fit import EyeballFit
from afet_video.splice.eyeball_paint import paint
from afet_video.splice.limbus import find_limbus, radius_of
from afet_video.splice.opening import below_lid, similarity, within_lids
from afet_video.splice.texture import TextureModel
from afet_video.vectors import smoothstep

OPEN_CLOSURE = 0.12
"""Lid closure up to which an eye is open as at rest, and worth keeping."""

SHUT_CLOSURE, REOPENED_CLOSURE = 0.65, 0.5
"""Lid closure from which the lids are meant to be shut, and below which they no longer are: a broad smile, or a look
down at the floor, leaves them half closed for long, and the eye seen between them."""

BELL_AFTER_S, BELL_TAKES_S, BELL_BACK_S = 0.25, 0.25, 0.12
"""How long the lids are meant to be shut before the eyeball turns, longer than a blink; how long it takes, and back."""

_UP, _OUT = 0.5, 0.12
"""Turn of the eyeball on the picture, in diameters of the iris: at full turn half of it, and then most of the iris is
under the upper lid."""

_LEAST_SHOWN = 0.3
"""How much of the iris a turned eye shows below the upper lid at the least, in its diameters."""

_GAZE_CLOSURE = (0.5, 0.75)
"""Lid closure up to which the detected iris is believed, and from which it is not at all: in blinks it sank by 0.02 of
the eye's width up to the first, and by 0.06 up to the second."""

_WARY_CLOSURE, _WARY_S = (0.3, 0.5), (0.1, 0.3)
"""The same just after the lids were shut, and how long after that begins to be over, and is: in a blurred picture lids
that are shut still look half open to the detector."""

_TRAVEL_IOD = (0.006, 0.02)
"""How far the warp carries lids and iris of what it shows (inter-ocular distances) before the eyeball is put back
between the lids, and in full."""

_TRAVEL_PX = (0.75, 2.0)
"""The same in pixels, at the least, and as many times more as the picture is more blurred than a crisp one: in a small
or coarse picture a pixel is more than that, and the warp alone does."""

_SLIT_RANGE, _SHUT_RANGE = (0.0, 0.3), (0.4, 0.65)
"""Movement lost by lids that the frame has shut, from which there is more than a slit between them in the result."""

_ASIDE = (0.16, 0.24)
"""How far an iris is from the middle between the corners of an open eye (shares of the eye's width) from which the
detector misses it too far for an eyeball to be laid on it."""

_FORESHORTENED, _LEAST_TRUST = (0.08, 0.14), 0.05
"""How far aside, likewise, an iris begins to look narrower than it is, and how much that still says of its size."""

_LIGHT_LASTS_S = (0.5, 1.5)
"""For how long the light in which the eye was seen is its light, and after which the skin around tells it: a head that
turns with its eyes shut comes into another one."""

_AGED_S = 0.5
"""An eyeball that is older than this is made anew as soon as there is a newer picture of it."""

_WHOLE = 0.9
"""A newer eyeball is taken if it shows at least this share of what the last one shows of the iris: an eye that looks
aside hides part of it."""

_WIDER, _WIDEST = 1.1, 1.5
"""The eye's outline times these: inside the first the kept eye alone is seen, beyond the second the neutral alone."""

_LIGHT_LIMITS = (0.5, 2.0)

_OPEN_NAMES = ("open_rgb", "open_ring", "open_iris")


@dataclass(frozen=True, slots=True, eq=False)
class EyeView:
    """What is seen between the affected lids of one frame.

    `iris` (5, 2): where it is in the result, pixels of the rectangle. `share` in 0..1: how much of the eyeball is put
    between the lids; 0 where the lids hardly moved.
    """

    iris: FloatArray
    share: float


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
        self.ring, self.iris = list(ring), list(iris)
        outline = texture.xy[self.ring]
        middle = outline.mean(axis=0)
        height, width = texture.rgb.shape[:2]
        low = np.clip(np.floor(middle + _WIDEST * (outline.min(axis=0) - middle)) - 2, 0, (width - 1, height - 1))
        high = np.clip(np.ceil(middle + _WIDEST * (outline.max(axis=0) - middle)) + 3, low + 1, (width, height))
        self._origin = low.astype(np.float32)
        self._part = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
        self._share = _soft_outline(outline - low, texture.rgb[self._part].shape[:2])
        self._gain: FloatArray | None = None
        self._ball: Eyeball | None = None
        self._open: tuple[FloatArray, FloatArray, FloatArray] | None = None
        self._fit = EyeballFit()
        self._shut_since: float | None = None
        self._shut_s: float
        self._kept: TextureModel
        self._kept_s: float
        self._ball_s: float
        self._forget()

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
        if closure >= SHUT_CLOSURE:
            self._shut_s = seconds
            self._shut_since = seconds if self._shut_since is None else self._shut_since
        elif closure < REOPENED_CLOSURE:
            self._shut_since = None
        self._turn, self._turn_s = self._turned(seconds), seconds
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
            self._gain = np.asarray(1.0 / light.clip(*_LIGHT_LIMITS), np.float32)
        is_first = self._kept is self._texture
        kept = self._texture.rgb.copy() if is_first else self._kept.rgb  # all but the eye stays as it is
        kept[self._part] = neutral + self._share[..., None] * (patch - neutral)
        xy = self._texture.xy.copy()
        back = np.linalg.inv(to_frame[:, :2])
        xy[self.iris] = (current_xy[self.iris] - to_frame[:, 2]) @ back.T + self._origin
        self._kept, self._kept_s = replace(self._texture, rgb=kept, xy=xy.astype(np.float32)), seconds
        self._open = _cut_out(current, current_xy[self.ring], current_xy[self.iris])

    @property
    def texture(self) -> TextureModel:
        """The neutral's texture with the kept eye in it; its picture changes with the next look."""
        return self._kept

    def view(
        self,
        current_xy: FloatArray,
        shown_xy: FloatArray,
        *,
        closure: float,
        bell: float,
        lost: FloatArray,
        weight: float,
        strength: float = 1.0,
    ) -> EyeView:
        """Return what is seen between the lids of the frame that was looked at last.

        Parameters
        ----------
        current_xy, shown_xy : (478, 2) landmarks of the frame, and where the affected side has them; pixels of the
            rectangle.
        closure : how far the affected lids are closed in the frame.
        bell : 0..1, how far the eyeball turns on long closure.
        lost : (478,) share of its movement that each landmark loses.
        weight : 0..1, how much of the kept eye the warp shows by itself.
        strength : 0..1, how much of the palsy is shown.
        """
        own, lids = current_xy[self.iris], shown_xy[self.ring]
        kept, at_rest = self._kept.xy, lids[[0, 8]]
        to_frame = similarity(kept[self.ring][[0, 8]], at_rest)
        looked = kept[self.iris] @ to_frame[:, :2].T + to_frame[:, 2]
        wary = 1.0 - smoothstep(self._turn_s - self._shut_s, *_WARY_S) if np.isfinite(self._shut_s) else 0.0
        limits = (usual + wary * (less - usual) for usual, less in zip(_GAZE_CLOSURE, _WARY_CLOSURE, strict=True))
        unseen = smoothstep(closure, *limits)
        iris = own + unseen * (looked - own)
        across = at_rest[0] - at_rest[1]
        outwards = across / max(float(np.linalg.norm(across)), 1e-6)
        up = np.array([outwards[1], -outwards[0]]) * self._out
        diameter = 2.0 * float(np.linalg.norm(looked[1:] - looked[0], axis=1).mean())
        if bell * self._turn > 0:
            way = bell * self._turn * diameter * (_UP * up + _OUT * outwards)
            seen = iris[0] + way + self._fit.offset(at_rest, 0.0)  # the circle lies beside the detector's
            hidden = (_LEAST_SHOWN - 0.5) * diameter - below_lid(lids, seen, up)
            iris = iris + way - up * min(max(hidden, 0.0), max(float(way @ up), 0.0))
        iris = own + strength * (iris - own)
        iod = facemesh.iod_px(current_xy)
        seen = np.concatenate([current_xy[self.ring], own[:1]])
        kept_there = kept[[*self.ring, self.iris[0]]] @ to_frame[:, :2].T + to_frame[:, 2]
        there = np.concatenate([lids, iris[:1]])
        stretched = [float(np.linalg.norm(there - here, axis=1).max()) for here in (seen, kept_there)]
        travel = stretched[0] + weight * (stretched[1] - stretched[0])
        slit = smoothstep(closure, *_SHUT_RANGE) * (1.0 - smoothstep(float(lost[self.iris[0]]), *_SLIT_RANGE))
        corners = current_xy[self.ring][[0, 8]]
        along = (corners[0] - corners[1]) / max(float(np.sum((corners[0] - corners[1]) ** 2)), 1e-6)
        aside = abs(float((own[0] - corners.mean(axis=0)) @ along))
        unsure = smoothstep(aside, *_ASIDE) * (1.0 - unseen)
        coarse = max(self._ball.blur / CRISP_PX, 1.0) if self._ball is not None else 1.0
        much = (max(far * iod, coarse * least) for far, least in zip(_TRAVEL_IOD, _TRAVEL_PX, strict=True))
        share = smoothstep(travel, *much) * (1.0 - slit) * (1.0 - unsure)
        return EyeView(np.asarray(iris, np.float32), share)

    def paint(
        self,
        spliced: FloatArray,
        current: FloatArray,
        view: EyeView,
        *,
        current_xy: FloatArray,
        output_xy: FloatArray,
        closure: float,
        gain: FloatArray,
    ) -> None:
        """Put the eyeball between the lids of the spliced picture (h, w, 3), in place.

        Parameters
        ----------
        current : (h, w, 3) the frame.
        current_xy, output_xy : (478, 2) landmarks of the frame and of the result, pixels of the rectangle.
        closure : how far the affected lids are closed in the frame.
        gain : (3,) factor that fits the neutral's colours to the frame's light, where the eye was not open of late.
        """
        if view.share <= 0:
            return
        self._renew_ball()
        if self._ball is None:
            return
        if self._gain is not None:
            gain = self._gain + np.float32(smoothstep(self._turn_s - self._kept_s, *_LIGHT_LASTS_S)) * (
                gain - self._gain
            )
        paint(
            spliced,
            current,
            self._ball,
            self._fit,
            lids=output_xy[self.ring],
            own_lids=current_xy[self.ring],
            middle=output_xy[self.iris[0]],
            own_iris=current_xy[self.iris],
            closure=closure,
            gain=gain,
            share=view.share,
            seconds=self._turn_s,
        )

    def _renew_ball(self) -> None:
        """Make the eyeball from the kept eye, unless there is one that is new enough."""
        newer, closing = self._kept_s > self._ball_s, self._kept_s < self._turn_s
        aged = self._turn_s - self._ball_s > _AGED_S
        if (newer and (aged or closing)) or (aged and self._ball is None):
            latest, trust = self._latest_ball()
            if latest is not None and (
                self._ball is None or (trust > _LEAST_TRUST and latest.iris_seen > _WHOLE * self._ball.iris_seen)
            ):
                self._ball = latest
            self._ball_s = self._turn_s

    def _latest_ball(self) -> tuple[Eyeball | None, float]:
        """Return the eyeball as it was last seen, in the neutral's light, its iris as large as all of the person's.

        And 0..1 how far it looks ahead: what is seen of an iris aside is no circle.
        """
        rgb, xy = self._kept.rgb, self._kept.xy
        ring, iris = xy[self.ring], xy[self.iris]
        if self._open is not None and self._gain is not None:
            rgb, ring, iris = self._open
            rgb = rgb / self._gain
        found = find_limbus(rgb, within_lids(ring, rgb.shape), iris)
        along = (ring[0] - ring[8]) / max(float(np.sum((ring[0] - ring[8]) ** 2)), 1e-6)
        aside = abs(float((found.middle - 0.5 * (ring[0] + ring[8])) @ along))
        trust = max(1.0 - smoothstep(aside, *_FORESHORTENED), _LEAST_TRUST)
        self._fit.see_radius(found.radius / max(radius_of(iris), 1e-6), trust * found.sure)
        return eyeball(rgb, ring, iris, self._fit), trust

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what it has seen; `recall` takes it back."""
        clocks = (self._kept_s, self._ball_s, self._turn, self._turn_s, self._shut_s)
        arrays: dict[str, NDArray[Any]] = {"clocks": np.array(clocks, np.float64)} if np.isfinite(self._turn_s) else {}
        if self._kept is not self._texture:
            arrays |= {"eye": self._kept.rgb[self._part].copy(), "xy": self._kept.xy}
        if self._gain is not None:
            arrays["gain"] = self._gain
        if self._ball is not None:
            arrays |= {f"ball_{one.name}": np.asarray(getattr(self._ball, one.name)) for one in fields(Eyeball)}
        if self._open is not None:
            arrays |= dict(zip(_OPEN_NAMES, self._open, strict=True))
        if arrays:  # it learns from eyes that give no eyeball, too
            arrays |= self._fit.remembered()
        if self._shut_since is not None:
            arrays["shut_since"] = np.array(self._shut_since, np.float64)
        return arrays

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave; an empty mapping: from nothing."""
        self._forget()
        if "clocks" in arrays:
            self._kept_s, self._ball_s, self._turn, self._turn_s, self._shut_s = arrays["clocks"].tolist()
        if "eye" in arrays:
            rgb = self._texture.rgb.copy()
            rgb[self._part] = arrays["eye"]
            self._kept = replace(self._texture, rgb=rgb, xy=arrays["xy"])
        self._gain = arrays.get("gain")
        if "ball_veins" in arrays:
            parts: dict[str, Any] = {one.name: arrays[f"ball_{one.name}"] for one in fields(Eyeball)}
            parts |= {name: float(parts[name]) for name in ("radius", "iris_seen", "sure", "blur")}
            self._ball = Eyeball(**parts)
        if arrays:
            self._fit.recall(arrays)
        if _OPEN_NAMES[0] in arrays:
            rgb, ring, iris = (arrays[name] for name in _OPEN_NAMES)
            self._open = rgb, ring, iris
        self._shut_since = float(arrays["shut_since"]) if "shut_since" in arrays else None

    def _forget(self) -> None:
        self._kept = self._texture
        self._gain = None
        self._ball = None
        self._open = None
        self._fit = EyeballFit()
        self._kept_s = self._ball_s = -np.inf
        self._shut_since = None
        self._turn, self._turn_s, self._shut_s = 0.0, -np.inf, -np.inf

    def _turned(self, seconds: float) -> float:
        """Return 0..1 how far the eyeball is turned: up slowly, back in no time."""
        back = self._turn - max(seconds - self._turn_s, 0.0) / BELL_BACK_S if np.isfinite(self._turn_s) else 0.0
        if self._shut_since is None:
            return max(back, 0.0)
        return max(back, smoothstep(seconds - self._shut_since - BELL_AFTER_S, 0.0, BELL_TAKES_S), 0.0)


def _cut_out(picture: FloatArray, ring: FloatArray, iris: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a copy of an eye's surroundings, with its lids (16, 2) and iris (5, 2) in pixels of that."""
    margin = 0.5 * np.linalg.norm(ring[0] - ring[8])
    low = np.maximum(np.floor(ring.min(axis=0) - margin), 0).astype(int)
    high = np.maximum(np.ceil(ring.max(axis=0) + margin).astype(int), low + 1)
    return picture[low[1] : high[1], low[0] : high[0]].copy(), ring - low, iris - low


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
