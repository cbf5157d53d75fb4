"""Jitter of the affected side and of the midline, and whether the midline comes late.

in: a conversion, landmarks found again -> out: figures.  Must not: decode.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.errors import MidlineError
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.heads import FitArray
from afet_video.evaluation.inputs import Conversion
from afet_video.face.pose import interocular_px
from afet_video.metrics.steadiness import jitter, lag_frames
from afet_video.splice.midline import SAMPLES, fit_midline, head_frame, midline_points, sample_rows, to_image

_JITTER_TARGET, _MIDLINE_TARGET, _LAG_TARGET = 1.1, 0.25, 0.5
_FACE_ROWS = (-0.7, 1.2)
"""Rows of the midline that count, in inter-ocular distances below the eyes: from the forehead to the chin."""
_LEAST_MOTION_IOD = 0.02
_NO_REST = "no five frames in a row are at rest"

_JITTER = (
    "RMS second difference over time of the affected side's landmarks over frames at rest, result over source, but for "
    "the first and last two of a stretch, where movement ends and begins; {which} (source {source:.5f} inter-ocular "
    "distances)."
)
_MIDLINE = (
    "RMS second difference over time of the midline between forehead and chin in the head's frame, the track's over "
    "that of LOWESS fitted to each frame's landmarks as the detector finds them."
)
_LAG = (
    "By how many frames the midline's column comes after that of LOWESS on each frame's landmarks as detected, at the "
    "highest cross-correlation (parabola between frames)."
)


def jitter_figures(conversion: Conversion, again: FloatArray | None, floor: FloatArray | None) -> Iterator[Figure]:
    """Yield the jitter ratio by the track and by landmarks found again (T, 478, 3), None = not looked for."""
    pairs = (
        ("affected side, track", "by the track", conversion.source_xyz, conversion.output_xyz, _JITTER_TARGET),
        ("affected side, found again", "by landmarks found again in both", floor, again, _JITTER_TARGET),
    )
    points = _affected_points(conversion)
    settled = conversion.rest.copy()  # `jitter` wants two neighbours at rest, this adds the two beyond
    settled[1:] &= conversion.rest[:-1]
    settled[:-1] &= conversion.rest[1:]
    for name, which, before, after, target in pairs:
        if before is None or after is None:
            yield _ratio("jitter", name, None, 0, target, f"{_JITTER.partition(' (')[0]}.", "not looked for")
            continue
        scale = interocular_px(conversion.source_xyz)[:, None, None]
        (base, n), (ours, _) = (jitter(xyz[:, points, :2] / scale, settled) for xyz in (before, after))
        definition = _JITTER.format(which=which, source=base)
        yield _ratio("jitter", name, _over(ours, base), n, target, definition, "" if n else _NO_REST)


def midline_figures(conversion: Conversion, raw: FloatArray | None) -> Iterator[Figure]:
    """Yield jitter and lag of the midline against LOWESS on `raw` (T, 478, 3), landmarks found again in the source."""
    if raw is None:
        yield _ratio("midline", "jitter", None, 0, _MIDLINE_TARGET, _MIDLINE, "not looked for")
        return
    kept_u, kept_x = _of_track(conversion)
    raw_u, raw_x = _of_landmarks(conversion, raw)
    rows = (sample_rows() >= _FACE_ROWS[0]) & (sample_rows() <= _FACE_ROWS[1])
    everywhere = np.asarray(np.isfinite(np.hstack([kept_u, raw_u])).all(axis=1), bool)
    (ours, n), (base, _) = (jitter(u[:, rows, None], everywhere) for u in (kept_u, raw_u))
    note = "" if n else "no three frames in a row have a midline"
    yield _ratio("midline", "jitter", _over(ours, base), n, _MIDLINE_TARGET, _MIDLINE, note)
    yield _lag_figure(conversion, kept_x, raw_x)


def _lag_figure(conversion: Conversion, kept_x: FitArray, raw_x: FitArray) -> Figure:
    lag, agreement = lag_frames(kept_x, raw_x)
    motion = float(np.nanstd(raw_x) / np.nanmedian(interocular_px(conversion.source_xyz)))
    n = int((np.isfinite(kept_x) & np.isfinite(raw_x)).sum())
    value, note = number(lag), f"correlation {agreement:.3f}"
    if value is None or motion < _LEAST_MOTION_IOD:
        value, note = None, "the head hardly moves, so that a lag cannot be told"
    return Figure("midline", "lag", value, "frames", n, "frames", _LAG, (-_LAG_TARGET, _LAG_TARGET), note=note)


def _of_track(conversion: Conversion) -> tuple[FitArray, FitArray]:
    """Return the track's midline: u (T, K) in the head's frame at `sample_rows`, and its mean column (T,)."""
    count = len(conversion.tracks)
    u, x = np.full((count, SAMPLES), np.nan), np.full(count, np.nan)
    for frame in range(count):
        midline = conversion.midline(frame)
        if midline is not None:
            points = np.stack([midline.x, midline.y], axis=1)
            place = head_frame(conversion.source_xyz[frame]).to_head(points)
            u[frame] = np.interp(sample_rows(), place[:, 1], place[:, 0])
            x[frame] = midline.x.mean()
    return u, x


def _of_landmarks(conversion: Conversion, xyz: FloatArray) -> tuple[FitArray, FitArray]:
    """Return the same for LOWESS fitted to the landmarks (T, 478, 3) of each frame alone."""
    u, x = np.full((len(xyz), SAMPLES), np.nan), np.full(len(xyz), np.nan)
    for frame, face in enumerate(xyz):
        if not np.isfinite(face).all():
            continue
        head = head_frame(face)
        fitted = fit_midline(head.to_head(midline_points(face)), conversion.made.midline)
        try:
            midline = to_image(fitted, head)
        except MidlineError:
            continue
        u[frame], x[frame] = fitted, midline.x.mean()
    return u, x


def _affected_points(conversion: Conversion) -> NDArray[np.intp]:
    """Return the skin landmarks of the affected half."""
    left = set(facemesh.TWIN[np.array(_right_half())].tolist())
    chosen = left if conversion.side is Side.LEFT else set(_right_half())
    return np.array(sorted(chosen), np.intp)


def _right_half() -> list[int]:
    """Skin landmarks of the subject's right half: of each pair of twins, the one with the smaller number."""
    return [i for i in range(facemesh.SKIN_COUNT) if i < facemesh.TWIN[i]]


def _over(value: float, base: float) -> float | None:
    return number(value / base) if base > 0 else None


def _ratio(part: str, name: str, value: float | None, n: int, target: float, definition: str, note: str) -> Figure:
    return Figure(part, name, value, "x", n, "frames", definition, (None, target), note=note)
