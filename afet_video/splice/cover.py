"""What lies before the face: hair, hands, microphones, and what the mesh overlaps beside the jaw.

in: picture and landmarks of one frame after the other -> out: a soft mask of what stays as it is.  Must not: warp, do
I/O, know a model.

Skin is told from what covers it by its colour alone. Around every place the skin's own colour is known, from the
landmarks near it whose colours agree with the neutral's; light and head pose are in it. What deviates from that by far,
and did not do so in the neutral, is covered. Expressions shade the skin, yet hardly change its hue, and so stay below
the threshold. Eyes, brows and lips have other colours and are left out; they are covered where all around them is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray
from afet_video.errors import SettingsError

MASKS = ("auto", "off")

_WORK_IOD_PX = 80.0
"""Distance of the outer corners of the eyes in the picture that is looked at: larger faces are scaled down."""

_LUMA_DARK, _LUMA_BRIGHT, _CHROMA = 0.55, 0.65, 0.25
"""Deviations of the logarithm of a colour from the skin's, darker, brighter and in hue, that count as 1."""

_SURE, _LIKELY, _KEPT = 1.0, 0.6, 0.45
"""Deviation that starts a covered place, that belongs to one, and that is enough where it was covered a moment ago."""

_OFFSET = 10.0
_SMOOTH_IOD, _TOLERANCE_IOD, _NODE_IOD, _OUTLINE_IOD = 0.20, 0.07, 0.05, 0.15
_AGREES_LUMA, _AGREES_CHROMA = 0.45, 0.18
_NEUTRAL_COVERED = 1.0
_FEATURE_MARGIN_IOD = {"eye": 0.09, "brow": 0.07, "lips": 0.06}
_LEAST_AREA_IOD2 = 0.004
_REMEMBERED_S = 0.12
_RELEASE, _FADING = 0.5, 0.3
_RING, _RING_PX = 0.6, 2.0
_VISIBLE = 1e-3
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


def _skin() -> NDArray[np.int64]:
    left_out = np.zeros(facemesh.SKIN_COUNT, bool)
    for part in (facemesh.LIP_ROWS, (facemesh.LEFT_BROW, facemesh.RIGHT_BROW, facemesh.LEFT_EYE, facemesh.RIGHT_EYE)):
        for row in part:
            left_out[list(row)] = True
    left_out[list(facemesh.FACE_OVAL)] = True
    return np.flatnonzero(~left_out)


