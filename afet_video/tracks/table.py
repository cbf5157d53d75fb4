"""What a landmark track holds: its columns, and the whole table in memory.

in: rows and columns -> out: `Tracks`.  Must not: know a file format.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import BLENDSHAPE_COUNT, LANDMARK_COUNT, ZONES, FaceStatus, Pose, Side, Timestamp, TrackRow
from afet_video.errors import TrackFileError
from afet_video.facemesh import BLENDSHAPES, IBUG68

SCHEMA_VERSION = 1
"""Raised when a reader of the version before would misread the file; a new column alone does not raise it."""

IBUG_COUNT = len(IBUG68)
_IBUG68 = np.asarray(IBUG68, np.intp)

_ROW_ARRAYS = ("kept", "source_xyz", "output_xyz", "alpha", "blendshapes", "midline_y", "midline_x")
"""What a `TrackRow` and `Tracks` both hold as arrays under one name."""

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a track: its NumPy type, the shape of one row's value (None = K midline samples), its meaning."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    doc: str

    @property
    def is_midline(self) -> bool:
        """Whether a row's length is only known from the data."""
        return self.shape == (None,)


_XYZ = (LANDMARK_COUNT, 3)
_XY68 = (IBUG_COUNT, 2)

COLUMNS: tuple[Column, ...] = (
    Column("index", "int64", (), "decoded frame, from 0"),
    Column("pts", "int64", (), "presentation time in ticks of time_base"),
    Column("seconds", "float64", (), "pts * time_base, rounded to a double"),
    Column("status", "str", (), "detected, reduced (strength below 1), interpolated, held or missing"),
    Column("face_id", "int64", (), "number of the person, from 0; -1 = none"),
    Column("shot", "int64", (), "number of the shot, from 0: what lies between two cuts"),
    Column("side", "str", (), "affected side, the subject's own: left or right"),
    Column("movement_kept", "float64", (), "share of the movement that the affected side keeps, 0..1"),
    Column("kept", "float32", (len(ZONES),), "the same zone by zone, 0..1, in the order of zone_names"),
    Column("strength", "float64", (), "share of the palsy that the frame shows, 0..1; 0 without a face"),
    Column("source_xyz", "float32", _XYZ, "landmarks of the source, (478, 3) row-major"),
    Column("output_xyz", "float32", _XYZ, "landmarks of the output, from the warp itself (not re-detected), (478, 3)"),
    Column("source_xy68", "float32", _XY68, "68-point subset of source_xyz, (68, 2) row-major"),
    Column("output_xy68", "float32", _XY68, "68-point subset of output_xyz, (68, 2) row-major"),
    Column("alpha", "float32", (LANDMARK_COUNT,), "share of each landmark's movement that the output shows, 0..1"),
    Column(
        "blendshapes", "float32", (BLENDSHAPE_COUNT,), "scores of the source, 0..1, in the order of blendshape_names"
    ),
    Column("yaw_deg", "float64", (), "head pose: > 0 turns to the subject's own left"),
    Column("pitch_deg", "float64", (), "head pose: > 0 looks up"),
    Column("roll_deg", "float64", (), "head pose: > 0 tilts to the subject's own right shoulder"),
    Column("midline_y", "float32", (None,), "rows of the facial midline's samples"),
    Column("midline_x", "float32", (None,), "columns of the facial midline's samples"),
    Column("neutral_index", "int64", (), "frame whose pixels served as neutral, -1 = none"),
)
"""The columns of the Parquet and NPZ files, in order."""

LATER = frozenset({"shot"})
"""Columns that the first files did not have; where they are absent they are None in `Tracks`."""


def file_metadata(source_type: str) -> dict[str, str]:
    """Return what every track file says of itself, as text; `source_type` is IPTC's URL."""
    return {
        "format": "afet-video tracks",
        "schema_version": str(SCHEMA_VERSION),
        "synthetic": "true",
        "digital_source_type": source_type,
        "frame_of_reference": "pixels of the upright frame, x right, y down, an integer is a pixel centre; "
        "z in the same scale, smaller is nearer to the camera",
        "side_convention": "left and right are the subject's own",
        "landmark_order": "MediaPipe Face Landmarker: 468 points of the face mesh, then 5 of the subject's right iris "
        "and 5 of the left one",
        "landmark_order_68": json.dumps(list(map(int, IBUG68))),
        "blendshape_names": json.dumps(list(BLENDSHAPES)),
        "zone_names": json.dumps(list(ZONES)),
        "columns": json.dumps({column.name: column.doc for column in COLUMNS}),
    }


