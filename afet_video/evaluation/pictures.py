"""Both videos side by side, frame by frame: seam, healthy half, rest, and what is outside the face.

in: a conversion -> out: `PictureMeasures`, figures.  Must not: hold more than two frames of each video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import zip_longest

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray
from afet_video.errors import InputError
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.inputs import Conversion
from afet_video.evaluation.outside import OutsideCount
from afet_video.evaluation.regions import FaceRegions, face_regions
from afet_video.evaluation.temporal import TemporalMeasures, temporal_figures
from afet_video.metrics.pictures import Differences, gradient_across, line_along
from afet_video.video.frame import StoredFrame

_SEAM_TARGET, _HEALTHY_TARGET = 1.05, 2.0
_LIVE_TARGET = (0.9, 1.1)
_REST_TARGET_DB = 40.0

_SEAM = (
    "Mean |d luma / dx| in the ramp's band around the midline, within the face, result over source of the same frame; "
    "{which} of all frames with a face."
)
_LINE = (
    "RMS step of luma across the midline, averaged along it in four stretches of rows so that texture cancels and a "
    "seam stays, in the ramp's band, result over source of the same frame; {which} of all frames with a face."
)
_HEALTHY = (
    "Absolute difference of luma between result and source on the healthy half beyond the ramp, within the face, "
    "all frames: {which}."
)
_REST = "PSNR of luma, result against source, on the affected half at rest (target: visually equal)."
_LIVE = (
    "Mean absolute change of luma from frame to frame on the affected half at rest, result over source: below 1 it is "
    "frozen, above it flickers."
)
_CHANGED = (
    "Stored samples (luma and chroma) outside the face's outline that differ; only a lossless result can prove 0."
)
_OUTSIDE = "PSNR of luma outside the face's outline (with 3 pixels of margin); inf = equal."
_INSIDE = "PSNR of luma within the face's outline, for comparison: it holds the palsy itself."


@dataclass(slots=True)
class PictureMeasures:
    """What the frames add up to. `seam`, `line`: a ratio a frame. `moved`: mean change (source, result), at rest.
    `by_frame`: the line's ratio and the healthy half's mean difference in levels, of each frame with a face.
    """

    before: list[Fraction] = field(default_factory=list)
    after: list[Fraction] = field(default_factory=list)
    seam: list[float] = field(default_factory=list)
    line: list[float] = field(default_factory=list)
    healthy: Differences = field(default_factory=Differences)
    rest: Differences = field(default_factory=Differences)
    outside: Differences = field(default_factory=Differences)
    inside: Differences = field(default_factory=Differences)
    stored: OutsideCount = field(default_factory=OutsideCount)
    moved: list[tuple[float, float]] = field(default_factory=list)
    by_frame: dict[int, tuple[float, float]] = field(default_factory=dict)
    temporal: TemporalMeasures = field(default_factory=TemporalMeasures)


def measure_pictures(conversion: Conversion, on_frame: Callable[[], None]) -> PictureMeasures:
    """Read both videos once.

    Raises
    ------
    InputError
        If they, or the track, have different numbers of frames.
    """
    measures = PictureMeasures()
    last: tuple[ByteArray, ByteArray] | None = None
    counts = [0, 0]
    for before, after in zip_longest(conversion.source, conversion.result):
        counts[0] += before is not None
        counts[1] += after is not None
        if before is None or after is None or before.index >= len(conversion.tracks):
            continue
        measures.before.append(before.timestamp.seconds)
        measures.after.append(after.timestamp.seconds)
        grays = (_gray(before), _gray(after))
        _add_frame(measures, conversion, before, after, grays, last)
        measures.temporal.add(conversion, before.index, *grays)
        last = grays
        on_frame()
    _check_counts(conversion, *counts)
    return measures


def _check_counts(conversion: Conversion, source: int, result: int) -> None:
    if source != result:
        raise InputError(
            f"{conversion.result.path} has {result} frames, {conversion.source.path} has {source}: "
            "these are not source and result"
        )
    if len(conversion.tracks) != source:
        raise InputError(
            f"{conversion.tracks_path} has {len(conversion.tracks)} rows, the videos have {source} frames: "
            "name the result's own track with --tracks"
        )


def _gray(frame: StoredFrame) -> ByteArray:
    return cv2.cvtColor(frame.rgb(), cv2.COLOR_RGB2GRAY).astype(np.uint8)


def _add_frame(
    measures: PictureMeasures,
    conversion: Conversion,
    before: StoredFrame,
    after: StoredFrame,
    grays: tuple[ByteArray, ByteArray],
    last: tuple[ByteArray, ByteArray] | None,
) -> None:
    index = before.index
    regions = face_regions(conversion, index)
    outside: NDArray[np.bool_] = np.ones(grays[0].shape, bool)
    if regions is not None:
        box = regions.box
        where = (slice(box.y0, box.y1), slice(box.x0, box.x1))
        outside[where] = ~regions.touched
        one, other = grays[0][where], grays[1][where]
        measures.inside.add(one, other, regions.touched)
        measures.healthy.add(one, other, regions.healthy)
        line = _add_seam(measures, regions, one, other)
        healthy = np.abs(one[regions.healthy].astype(np.int16) - other[regions.healthy])
        measures.by_frame[index] = line, float(healthy.mean()) if len(healthy) else float("nan")
        if conversion.rest[index]:
            measures.rest.add(one, other, regions.affected)
            if last is not None and conversion.rest[index - 1]:
                measures.moved.append(_change(regions, (one, other), (last[0][where], last[1][where])))
    measures.outside.add(*grays, outside)
    measures.stored.add(before, after, outside)


def _add_seam(measures: PictureMeasures, regions: FaceRegions, one: ByteArray, other: ByteArray) -> float:
    """Add the frame's ratios and return the line's, NaN where it has none."""
    pair = [gray.astype(np.float32) for gray in (one, other)]
    for ratios, values in (
        (measures.seam, [gradient_across(gray, regions.band) for gray in pair]),
        (measures.line, [line_along(gray, regions.across, regions.band) for gray in pair]),
    ):
        if np.isfinite(values).all() and values[0] > 0:
            ratios.append(values[1] / values[0])
    return values[1] / values[0] if np.isfinite(values).all() and values[0] > 0 else float("nan")


def _change(
    regions: FaceRegions, now: tuple[ByteArray, ByteArray], before: tuple[ByteArray, ByteArray]
) -> tuple[float, float]:
    both = [
        float(np.abs(a[regions.affected].astype(np.int16) - b[regions.affected]).mean())
        for a, b in zip(now, before, strict=True)
    ]
    return both[0], both[1]


def picture_figures(conversion: Conversion, measures: PictureMeasures) -> Iterator[Figure]:
    """Yield the figures in the order seam, healthy half, rest, over time, outside."""
    yield from _seam_figures(measures)
    yield from _healthy_figures(conversion, measures.healthy)
    yield from _rest_figures(conversion, measures)
    yield from temporal_figures(conversion, measures.temporal)
    yield from _outside_figures(conversion, measures)


def _seam_figures(measures: PictureMeasures) -> Iterator[Figure]:
    for kind, ratios, definition in (("gradient", measures.seam, _SEAM), ("line", measures.line, _LINE)):
        for name, share in (("median", 0.5), ("95th percentile", 0.95)):
            yield Figure(
                "seam",
                f"{kind}, {name}",
                number(float(np.quantile(ratios, share))) if ratios else None,
                "x",
                len(ratios),
                "frames",
                definition.format(which=name),
                (None, _SEAM_TARGET),
                note="" if ratios else "no frame has a face with a midline",
            )


def _healthy_figures(conversion: Conversion, healthy: Differences) -> Iterator[Figure]:
    values = (("largest", healthy.largest), ("99.9th percentile", healthy.quantile(0.999)), ("mean", healthy.mean))
    note = "" if healthy.samples else "no pixel lies beyond the ramp: a linear ramp reaches to the face's edge"
    lossless = _is_lossless(conversion)
    if healthy.samples and not lossless:
        note = "the encoding's loss included: no target but for a lossless result"
    for name, value in values:
        target = (None, _HEALTHY_TARGET if lossless and name != "mean" else None)
        definition = _HEALTHY.format(which=name)
        yield Figure(
            "healthy half", name, number(value), "levels", healthy.samples, "pixels", definition, target, note=note
        )


def _rest_figures(conversion: Conversion, measures: PictureMeasures) -> Iterator[Figure]:
    has_droop = conversion.made.profile.droop > 0
    note = "" if measures.rest.samples else "no frame is at rest"
    if has_droop:
        note = "the profile's droop changes the face at rest: no target"
    target = (None if has_droop else _REST_TARGET_DB, None)
    n = measures.rest.frames
    yield Figure(
        "rest", "result against source", number(measures.rest.psnr_db), "dB", n, "frames", _REST, target, note=note
    )
    before, after = (sum(values) for values in zip(*measures.moved, strict=True)) if measures.moved else (0.0, 0.0)
    value = number(after / before) if before > 0 else None
    why = "" if measures.moved else "no two frames in a row are at rest"
    yield Figure("rest", "liveness", value, "x", len(measures.moved), "frames", _LIVE, _LIVE_TARGET, note=why)


def _outside_figures(conversion: Conversion, measures: PictureMeasures) -> Iterator[Figure]:
    stored, part = measures.stored, "outside the face"
    changed: int | None = stored.changed
    note, target = "", (None, 0.0)
    if stored.other_format:
        changed, note = None, "source and result store their pictures differently"
    elif not _is_lossless(conversion):
        changed, note = None, "only a lossless result (convert --lossless) can prove it"
    yield Figure(part, "samples changed", changed, "", stored.samples, "samples", _CHANGED, target, note=note)
    for name, differences, definition in (
        ("outside", measures.outside, _OUTSIDE),
        ("inside", measures.inside, _INSIDE),
    ):
        yield Figure(part, f"PSNR {name}", number(differences.psnr_db), "dB", differences.samples, "pixels", definition)


def _is_lossless(conversion: Conversion) -> bool:
    return conversion.made.lossless or conversion.result.info.codec == "ffv1"
