"""Both videos over time: do the pictures follow the skin, does the affected side stay, does light flicker?

in: a conversion, its frames in order -> out: `TemporalMeasures`, figures.  Must not: hold more than two frames of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import Box, ByteArray, FloatArray, Side
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.inputs import Conversion
from afet_video.face.pose import STABLE, align
from afet_video.metrics.flow import Mask, followed, mesh_flow, picture_flow, warping_error
from afet_video.metrics.steadiness import jitter
from afet_video.splice.alpha import SpliceSettings, alpha_field
from afet_video.splice.mesh import build_mesh

_CROP_PX = 256
"""Longer side of the face's crop in which motion is looked at: finer detail is noise to optical flow."""

_LIGHT_SPREAD_PX = 3.0
_WARPING_TARGET, _FLICKER_TARGET = 1.1, 1.1
_MOVING_SHARE = 3.0
_FEWEST_PAIRS = 4
_MOST_ALPHA = 0.8

_WARPING = (
    "Mean squared difference of luma (levels²) between a frame and the next one pulled back along {flow}, {where}, "
    "result over source (Lai et al. 2018; source {source:.2f})."
)
_FLICKER = (
    "RMS second difference over time of blurred luma at the {which} side's landmarks, which follow the skin, result "
    "over source (source {source:.3f} levels)."
)
_STILLNESS = (
    "Mean optical flow of the affected half beyond the ramp that head and jaw (by the track) do not explain, result "
    "over source, over pairs of frames in which the source's half moves clearly. Beside it: what flow measures of a "
    "still half."
)


@dataclass(slots=True)
class TemporalMeasures:
    """Sums over pairs of frames. Each error: [squared sum of source, pixels, squared sum of result, pixels].

    `motion`: first frame, then mean flow beyond head and jaw (source, result) of the affected half, a pair a row;
    `light`: luma at landmarks (N,) of source and result, a frame a row.
    """

    healthy: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    affected: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    pairs: int = 0
    motion: list[tuple[int, float, float]] = field(default_factory=list)
    light: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    _mesh: NDArray[np.int32] | None = None
    _last: tuple[int, ByteArray, ByteArray] | None = None

    def add(self, conversion: Conversion, index: int, before: ByteArray, after: ByteArray) -> None:
        """Add a frame: its number, and grey pictures (H, W) of source and result."""
        self.light.append(_light(conversion, index, before, after))
        last, self._last = self._last, (index, before, after)
        if last is None or not _has_faces(conversion, index, last[0]):
            return
        if self._mesh is None:
            self._mesh = build_mesh(conversion.source_xyz[index])
        pair = _Pair(conversion, last, (index, before, after), self._mesh)
        self.pairs += 1
        self.healthy += pair.healthy_error()
        self.affected += pair.affected_error()
        self.motion.append((last[0], *pair.own_motion()))