def row_values(row: TrackRow) -> dict[str, Any]:
    """Return the value of every column for one row: numbers, text and arrays of the column's shape (NaN = missing)."""
    return {
        "index": row.index,
        "pts": row.timestamp.pts,
        "seconds": float(row.timestamp.seconds),
        "status": row.status.value,
        "face_id": row.face_id,
        "shot": row.shot,
        "side": row.side.value,
        "movement_kept": float(row.movement_kept),
        "kept": row.kept,
        "strength": float(row.strength),
        "source_xyz": row.source_xyz,
        "output_xyz": row.output_xyz,
        "source_xy68": row.source_xyz[_IBUG68, :2],
        "output_xy68": row.output_xyz[_IBUG68, :2],
        "alpha": row.alpha,
        "blendshapes": row.blendshapes,
        "yaw_deg": float(row.pose.yaw_deg),
        "pitch_deg": float(row.pose.pitch_deg),
        "roll_deg": float(row.pose.roll_deg),
        "midline_y": row.midline_y,
        "midline_x": row.midline_x,
        "neutral_index": row.neutral_index,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """A whole landmark track: one row for every decoded frame and person in it, or without a face, T in all.

    Where one person is followed that is one row for every decoded frame.
    Arrays: `index`, `pts`, `face_id`, `shot`, `neutral_index` (T,) int64; `seconds`, `movement_kept`, `strength`
    (T,) float64; `status`, `side` (T,) text; `kept` (T, 5): brow, eye, cheek, commissure, lower lip; `source_xyz`,
    `output_xyz` (T, 478, 3); `source_xy68`, `output_xy68` (T, 68, 2); `alpha` (T, 478); `blendshapes` (T, 52);
    `midline_y`, `midline_x` (T, K), all float32; `pose_deg` (T, 3) float64: yaw, pitch, roll. Frame of reference
    and signs as in `TrackRow`; NaN = missing. None: the file (CSV) does not hold it.
    `pts * time_base` is the exact time.
    """

    index: Array
    pts: Array
    time_base: Fraction
    seconds: Array
    status: Array
    face_id: Array
    shot: Array | None
    side: Array
    movement_kept: Array
    kept: Array
    strength: Array
    source_xyz: Array | None
    output_xyz: Array | None
    source_xy68: Array
    output_xy68: Array
    alpha: Array | None
    blendshapes: Array | None
    pose_deg: Array
    midline_y: Array | None
    midline_x: Array | None
    neutral_index: Array

    def __post_init__(self) -> None:
        count = len(self.index)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, np.ndarray):
                continue
            if len(value) != count:
                raise ValueError(f"Tracks.{field.name}: expected {count} rows, got shape {value.shape}")
            value.flags.writeable = False

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            parts.append(f"{field.name}{value.shape}" if isinstance(value, np.ndarray) else f"{field.name}={value}")
        return f"Tracks({', '.join(parts)})"


def build_tracks(columns: dict[str, Array], time_base: Fraction) -> Tracks:
    """Join columns by name into `Tracks`; a column of arrays, or a later one, that is absent becomes None."""
    arrays: dict[str, Any] = {column.name: columns.get(column.name) for column in COLUMNS}
    pose = [arrays.pop(name) for name in ("yaw_deg", "pitch_deg", "roll_deg")]
    return Tracks(time_base=time_base, pose_deg=np.stack(pose, axis=1), **arrays)


def track_rows(tracks: Tracks) -> Iterator[TrackRow]:
    """Yield the rows of a track, as they were written; one read from a CSV file does not hold them."""
    names = [field.name for field in dataclasses.fields(tracks) if field.name != "time_base"]
    columns = {name: getattr(tracks, name) for name in names}
    for row in range(len(tracks)):
        at = {name: column[row] for name, column in columns.items()}
        yield TrackRow(
            index=int(at["index"]),
            timestamp=Timestamp(int(at["pts"]), tracks.time_base),
            status=FaceStatus(str(at["status"])),
            face_id=int(at["face_id"]),
            side=Side(str(at["side"])),
            movement_kept=float(at["movement_kept"]),
            strength=float(at["strength"]),
            pose=Pose(*at["pose_deg"].tolist()),
            neutral_index=int(at["neutral_index"]),
            shot=int(at["shot"]),
            **{name: at[name] for name in _ROW_ARRAYS},
        )


def check_version(version: Any, path: Path) -> None:
    """Raise `TrackFileError` unless `version` (as found in the file) is one that this release reads."""
    try:
        number = int(version)
    except (TypeError, ValueError):
        raise TrackFileError(f"{path} is not a landmark track of afet-video: it carries no schema version") from None
    if number > SCHEMA_VERSION:
        raise TrackFileError(
            f"{path} was written by a newer afet-video (schema {number}, this one reads up to {SCHEMA_VERSION}): "
            "update afet-video"
        )


def check_columns(found: set[str], needed: set[str], path: Path) -> None:
    """Raise `TrackFileError` naming the columns of `needed` that `found` lacks."""
    missing = sorted(needed - found)
    if missing:
        names = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise TrackFileError(f"{path} lacks {len(missing)} column(s) of a landmark track: {names}")
