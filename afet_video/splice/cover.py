"""What lies before the face: hair, hands, microphones, and what the mesh overlaps beside the jaw.

in: picture and landmarks of one frame after the other -> out: a soft mask of what stays as it is.  Must not: warp, do
I/O, know a model.

Skin is told from what covers it by its colour alone. Around every place the skin's own colour is known, from the
landmarks near it whose colours agree with the neutral's; light and head pose are in it. What deviates from that by far,
and did not do so in the neutral, is covered. Expressions shade the skin, yet hardly change its hue, and so stay below
the threshold. Eyes, brows and lips have other colours and are left out; they are covered where all around them is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.errors import SettingsError
from afet_video.splice.brow_cover import cover_beside_brows, with_brows
from afet_video.splice.cover_edge import Fringe, Places, add_fringe, colors_under
from afet_video.splice.skin import OFFSET, SKIN, SMOOTH_IOD, SkinView, log_scales
from afet_video.splice.skin_kernel import agree, fill_candidates, fill_distance, fill_kept
from afet_video.vectors import gaussian, median, squared_distances

MASKS = ("auto", "off")

_SURE, _LIKELY, _KEPT = 1.0, 0.6, 0.45
"""Deviation that starts a covered place, that belongs to one, and that is enough where it was covered a moment ago."""

_NEAR_IOD = 0.07
_THIN, _AREA, _LEVELS = 0.6, 2.0, 50.0
_AGREES = log_scales(0.45, 0.45, 0.18)
_NEUTRAL_COVERED = 1.0
_FAR = 0.02
_LEAST_AREA_IOD2 = 0.004
_REMEMBERED_S = 0.12
_RELEASE, _FADING = 0.5, 0.3
_HAND = 0.35
"""Deviation that is enough close to a hand."""
_FRINGE, _NEUTRAL_FRINGE = Fringe(0.25, 0.04), Fringe(0.15, 0.14)
"""Of a frame, and of the neutral: no hair may be left in that, as it would be seen in every frame."""

_ENOUGH = np.array([_SURE, _LIKELY, _KEPT, _HAND], np.float32)

_RING, _HAND_RING, _RING_PX = 0.6, 0.1, 2.0
"""Share of the ring around an eye, a brow or the lips that must be covered for it to be so too; that beside a hand."""

_GOES_ON = ("lips", "nostrils")
"""Features that differ in colour from what covers them: a brow, or lashes, may be of one colour with hair."""

_CONTACT = 0.1
"""Share of the ring around those that one thing must cover to be looked for in them too: a strand does not."""

_BRIDGE_IOD = 0.4
"""Height of what a strand is followed across: a brow and an eye."""

_VISIBLE, _HIDDEN = 1e-3, 0.5
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class MaskSettings:
    """Whether what covers the face is left as it is.

    `kind`: `auto` looks for it; `off` takes everything inside the face's outline for the face.
    """

    kind: str = "auto"

    def __post_init__(self) -> None:
        if self.kind not in MASKS:
            raise SettingsError(f'mask.kind "{self.kind}" is unknown: choose auto or off')

    @property
    def is_on(self) -> bool:
        """Whether anything is looked for."""
        return self.kind != "off"


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """What covers the face in a rectangle (h, w) of one frame.

    `mask` (h, w) float32: 1 = the face, may change; 0 = covered, stays; None: nothing is covered. `clean` (h, w, 3):
    the rectangle's picture with skin where the face is covered. `part`: rows and columns outside of which nothing is.
    """

    mask: FloatArray | None
    clean: FloatArray
    part: tuple[slice, slice] = (slice(0, 0), slice(0, 0))

    def hidden(self, xy: FloatArray) -> NDArray[np.bool_]:
        """Return which of the points (n, 2), pixels of the rectangle, are covered."""
        if self.mask is None:
            return np.zeros(len(xy), np.bool_)
        height, width = self.mask.shape
        columns, rows = np.rint(xy.T).astype(int)
        rows, columns = (np.minimum(np.maximum(at, 0), size - 1) for at, size in ((rows, height), (columns, width)))
        return np.asarray(self.mask[rows, columns] < _HIDDEN)

    def keep(self, current: FloatArray, spliced: FloatArray) -> FloatArray:
        """Return `spliced`, made from `clean`, with what is covered as in `current`; changes `spliced` in place."""
        if self.mask is not None:
            part = self.part
            change = self.mask[part][..., None] * (spliced[part] - self.clean[part])
            np.add(current[part], change, out=spliced[part])
        return spliced


@dataclass(slots=True, eq=False)
class _Last:
    covered: FloatArray
    xy: FloatArray
    seconds: float


@dataclass(slots=True, eq=False)
class FaceCover:
    """Finds what covers one person's face, frame after frame; it remembers the frame before.

    Parameters
    ----------
    rgb : (h, w, 3) float32 picture of the neutral.
    xy : (478, 2) its landmarks in pixels of `rgb`.
    """

    rgb: FloatArray
    xy: FloatArray
    settings: MaskSettings
    _log_skin: FloatArray = field(init=False)
    _trusted: FloatArray = field(init=False)
    _kernel: FloatArray = field(init=False)
    _tolerance: FloatArray = field(init=False)
    _last: _Last | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        view = SkinView.of(self.rgb, self.xy)
        squared = squared_distances(view.xy[SKIN], view.xy[SKIN])
        near, far = (gaussian(squared, radius * view.iod) for radius in (SMOOTH_IOD, 3 * SMOOTH_IOD))
        self._kernel = near + np.float32(_FAR) * far
        self._log_skin = view.skin_colors()
        off = np.abs(self._log_skin - np.median(self._log_skin, axis=0)).max(axis=1)
        self._trusted = (off < _NEUTRAL_COVERED).astype(np.float32)
        deviation = view.deviation(view.expected(self._log_skin, self._trusted))
        self._tolerance = _tolerance(deviation * (view.plain(view.oval(), view.outlines()) > 0), view)

    def of_neutral(self) -> Cover:
        """Return what covers the face in the neutral."""
        if not self.settings.is_on:
            return Cover(None, self.rgb)
        view = SkinView.of(self.rgb, self.xy)
        expected = view.expected(self._skin_colors(view, None), self._trusted)
        raw = view.deviation(expected)
        places = Places.of(view)
        covered = _regions(raw - view.spread(self._tolerance, _NEAR_IOD), None, None, view, places)
        add_fringe(covered, raw, view, places, _FRINGE)
        nearby = colors_under(covered, expected, raw, view, places)  # to tell the last of the hair from the skin there
        add_fringe(covered, view.deviation(nearby), view, places, _NEUTRAL_FRINGE)
        return _cover(self.rgb, view, covered, colors_under(covered, expected, raw, view, places))

    def find(self, current: FloatArray, xy: FloatArray, seconds: float, *, hands: FloatArray | None = None) -> Cover:
        """Return what covers the face in the next frame.

        Parameters
        ----------
        current : (h, w, 3) rectangle of the frame around the part of the face that may change.
        xy : (478, 2) landmarks in pixels of that rectangle.
        seconds : when the frame is shown.
        hands : (n, 21, 2) hands before the face in pixels of that rectangle; their colour is the face's own.
        """
        if not self.settings.is_on:
            return Cover(None, current)
        view = SkinView.of(current, xy)
        held = view.hands(hands)
        expected = view.expected(self._skin_colors(view, held), self._trusted)
        raw = view.deviation(expected)
        tolerance = view.spread(self._tolerance, _NEAR_IOD)
        if held is not None:
            tolerance[held > 0] = 0.0
        deviation = raw - tolerance
        before = self._moved_along(view, seconds)
        places = Places.of(view)
        covered = _regions(deviation, before, held, view, places)
        add_fringe(covered, raw, view, places, _FRINGE)
        self._last = _Last(covered, (view.xy + 0.5) / view.scale - 0.5, seconds)
        if before is not None:
            covered = np.maximum(covered, np.where(deviation > _FADING, before - np.float32(_RELEASE), np.float32(0.0)))
        return _cover(current, view, covered, with_brows(expected, covered, view))

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what it knows of the frame before; `recall` takes it back."""
        last = self._last
        if last is None:
            return {}
        return {"covered": last.covered, "xy": last.xy, "seconds": np.array(last.seconds, np.float64)}

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave; an empty mapping: from nothing."""
        self._last = _Last(arrays["covered"], arrays["xy"], float(arrays["seconds"])) if arrays else None

    def _skin_colors(self, view: SkinView, hands: FloatArray | None) -> FloatArray:
        """Return the skin's colours (n, 3) at the skin landmarks.

        Where they are covered, it is the neutral's colour in the light around.
        """
        colors = view.skin_colors()
        weight = self._trusted * view.inside(SKIN)
        if hands is not None:
            weight *= view.at_skin(hands) == 0
        gain = colors - self._log_skin
        smooth = np.empty_like(gain)
        agree(gain, weight, median(gain[weight > 0]), self._kernel, _AGREES, smooth)
        return np.where(weight[:, None] > 0, colors, self._log_skin + smooth).astype(np.float32, copy=False)

    def _moved_along(self, view: SkinView, seconds: float) -> FloatArray | None:
        """Return what was covered in the frame before, moved with the head."""
        last = self._last
        if last is None or not 0 < seconds - last.seconds < _REMEMBERED_S or not last.covered.any():
            return None
        there = ((last.xy + 0.5) * view.scale - 0.5).astype(np.float32)
        motion, _ = cv2.estimateAffinePartial2D(there[SKIN[::4]], view.xy[SKIN[::4]], method=cv2.LMEDS)
        if motion is None:
            return None
        return np.asarray(cv2.warpAffine(last.covered, motion, view.size_wh), np.float32)


def _cover(current: FloatArray, view: SkinView, covered: FloatArray, expected: FloatArray) -> Cover:
    """Return the cover at full size; work is done only around what is covered."""
    height, width = current.shape[:2]
    x, y, w, h = cv2.boundingRect((covered > _VISIBLE).astype(np.uint8))
    if w == 0:
        return Cover(None, current)
    low = np.maximum(np.floor((np.array([x, y]) - 2) / view.scale).astype(int) - 4, 0)
    high = np.minimum(np.ceil((np.array([x + w, y + h]) + 2) / view.scale).astype(int) + 4, (width, height))
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    # The antialiased edge of what covers the face belongs to it: first wider, then softer.
    wider = cv2.dilate(view.enlarged(np.asarray(cv2.dilate(covered, _SQUARE), np.float32), low, high), _SQUARE)
    share = np.maximum(wider, cv2.GaussianBlur(wider, (0, 0), 1.0))
    skin = view.enlarged(np.exp(expected) - np.float32(OFFSET), low, high)
    mask = np.ones((height, width), np.float32)
    mask[part] -= share
    clean = current.copy()
    clean[part] += share[..., None] * (skin - current[part])
    return Cover(mask, clean, part)


def _tolerance(deviation: FloatArray, view: SkinView) -> FloatArray:
    """Return by how much the neutral's own skin deviates around each landmark (478,).

    A beard, a shadow or make-up covers an area and is part of the face; a hair that already lies there is thin, and
    must not excuse the next one.
    """
    near, area = (2 * round(reach * view.iod) + 1 for reach in (_NEAR_IOD, 2 * _NEAR_IOD))
    highest = cv2.dilate(deviation, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (near, near)))
    wide = cv2.medianBlur((deviation * _LEVELS).clip(0, 255).astype(np.uint8), area) / np.float32(_LEVELS)
    limit = np.maximum(_THIN, _AREA * wide)
    at = np.round(view.xy).astype(int)
    x = at[:, 0].clip(0, view.size_wh[0] - 1)
    y = at[:, 1].clip(0, view.size_wh[1] - 1)
    return np.asarray(np.minimum(highest, limit)[y, x] * view.from_outline(), np.float32)


def _regions(
    deviation: FloatArray, before: FloatArray | None, hands: FloatArray | None, view: SkinView, places: Places
) -> FloatArray:
    """Return the covered places (h, w), 0 or 1, inside the mesh.

    `hands` is 1 on hands, and smaller around them, where a hand's colour, so near the face's, is enough.
    """
    oval = places.oval
    none = np.zeros(deviation.shape, np.float32)
    likely, sure, covered = (np.empty(deviation.shape, np.uint8) for _ in range(3))
    marks = none if before is None else before, none if hands is None else hands
    fill_candidates(deviation, *marks, places.plain, oval, _ENOUGH, likely, sure)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(likely, connectivity=8)
    if not fill_kept(labels, sure, stats[:, cv2.CC_STAT_AREA].copy(), _LEAST_AREA_IOD2 * view.iod**2, covered):
        return none
    length = 2 * round(_BRIDGE_IOD * view.iod / 2) + 1
    bridged = cv2.morphologyEx(cv2.dilate(covered, _SQUARE), cv2.MORPH_CLOSE, np.ones((length, 1), np.uint8))
    bridged[deviation < _LIKELY] = 0
    for feature in view.features(places.outlines, _RING_PX, near=np.maximum(covered, bridged)):
        here, on_face = covered[feature.part], oval[feature.part] > 0
        inside, ring = feature.filled & on_face, feature.ring & on_face
        has_hand = hands is not None and bool(hands[feature.part][ring].any())
        if ring.any() and here[ring].mean() > (_HAND_RING if has_hand else _RING):
            here[inside] = 1
        else:
            here[inside] = np.maximum(here, bridged[feature.part])[inside]
            if feature.kind in _GOES_ON:
                _let_go_on(here, inside, ring, view.log[feature.part], deviation[feature.part])
    cover_beside_brows(covered, (deviation >= _LIKELY) & places.off_eyes, view)  # lashes may touch hair and are none
    return np.asarray(covered, np.float32)


def _let_go_on(
    covered: ByteArray, inside: NDArray[np.bool_], ring: NDArray[np.bool_], log: FloatArray, deviation: FloatArray
) -> None:
    """Mark as `covered` (h, w), in place, what goes on `inside` a feature of things that cover much of the `ring`.

    `log` (h, w, 3): logarithm of the colours. `deviation` (h, w): from the skin's. What is near enough to the skin to
    be its shadow would go on as all of the lips.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(covered * ring.view(np.uint8), connectivity=8)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < _CONTACT * ring.sum():
            continue
        touching = labels == label
        if np.median(deviation[touching]) < _SURE:
            continue
        color, apart = np.median(log[touching], axis=0), np.empty(log.shape[:2], np.float32)
        fill_distance(log, np.broadcast_to(color, log.shape), _AGREES, apart)
        alike = (touching | (inside & (apart < 1))).astype(np.uint8)
        _, parts = cv2.connectedComponents(alike, connectivity=8)
        covered[inside & np.isin(parts, parts[touching]) & (alike > 0)] = 1