class _Pair:
    """Two frames in a row, cut out around the face and brought to one size."""

    def __init__(
        self,
        conversion: Conversion,
        first: tuple[int, ByteArray, ByteArray],
        second: tuple[int, ByteArray, ByteArray],
        mesh: NDArray[np.int32],
    ) -> None:
        index, following = first[0], second[0]
        self._xyz = _two(conversion.source_xyz, index, following)
        self._out = _two(conversion.output_xyz, index, following)
        self._carried = _carried(conversion, index, following, self._xyz, self._out)
        box = _around([*self._xyz, *self._out], conversion.source.info.size_wh)
        self._scale = _CROP_PX / max(box.size_wh)
        self._origin = np.array([box.x0, box.y0], np.float64)
        self._mesh = mesh
        self._source = (self._cut(first[1], box), self._cut(second[1], box))
        self._result = (self._cut(first[2], box), self._cut(second[2], box))
        self._shape = (self._source[0].shape[0], self._source[0].shape[1])
        self._flow = picture_flow(*self._source)
        self._halves = self._sides(conversion, index)
        outer = self._xyz[0][[facemesh.LEFT_EYE_OUTER, facemesh.RIGHT_EYE_OUTER]]
        self._iod_px = float(np.linalg.norm(outer[0] - outer[1])) * self._scale

    def _cut(self, gray: ByteArray, box: Box) -> ByteArray:
        part = gray[box.y0 : box.y1, box.x0 : box.x1]
        way = cv2.INTER_AREA if self._scale < 1 else cv2.INTER_LINEAR
        return cv2.resize(part, None, fx=self._scale, fy=self._scale, interpolation=way).astype(np.uint8)

    def _in_crop(self, xyz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((xyz[: facemesh.SKIN_COUNT, :2] - self._origin + 0.5) * self._scale - 0.5, np.float64)

    def _sides(self, conversion: Conversion, index: int) -> tuple[Mask, Mask]:
        """Return healthy and affected half without eyes and mouth, whose insides do not go with the skin."""
        midline = conversion.midline(index)
        assert midline is not None
        inside, hidden = (np.zeros(self._shape, np.uint8) for _ in range(2))
        for xyz in (self._xyz[0], self._out[0]):
            points = self._in_crop(xyz)
            for ring in (facemesh.LEFT_EYE, facemesh.RIGHT_EYE, facemesh.LIPS_INNER):
                cv2.fillPoly(hidden, [np.round(points[list(ring)]).astype(np.int32)], 1)
        oval = self._in_crop(self._xyz[0])[list(facemesh.FACE_OVAL)]
        cv2.fillPoly(inside, [np.round(oval).astype(np.int32)], 1)
        skin = (inside > 0) & (cv2.dilate(hidden, np.ones((5, 5), np.uint8)) == 0)
        y, x = np.mgrid[0 : self._shape[0], 0 : self._shape[1]].astype(np.float64)
        x, y = (x + 0.5) / self._scale - 0.5 + self._origin[0], (y + 0.5) / self._scale - 0.5 + self._origin[1]
        # beyond the smooth ramp, where both halves show their own movement in full
        width = SpliceSettings(ramp_width=conversion.made.splice.ramp_width)
        ramp = alpha_field(conversion.source_xyz[index], midline, conversion.side, width)
        across = ramp.direction * (x - midline.x_at(y))
        return skin & (across >= ramp.stop), skin & (across <= -ramp.stop)

    def healthy_error(self) -> NDArray[np.float64]:
        mask = self._halves[0] & followed(self._flow, picture_flow(self._source[1], self._source[0]))
        return np.array(
            [value for two in (self._source, self._result) for value in warping_error(*two, self._flow, mask)]
        )

    def affected_error(self) -> NDArray[np.float64]:
        values: list[float] = []
        for pictures, points in ((self._source, self._xyz), (self._result, self._out)):
            flow, inside = mesh_flow(self._in_crop(points[0]), self._in_crop(points[1]), self._mesh, self._shape)
            values += warping_error(*pictures, flow, self._halves[1] & inside)
        return np.array(values)

    def own_motion(self) -> tuple[float, float]:
        """Return the mean flow of the affected half beyond what the head's movement makes, source and result."""
        found = []
        for pictures, points in ((self._source, self._xyz), (self._result, self._out)):
            flow = self._flow if pictures is self._source else picture_flow(*pictures)
            carried, inside = mesh_flow(
                self._in_crop(points[0]), self._in_crop(points[0] + self._carried), self._mesh, self._shape
            )
            mask = self._halves[1] & inside
            own = np.linalg.norm((flow - carried)[mask], axis=1)
            found.append(float(own.mean()) / self._iod_px if len(own) else float("nan"))
        return found[0], found[1]


def _two(xyz: FloatArray, first: int, second: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return xyz[first].astype(np.float64), xyz[second].astype(np.float64)


def _carried(
    conversion: Conversion,
    first: int,
    second: int,
    xyz: tuple[NDArray[np.float64], NDArray[np.float64]],
    out: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return how far (478, 3) each landmark moves without facial muscles: with the head and the jaw.

    The track tells: out = rest + alpha (source - rest). Where alpha hides rest, the head's own movement is taken.
    """
    head = align(xyz[0].astype(np.float32), xyz[1].astype(np.float32), STABLE)
    moved = head.apply(xyz[0]) - xyz[0]
    if conversion.tracks.alpha is None:
        return moved
    alpha = conversion.tracks.alpha[[first, second], :, None].astype(np.float64)
    told = (alpha < _MOST_ALPHA).all(axis=0) & np.isfinite(alpha).all(axis=0)
    rest = [(o - a * s) / np.maximum(1.0 - a, 1.0 - _MOST_ALPHA) for o, a, s in zip(out, alpha, xyz, strict=True)]
    return np.where(told, rest[1] - rest[0], moved)


def _has_faces(conversion: Conversion, *frames: int) -> bool:
    return all(
        conversion.midline(k) is not None
        and bool(np.isfinite(conversion.source_xyz[k]).all() and np.isfinite(conversion.output_xyz[k]).all())
        for k in frames
    )


def _around(faces: list[NDArray[np.float64]], size_wh: tuple[int, int]) -> Box:
    points = np.concatenate([face[:, :2] for face in faces])
    x0, y0 = (max(int(np.floor(v)) - 4, 0) for v in points.min(axis=0))
    x1, y1 = (min(int(np.ceil(v)) + 5, limit) for v, limit in zip(points.max(axis=0), size_wh, strict=True))
    return Box(min(x0, size_wh[0] - 2), min(y0, size_wh[1] - 2), max(x1, x0 + 2), max(y1, y0 + 2))


def _light(conversion: Conversion, index: int, before: ByteArray, after: ByteArray) -> tuple[FloatArray, FloatArray]:
    """Return blurred luma at the skin's landmarks in both pictures, NaN without a face or outside the picture."""
    nothing = np.full(facemesh.SKIN_COUNT, np.nan, np.float32)
    if not _has_faces(conversion, index):
        return nothing, nothing
    values = []
    for gray, xyz in ((before, conversion.source_xyz[index]), (after, conversion.output_xyz[index])):
        points = xyz[: facemesh.SKIN_COUNT, :2].astype(np.float64)
        box = _around([points], conversion.source.info.size_wh)
        scale = _CROP_PX / max(box.size_wh)
        part = cv2.GaussianBlur(
            gray[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32), (0, 0), _LIGHT_SPREAD_PX / scale
        )
        flow = (points - (box.x0, box.y0)).astype(np.float32)
        inside = ((points >= 0) & (points < conversion.source.info.size_wh)).all(axis=1)
        picked = cv2.remap(part, flow[:, 0], flow[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).ravel()
        values.append(np.where(inside, picked, np.nan).astype(np.float32))
    return values[0], values[1]


def temporal_figures(conversion: Conversion, measures: TemporalMeasures) -> Iterator[Figure]:
    """Yield warping error, stillness and flicker."""
    yield _warping("healthy half", measures.healthy, measures.pairs, "the source's optical flow")
    yield _warping("affected half", measures.affected, measures.pairs, "the flow of each video's own landmark mesh")
    yield from _stillness(conversion, measures)
    yield from _flicker(conversion, measures)


def _warping(where: str, sums: NDArray[np.float64], pairs: int, flow: str) -> Figure:
    source, result = (float(a / n) if n else float("nan") for a, n in ((sums[0], sums[1]), (sums[2], sums[3])))
    value = number(result / source) if source > 0 else None
    note = "" if value is not None else "no two frames in a row show a face that can be compared"
    definition = _WARPING.format(
        flow=flow, where=f"on the {where} beyond the ramp, without eyes and mouth", source=source
    )
    return Figure(
        *("warping error", where, value, "x", pairs, "pairs", definition, (None, _WARPING_TARGET)), note=note, floor=1.0
    )


def _stillness(conversion: Conversion, measures: TemporalMeasures) -> Iterator[Figure]:
    part = "stillness"
    rows = np.array(measures.motion, np.float64).reshape(-1, 3)
    rows = rows[np.isfinite(rows).all(axis=1)]
    frames, motion = rows[:, 0].astype(np.intp), rows[:, 1:]
    resting = motion[conversion.rest[frames] & conversion.rest[frames + 1], 0]
    calm = resting if len(resting) >= _FEWEST_PAIRS else np.sort(motion[:, 0])[: max(len(motion) // 5, 1)]
    quiet = float(np.median(calm)) if len(calm) else float("nan")
    moving = motion[:, 0] > _MOVING_SHARE * quiet
    kept = float(np.mean(conversion.made.profile.kept))
    if moving.sum() < _FEWEST_PAIRS:
        why = f"the source's affected half moves clearly in {int(moving.sum())} pairs of frames only"
        yield Figure(part, "affected half", None, "x", int(moving.sum()), "pairs", _STILLNESS, note=why)
        return
    before, after = motion[moving].mean(axis=0)
    note = f"asked for {kept:.2f} on average"
    if kept < 1:
        note += "; no target: shading that moves counts too, so that the exact answer of a rendered head has 0.4"
    yield Figure(
        *(part, "affected half", number(after / before), "x", int(moving.sum()), "pairs", _STILLNESS),
        note=note,
        floor=number(quiet / before),
    )


def _flicker(conversion: Conversion, measures: TemporalMeasures) -> Iterator[Figure]:
    before, after = (np.array([light[k] for light in measures.light], np.float32) for k in (0, 1))
    for name, side in (("healthy half", conversion.side.other), ("affected half", conversion.side)):
        points = side_points(side)
        value, n, source = None, 0, float("nan")
        if len(before) >= 3:
            (source, n), (result, _) = (jitter_of(values[:, points]) for values in (before, after))
            value = number(result / source) if source > 0 else None
        note = "" if value is not None else "no three frames in a row show the face"
        definition = _FLICKER.format(which=name.partition(" ")[0], source=source)
        yield Figure(
            "flicker", name, value, "x", n, "frames", definition, (None, _FLICKER_TARGET), note=note, floor=1.0
        )


def jitter_of(values: FloatArray) -> tuple[float, int]:
    """Return the RMS second difference of (T, N) values over all frames that have them, and of how many frames."""
    return jitter(values[..., None].astype(np.float64), np.asarray(np.isfinite(values).all(axis=1), bool))


def side_points(side: Side) -> NDArray[np.intp]:
    """Return the skin landmarks of a half; of each pair of twins the right half has the one with the smaller number."""
    right = [i for i in range(facemesh.SKIN_COUNT) if i < facemesh.TWIN[i]]
    return np.array(sorted(facemesh.TWIN[right].tolist()) if side is Side.LEFT else right, np.intp)
