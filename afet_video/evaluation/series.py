"""What changes over time, for plots and for choosing frames.

in: a conversion and what was measured of it -> out: named arrays (T,).  Must not: decode or draw.

Names: "seconds"; "healthy, ZONE", "source, ZONE", "result, ZONE" (how far the healthy zone of the source, the affected
zone of the source and of the result are from rest, inter-ocular distances); "asymmetry, source", "asymmetry, result";
"found again" (distance of re-detection from the ground truth); "seam" (ratio); "healthy half" (grey levels); "off" (how
far the affected zones are from what was asked for, mean over zones).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ZONES, FloatArray
from afet_video.evaluation.again import redetection_error
from afet_video.evaluation.asymmetry import zone_movement
from afet_video.evaluation.heads import HeadFixed
from afet_video.evaluation.inputs import Conversion
from afet_video.metrics.clinical import resting_asymmetry
from afet_video.metrics.movement import MESH478, zone_excursion

FitArray = NDArray[np.float64]

CRITERIA = ("off", "seam", "healthy half")
"""By which frames are called best or worst: the larger, the worse."""


def time_series(
    conversion: Conversion,
    fixed: HeadFixed,
    by_frame: Mapping[int, tuple[float, float]],
    seconds: Sequence[Fraction],
    again: FloatArray,
) -> dict[str, FitArray]:
    """Return all series; `fixed`: head-fixed landmarks; `by_frame`: seam, healthy."""
    source, result = fixed.source, fixed.result
    series: dict[str, FitArray] = {"seconds": np.array([float(s) for s in seconds])}
    side, rest = conversion.side, conversion.rest
    for zone in ZONES:
        series[f"healthy, {zone}"] = zone_movement(source, zone, side.other, rest)
        series[f"source, {zone}"] = zone_movement(source, zone, side, rest)
        series[f"result, {zone}"] = zone_movement(result, zone, side, rest)
    series["asymmetry, source"], series["asymmetry, result"] = map(resting_asymmetry, (source, result))
    series["found again"] = redetection_error(again, conversion.output_xyz).astype(np.float64)
    for place, name in enumerate(("seam", "healthy half")):
        nothing = (np.nan, np.nan)
        series[name] = np.array([by_frame.get(frame, nothing)[place] for frame in range(len(rest))], np.float64)
    series["off"] = _off(conversion, *fixed.muscles)
    return series


def _off(conversion: Conversion, source: FitArray, result: FitArray) -> FitArray:
    """Return how far (T,) the affected zones are from kept times the source's movement, mean over zones."""
    away = []
    rest = conversion.rest
    for zone, kept in zip(ZONES, conversion.made.profile.kept, strict=True):
        before, after = (zone_excursion(fixed, zone, conversion.side, MESH478) for fixed in (source, result))
        good = np.isfinite(before).all(axis=1)
        calm = before[rest & good] if (rest & good).any() else before[good]
        middle = np.median(calm, axis=0) if len(calm) else np.full(before.shape[1], np.nan)
        away.append(np.linalg.norm((after - middle) - kept * (before - middle), axis=1))
    return np.asarray(np.mean(away, axis=0), np.float64)


def worst_frames(series: Mapping[str, FitArray], count: int) -> list[tuple[int, str]]:
    """Return frames and why: the worst by each criterion in turn, no two within a third of a second."""
    orders = {name: [int(k) for k in np.argsort(-np.nan_to_num(series[name], nan=-1.0))] for name in CRITERIA}
    chosen: list[tuple[int, str]] = []
    while len(chosen) < count and any(orders.values()):
        for name, order in orders.items():
            while order:
                frame = order.pop(0)
                if np.isfinite(series[name][frame]) and _is_apart(frame, chosen, series["seconds"]):
                    chosen.append((frame, name))
                    break
    return chosen[:count]


def best_frames(series: Mapping[str, FitArray], count: int) -> list[tuple[int, str]]:
    """Return the frames with the smallest mean rank over all criteria among those in which the healthy side moves."""
    ranks = np.mean([_rank(series[name]) for name in CRITERIA], axis=0)
    moving = np.nanmax([np.nan_to_num(series[f"healthy, {zone}"]) for zone in ZONES], axis=0)
    ranks = np.where(moving >= np.quantile(moving, 0.6), ranks, np.inf)
    chosen: list[tuple[int, str]] = []
    for frame in np.argsort(ranks):
        if len(chosen) < count and np.isfinite(ranks[frame]) and _is_apart(int(frame), chosen, series["seconds"]):
            chosen.append((int(frame), "all three"))
    return chosen


def _rank(values: FitArray) -> FitArray:
    rank = np.empty(len(values))
    rank[np.argsort(np.nan_to_num(values, nan=np.inf))] = np.arange(len(values))
    return rank


def _is_apart(frame: int, chosen: Sequence[tuple[int, str]], seconds: FitArray) -> bool:
    return all(abs(seconds[frame] - seconds[other]) > 1 / 3 for other, _ in chosen)
