"""The pictures of a data set, and its rows.

in: found pairs, the video once more -> out: picture files, rows.  Must not: choose pairs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Progress, ProgressCallback
from afet_video.image_files import Picture, write_picture
from afet_video.pairs.crops import CropMap, crop_map, cut_out, to_crop
from afet_video.pairs.find import FoundPair, Shown
from afet_video.pairs.rows import PICTURES, Row
from afet_video.pairs.settings import PairSettings
from afet_video.threads import prefetch
from afet_video.video.decode import VideoReader


@dataclass(frozen=True, slots=True)
class Origin:
    """Where pairs come from: the video's name and SHA-256, and whether it says of itself that it is synthetic."""

    name: str
    sha256: str
    is_synthetic: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A picture to be cut out and its file's name."""

    name: str
    mapping: CropMap


def write_pictures(
    reader: VideoReader,
    pairs: Sequence[FoundPair],
    first_number: int,
    folder: Path,
    settings: PairSettings,
    origin: Origin,
    on_progress: ProgressCallback,
) -> list[Row]:
    """Write both pictures of each pair into `folder`/pairs and return their rows; one more pass over the video."""
    cuts: dict[int, list[_Cut]] = {}
    rows = []
    for number, pair in enumerate(pairs, first_number):
        maps = []
        for role, shown in (("neutral", pair.neutral), ("expression", pair.expression)):
            maps.append(crop_map(settings.crop, shown.xyz, settings.size))
            cuts.setdefault(shown.frame, []).append(_Cut(f"{number:06d}_{role}.png", maps[-1]))
        rows.append(_row(number, pair, maps[0], maps[1], settings, origin))
    total = max(cuts, default=-1) + 1
    with contextlib.closing(prefetch(reader)) as frames:
        for frame in frames:
            if frame.index >= total:
                break
            for cut in cuts.get(frame.index, ()):
                rgb = frame.rgb()
                if settings.crop != "none":
                    rgb = cut_out(rgb, cut.mapping, settings.size)
                write_picture(folder / PICTURES / cut.name, Picture(rgb), is_synthetic=origin.is_synthetic)
            on_progress(Progress("cut", frame.index + 1, total))
    return rows


def _row(
    number: int, pair: FoundPair, neutral_map: CropMap, expression_map: CropMap, settings: PairSettings, origin: Origin
) -> Row:
    return {
        "id": f"{number:06d}",
        "source": origin.name,
        "source_sha256": origin.sha256,
        "person": pair.face_id,
        "shot": pair.shot,
        "expression_name": pair.name,
        "action_units": [asdict(unit) for unit in pair.action_units],
        "movement_iod": dict(pair.movement_iod),
        "effort": pair.effort,
        "quality": pair.quality,
        "rest_score": pair.rest_score,
        "pose_gap_deg": pair.pose_gap_deg,
        "gaze_gap": pair.gaze_gap,
        "light_gap": pair.light_gap if np.isfinite(pair.light_gap) else None,
        "time_base": str(pair.neutral.timestamp.time_base),
        "onset_seconds": pair.onset_s,
        "offset_seconds": pair.offset_s,
        "is_whole": pair.is_whole,
        "rest_start_seconds": pair.rest_start_s,
        "rest_end_seconds": pair.rest_end_s,
        "crop": settings.crop,
        "synthetic": origin.is_synthetic,
        "review": None,
        **_of_one("neutral", number, pair.neutral, neutral_map),
        **_of_one("expression", number, pair.expression, expression_map),
    }


def _of_one(role: str, number: int, shown: Shown, mapping: CropMap) -> Row:
    xyz: FloatArray = to_crop(shown.xyz, mapping)
    return {
        f"{role}_file_name": f"{number:06d}_{role}.png",
        f"{role}_sharpness": shown.sharpness,
        f"{role}_frame": shown.frame,
        f"{role}_seconds": float(shown.timestamp.seconds),
        f"{role}_pts": shown.timestamp.pts,
        f"{role}_pose_deg": list(shown.pose_deg),
        f"{role}_crop_to_frame": mapping.ravel().tolist(),
        f"{role}_landmarks": xyz.tolist(),
        f"{role}_landmarks68": xyz[list(facemesh.IBUG68), :2].tolist(),
    }