_SKIN = _skin()
_FEATURES = (
    ("eye", facemesh.LEFT_EYE),
    ("eye", facemesh.RIGHT_EYE),
    ("brow", facemesh.LEFT_BROW),
    ("brow", facemesh.RIGHT_BROW),
    ("lips", facemesh.LIPS_OUTER),
)


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """What covers the face in a rectangle (h, w) of one frame.

    `mask` (h, w) float32: 1 = the face, may change; 0 = covered, stays; None: nothing is covered. `clean` (h, w, 3):
    the rectangle's picture with skin where the face is covered. `landmarks` (478,): share of each landmark that is
    covered. `part`: rows and columns outside of which nothing is covered.
    """

    mask: FloatArray | None
    clean: FloatArray
    landmarks: FloatArray
    part: tuple[slice, slice] = (slice(0, 0), slice(0, 0))

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
        view = _View.of(self.rgb, self.xy)
        squared = ((view.xy[_SKIN, None] - view.xy[None, _SKIN]) ** 2).sum(axis=2)
        self._kernel = np.exp(-squared / (2 * (_SMOOTH_IOD * view.iod) ** 2)).astype(np.float32)
        self._log_skin = view.skin_colors()
        off = np.abs(self._log_skin - np.median(self._log_skin, axis=0)).max(axis=1)
        self._trusted = (off < _NEUTRAL_COVERED).astype(np.float32)
        deviation = view.deviation(view.expected(self._log_skin, self._trusted))
        self._tolerance = _near_maximum(deviation * (view.plain() > 0), view) * view.from_outline()

    def find(self, current: FloatArray, xy: FloatArray, seconds: float) -> Cover:
        """Return what covers the face in the next frame.

        Parameters
        ----------
        current : (h, w, 3) rectangle of the frame around the part of the face that may change.
        xy : (478, 2) landmarks in pixels of that rectangle.
        seconds : when the frame is shown.
        """
        if self.settings.kind == "off":
            return Cover(None, current, np.zeros(478, np.float32))
        view = _View.of(current, xy)
        expected = view.expected(*self._agreeing(view))
        deviation = view.deviation(expected) - view.spread(self._tolerance, _TOLERANCE_IOD)
        before = self._moved_along(view, seconds)
        covered = _regions(deviation, before, view)
        self._last = _Last(covered, (view.xy + 0.5) / view.scale - 0.5, seconds)
        if before is not None:
            covered = np.maximum(covered, np.where(deviation > _FADING, before - np.float32(_RELEASE), np.float32(0.0)))
        return _cover(current, view, covered, expected)

    def _agreeing(self, view: _View) -> tuple[FloatArray, FloatArray]:
        """Return the skin's colours (n, 3) at the skin landmarks, and weights (n,): 0 where they are not skin's."""
        colors = view.skin_colors()
        weight = self._trusted * view.inside(_SKIN)
        gain = colors - self._log_skin
        if weight.any():
            middle = np.median(gain[weight > 0], axis=0)
            weight = weight * (_distance(gain - middle, 2 * _AGREES_LUMA, 2 * _AGREES_CHROMA) < 1)
        for _ in range(2):
            smooth = (self._kernel * weight) @ gain / ((self._kernel * weight).sum(axis=1, keepdims=True) + 1e-6)
            weight = weight * (_distance(gain - smooth, _AGREES_LUMA, _AGREES_CHROMA) < 1)
        return colors, weight.astype(np.float32)

    def _moved_along(self, view: _View, seconds: float) -> FloatArray | None:
        """Return what was covered in the frame before, moved with the head."""
        last = self._last
        if last is None or not 0 < seconds - last.seconds < _REMEMBERED_S or not last.covered.any():
            return None
        there = ((last.xy + 0.5) * view.scale - 0.5).astype(np.float32)
        motion, _ = cv2.estimateAffinePartial2D(there[_SKIN[::4]], view.xy[_SKIN[::4]], method=cv2.LMEDS)
        if motion is None:
            return None
        return np.asarray(cv2.warpAffine(last.covered, motion, view.size_wh), np.float32)



