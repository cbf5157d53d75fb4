"""Tracks as text, under OpenFace's column names, for the tools that read OpenFace's files.

in: `TrackRow` values <-> out: .csv.  Must not: fill a column of OpenFace's with what is not known.

OpenFace's columns come first: `frame` (counts from 1), `face_id`, `timestamp` (seconds), `confidence`, `success`, then
`x_0..x_67, y_0..y_67`: the 68 points of the *output*. Ours follow, prefixed: `afet_...`, and `source_x_0..source_y_67`
for the 68 points of the source. Points have four decimals; a missing value is an empty field (NaN in pandas).

`success` is 1 where the points were detected or interpolated, 0 where they are held or missing. `confidence` is no
detector's score (MediaPipe gives none for a frame): 1 detected, 0.75 reduced (detected, but the palsy is shown in part:
the view is near profile, say), 0.5 interpolated, 0 otherwise; so the customary filter `confidence > 0.8` keeps the
frames that were measured and show the palsy in full. Gaze, 3-D, `pose_*` and action-unit columns are left out: their
conventions (camera model, millimeters, trained scales) are OpenFace's own. Head pose is in `afet_yaw_deg` and so on.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from afet_video.datatypes import ZONES, FaceStatus
from afet_video.errors import TrackFileError
from afet_video.tracks.table import (
    IBUG_COUNT,
    LATER,
    SCHEMA_VERSION,
    Array,
    Tracks,
    build_tracks,
    check_columns,
    check_version,
)
from afet_video.tracks.writer import TrackWriter

_CONFIDENCE = {
    FaceStatus.DETECTED: 1.0,
    FaceStatus.REDUCED: 0.75,
    FaceStatus.INTERPOLATED: 0.5,
    FaceStatus.HELD: 0.0,
    FaceStatus.MISSING: 0.0,
}


def _names(prefix: str) -> list[str]:
    return [f"{prefix}{axis}_{i}" for axis in "xy" for i in range(IBUG_COUNT)]


_OPENFACE = ["frame", "face_id", "timestamp", "confidence", "success", *_names("")]
_WHOLE = (
    "afet_schema_version",
    "afet_pts",
    "afet_time_base_num",
    "afet_time_base_den",
    "afet_neutral_index",
    "afet_shot",
)
_KEPT = tuple(f"afet_kept_{zone}" for zone in ZONES)
_REAL = ("afet_movement_kept", *_KEPT, "afet_strength", "afet_yaw_deg", "afet_pitch_deg", "afet_roll_deg")
_TEXT = ("afet_status", "afet_side", "afet_synthetic")
_OURS = [*_WHOLE, *_REAL, *_TEXT, *_names("source_")]

_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys([*_OPENFACE, *_OURS], pa.float64()),
    **dict.fromkeys(["frame", "face_id", *_WHOLE], pa.int64()),
    **dict.fromkeys(_TEXT, pa.string()),
}


def _format(values: Iterable[float], decimals: int) -> list[str]:
    """Return fixed-point text, never in scientific notation; NaN is empty."""
    return ["" if math.isnan(value) else f"{value:.{decimals}f}" for value in values]


class CsvTrackWriter(TrackWriter):
    """CSV: row by row, under OpenFace's names."""

    def _open(self) -> None:
        self._file = self._path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow([*_OPENFACE, *_OURS])

    def _append(self, values: dict[str, Any]) -> None:
        assert self._time_base is not None  # set by write()
        confidence = _CONFIDENCE[FaceStatus(values["status"])]
        ours = {
            "afet_schema_version": SCHEMA_VERSION,
            "afet_pts": values["pts"],
            "afet_time_base_num": self._time_base.numerator,
            "afet_time_base_den": self._time_base.denominator,
            "afet_neutral_index": values["neutral_index"],
            "afet_shot": values["shot"],
            "afet_status": values["status"],
            "afet_side": values["side"],
            "afet_synthetic": "true",
        }
        reals = dict(zip(_KEPT, values["kept"].tolist(), strict=True))
        reals |= {name: values[name.removeprefix("afet_")] for name in _REAL if name not in reals}
        ours.update(zip(reals, _format(reals.values(), 6), strict=True))
        self._csv.writerow(
            [
                values["index"] + 1,
                values["face_id"],
                *_format([values["seconds"]], 6),
                confidence,
                int(confidence > 0),
                *_format(values["output_xy68"].T.ravel().tolist(), 4),
                *(ours[name] for name in (*_WHOLE, *_REAL, *_TEXT)),
                *_format(values["source_xy68"].T.ravel().tolist(), 4),
            ]
        )

    def _finish(self, time_base: Fraction) -> None:
        self._file.flush()

    def _release(self) -> None:
        self._file.close()


def load_csv(path: Path) -> Tracks:
    """Read a .csv track of ours back; what a CSV does not hold is None.

    Raises
    ------
    TrackFileError
        If the file is not a track, is damaged, or comes from a newer schema.
    """
    options = pa_csv.ConvertOptions(column_types=_TYPES, strings_can_be_null=False)
    try:
        table = pa_csv.read_csv(str(path), convert_options=options)
        found = set(table.column_names)
        check_columns(found, set(_TYPES) - {f"afet_{name}" for name in LATER}, path)
        for name in ("frame", "face_id", *_WHOLE):
            if name in found and table[name].null_count:
                raise TrackFileError(f"{path}: column {name} has empty fields")
        columns = {
            name: np.asarray(table[name].to_pylist() if name in _TEXT else table[name])
            for name in _TYPES
            if name in found
        }
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:160]
        raise TrackFileError(f"{path} cannot be read as a CSV track (damaged or cut short?): {reason}") from error
    return _tracks(columns, path)


def _points(columns: dict[str, Array], prefix: str) -> Array:
    """Return (T, 68, 2) float32."""
    flat = np.stack([columns[name] for name in _names(prefix)], axis=1)
    return np.ascontiguousarray(flat.reshape(-1, 2, IBUG_COUNT).transpose(0, 2, 1), np.float32)


def _tracks(columns: dict[str, Array], path: Path) -> Tracks:
    time_base = Fraction(1)
    if len(columns["frame"]):
        check_version(columns["afet_schema_version"].max(), path)
        denominator = int(columns["afet_time_base_den"][0])
        if denominator <= 0:
            raise TrackFileError(f"{path}: afet_time_base_den must be positive, got {denominator}")
        time_base = Fraction(int(columns["afet_time_base_num"][0]), denominator)
    ours = {
        name.removeprefix("afet_"): np.array(columns[name]) for name in (*_WHOLE, *_REAL, *_TEXT) if name in columns
    }
    ours["kept"] = np.stack([ours.pop(f"kept_{zone}") for zone in ZONES], axis=1).astype(np.float32)
    ours["index"] = columns["frame"] - 1
    ours["face_id"] = columns["face_id"].copy()
    ours["seconds"] = np.array([float(int(pts) * time_base) for pts in ours["pts"]], np.float64)
    ours["source_xy68"] = _points(columns, "source_")
    ours["output_xy68"] = _points(columns, "")
    for name in ("status", "side"):
        ours[name] = ours[name].astype(np.str_)
    return build_tracks(ours, time_base)