def _cover(current: FloatArray, view: _View, covered: FloatArray, expected: FloatArray) -> Cover:
    """Return the cover at full size; work is done only around what is covered."""
    height, width = current.shape[:2]
    x, y, w, h = cv2.boundingRect((covered > _VISIBLE).astype(np.uint8))
    if w == 0:
        return Cover(None, current, np.zeros(478, np.float32))
    low = np.maximum(np.floor((np.array([x, y]) - 2) / view.scale).astype(int) - 4, 0)
    high = np.minimum(np.ceil((np.array([x + w, y + h]) + 2) / view.scale).astype(int) + 4, (width, height))
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    # The antialiased edge of what covers the face belongs to it: first wider, then softer.
    wider = cv2.dilate(view.enlarged(cv2.dilate(covered, _SQUARE), low, high), _SQUARE)
    share = np.maximum(wider, cv2.GaussianBlur(wider, (0, 0), 1.0))
    skin = view.enlarged(np.exp(expected) - np.float32(_OFFSET), low, high)
    mask = np.ones((height, width), np.float32)
    mask[part] -= share
    clean = current.copy()
    clean[part] += share[..., None] * (skin - current[part])
    at = (view.xy + 0.5) / view.scale - 0.5 - low
    landmarks = cv2.remap(share, at[:, :1].astype(np.float32), at[:, 1:].astype(np.float32), cv2.INTER_LINEAR)
    return Cover(mask, clean, landmarks[:, 0].astype(np.float32), part)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A picture at working size: logarithm of its colours, and the landmarks in it."""

    log: FloatArray
    xy: FloatArray
    iod: float
    scale: float

    @classmethod
    def of(cls, rgb: FloatArray, xy: FloatArray) -> _View:
        xy = np.asarray(xy[:, :2], np.float32)
        iod = float(np.linalg.norm(xy[facemesh.LEFT_EYE_OUTER] - xy[facemesh.RIGHT_EYE_OUTER]))
        scale = min(1.0, _WORK_IOD_PX / max(iod, 1.0))
        if scale < 1.0:
            size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
            rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        return cls(np.log(np.maximum(rgb, 0) + np.float32(_OFFSET)), (xy + 0.5) * scale - 0.5, iod * scale, scale)

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.log.shape[1], self.log.shape[0]

    def enlarged(self, values: FloatArray, low: NDArray[np.int64], high: NDArray[np.int64]) -> FloatArray:
        """Return the part from `low` to `high` (x, y) in pixels of the full-size picture of values at working size."""
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        scale = np.float64(self.scale)
        matrix = np.array([[scale, 0, (low[0] + 0.5) * scale - 0.5], [0, scale, (low[1] + 0.5) * scale - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))

    def inside(self, points: NDArray[np.int64]) -> NDArray[np.bool_]:
        xy = self.xy[points]
        return np.asarray(((xy >= 0) & (xy <= np.array(self.size_wh) - 1)).all(axis=1))

    def skin_colors(self) -> FloatArray:
        """Return the logarithm of the mean colour (n, 3) around the skin landmarks."""
        cell = max(round(0.03 * self.iod), 1)
        mean = cv2.blur(self.log, (cell, cell))
        at = self.xy[_SKIN]
        colors = cv2.remap(mean, at[:, :1], at[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(colors[:, 0], np.float32)

    def expected(self, colors: FloatArray, weight: FloatArray) -> FloatArray:
        """Return the skin's colour (h, w, 3) as the skin landmarks with `weight` tell it."""
        if not weight.any():
            return self.log
        known = weight > 0
        return self._interpolated(self.xy[_SKIN[known]], colors[known], weight[known], _SMOOTH_IOD)

    def spread(self, values: FloatArray, radius_iod: float) -> FloatArray:
        """Return values (478,) of the landmarks between them, (h, w)."""
        return self._interpolated(self.xy, values[:, None], np.ones(478, np.float32), radius_iod)

    def _interpolated(self, xy: FloatArray, values: FloatArray, weight: FloatArray, radius_iod: float) -> FloatArray:
        width, height = self.size_wh
        step = _NODE_IOD * self.iod
        nodes_wh = max(int(np.ceil(width / step)), 2), max(int(np.ceil(height / step)), 2)
        x = (np.arange(nodes_wh[0], dtype=np.float32) + 0.5) * width / nodes_wh[0] - 0.5
        y = (np.arange(nodes_wh[1], dtype=np.float32) + 0.5) * height / nodes_wh[1] - 0.5
        width_px = radius_iod * self.iod
        # A Gaussian in x and y is the product of the two, and so is the sum over all nodes: two thin matrices.
        across = np.exp(-((x[:, None] - xy[None, :, 0]) ** 2) / (2 * width_px**2))
        down = np.exp(-((y[:, None] - xy[None, :, 1]) ** 2) / (2 * width_px**2))
        weighted = across * weight
        total = down @ weighted.T
        planes = [down @ (weighted * values[:, k]).T for k in range(values.shape[1])]
        floor = 1e-6
        fallback = np.average(values, axis=0, weights=weight)
        nodes = np.stack(
            [(plane + floor * fallback[k]) / (total + floor) for k, plane in enumerate(planes)], axis=2
        ).astype(np.float32)
        return np.asarray(cv2.resize(nodes, self.size_wh, interpolation=cv2.INTER_LINEAR), np.float32)

    def deviation(self, expected: FloatArray) -> FloatArray:
        """Return how far every pixel (h, w) is from the skin's colour."""
        return _distance(self.log - expected, _LUMA_DARK, _CHROMA, _LUMA_BRIGHT)

    def polygon(self, points: tuple[int, ...], margin_px: float) -> ByteArray:
        """Return where (h, w) uint8 the hull of some landmarks and a margin around it lie."""
        filled = np.zeros(self.log.shape[:2], np.uint8)
        hull = cv2.convexHull(np.round(self.xy[list(points)]).astype(np.int32))
        cv2.fillConvexPoly(filled, hull, 1)
        cv2.polylines(filled, [hull], True, 1, thickness=max(2 * round(margin_px) + 1, 1))
        return filled

    def features(self, beyond_px: float = 0.0) -> list[ByteArray]:
        """Return where eyes, brows and lips lie."""
        return [self.polygon(points, _FEATURE_MARGIN_IOD[name] * self.iod + beyond_px) for name, points in _FEATURES]

    def plain(self) -> ByteArray:
        """Return where (h, w) uint8 skin is to be expected: the mesh without eyes, brows and lips."""
        plain = self.oval()
        for feature in self.features():
            plain[feature > 0] = 0
        return plain

    def from_outline(self) -> FloatArray:
        """Return how far inside the outline each landmark (478,) lies: 0 on it, 1 well within."""
        outline = self.xy[list(facemesh.FACE_OVAL)]
        squared = ((self.xy[:, None] - outline[None]) ** 2).sum(axis=2).min(axis=1)
        return np.asarray(np.clip(np.sqrt(squared) / (_OUTLINE_IOD * self.iod), 0.0, 1.0), np.float32)

    def oval(self) -> ByteArray:
        """Return where (h, w) uint8 the mesh lies."""
        filled = np.zeros(self.log.shape[:2], np.uint8)
        cv2.fillPoly(filled, [np.round(self.xy[list(facemesh.FACE_OVAL)]).astype(np.int32)], 1)
        return filled


def _distance(log: FloatArray, dark: float, chroma: float, bright: float | None = None) -> FloatArray:
    """Return the size of differences (..., 3) of logarithmic colours, in units of what counts as 1."""
    red, green, blue = log[..., 0], log[..., 1], log[..., 2]
    luma = (red + green + blue) * np.float32(1 / 3)
    hue = np.maximum(np.maximum(np.abs(red - luma), np.abs(green - luma)), np.abs(blue - luma))
    scale = np.where(luma < 0, np.float32(1 / dark), np.float32(1 / (bright or dark)))
    luma *= scale
    hue *= np.float32(1 / chroma)
    return np.asarray(np.sqrt(luma * luma + hue * hue), np.float32)


def _near_maximum(deviation: FloatArray, view: _View) -> FloatArray:
    """Return the largest deviation around each landmark (478,)."""
    reach = 2 * round(_TOLERANCE_IOD * view.iod) + 1
    highest = cv2.dilate(deviation, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    at = np.round(view.xy).astype(int)
    x = at[:, 0].clip(0, view.size_wh[0] - 1)
    y = at[:, 1].clip(0, view.size_wh[1] - 1)
    return np.asarray(highest[y, x], np.float32)


def _regions(deviation: FloatArray, before: FloatArray | None, view: _View) -> FloatArray:
    """Return the covered places (h, w), 0 or 1, inside the mesh."""
    oval = view.oval()
    plain = oval.copy()
    features = view.features()
    for feature in features:
        plain[feature > 0] = 0
    low = _LIKELY if before is None else np.where(before > 0.3, np.float32(_KEPT), np.float32(_LIKELY))
    likely = ((deviation > low) & (plain > 0)).astype(np.uint8)
    sure = (deviation > _SURE) & (plain > 0)
    if before is not None:
        sure |= (before > 0.5) & (likely > 0)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(likely, connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[sure])] = True
    keep &= stats[:, cv2.CC_STAT_AREA] > _LEAST_AREA_IOD2 * view.iod**2
    keep[0] = False
    covered = keep[labels].astype(np.float32)
    if keep.any():
        for feature, wider in zip(features, view.features(_RING_PX), strict=True):
            around = (wider > feature) & (oval > 0)
            if around.any() and covered[around].mean() > _RING:
                covered[(feature > 0) & (oval > 0)] = 1.0
    return covered
