"""The data set's table: one row a pair.

in: rows <-> out: `pairs/metadata.parquet`, which Hugging Face's ImageFolder reads, and `pairs.jsonl` for people.
Must not: know a video, or pixels.

ImageFolder takes one metadata file only, and refuses a folder in which it finds both a .parquet and a .jsonl of that
name: so the JSON lines have another name, and lie one folder up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from afet_video.errors import InputError
from afet_video.outputs import disk_errors
from afet_video.pairs.traces import ZONE_SIDES

SCHEMA_VERSION = 1
PICTURES = "pairs"
TABLE, LINES = "metadata.parquet", "pairs.jsonl"

Row = dict[str, Any]

_POINTS = pa.list_(pa.list_(pa.float32()))
_NUMBERS = pa.list_(pa.float32())
_UNIT = pa.struct([("au", pa.string()), ("name", pa.string()), ("left", pa.float32()), ("right", pa.float32())])


def _of_both(name: str, kind: pa.DataType) -> list[tuple[str, pa.DataType]]:
    return [(f"{role}_{name}", kind) for role in ("neutral", "expression")]


_FIELDS: list[tuple[str, pa.DataType]] = [
    *_of_both("file_name", pa.string()),
    ("id", pa.string()),
    ("source", pa.string()),
    ("source_sha256", pa.string()),
    ("person", pa.int32()),
    ("shot", pa.int32()),
    ("expression_name", pa.string()),
    ("action_units", pa.list_(_UNIT)),
    ("movement_iod", pa.struct([(f"{zone}_{side}", pa.float32()) for zone, side in ZONE_SIDES])),
    ("effort", pa.float32()),
    ("quality", pa.float32()),
    ("rest_score", pa.float32()),
    ("pose_gap_deg", pa.float32()),
    ("gaze_gap", pa.float32()),
    ("light_gap", pa.float32()),
    *_of_both("sharpness", pa.float32()),
    *_of_both("frame", pa.int64()),
    *_of_both("seconds", pa.float64()),
    *_of_both("pts", pa.int64()),
    ("time_base", pa.string()),
    ("onset_seconds", pa.float64()),
    ("offset_seconds", pa.float64()),
    ("is_whole", pa.bool_()),
    ("rest_start_seconds", pa.float64()),
    ("rest_end_seconds", pa.float64()),
    *_of_both("pose_deg", _NUMBERS),
    ("crop", pa.string()),
    *_of_both("crop_to_frame", pa.list_(pa.float64())),
    *_of_both("landmarks", _POINTS),
    *_of_both("landmarks68", _POINTS),
    ("synthetic", pa.bool_()),
    ("review", pa.string()),
]
_SCHEMA = pa.schema(
    [pa.field(name, kind) for name, kind in _FIELDS],
    metadata={
        "afet_schema_version": str(SCHEMA_VERSION),
        "afet_units": "pixels of the crop, x right, y down, an integer is a pixel centre; left and right are the "
        "subject's own; crop_to_frame: 2 x 3, row by row, takes (x, y, 1) of the crop to the source frame",
    },
)
_ARRAYS = tuple(name for name, kind in _FIELDS if kind == _POINTS)


def write_rows(folder: Path, rows: Sequence[Row], *, target: Path | None = None) -> None:
    """Write the table into `folder`, and the same without the landmarks as JSON lines.

    Parameters
    ----------
    folder : the data set's folder, which has a folder `pairs`; `target` is what to call it in messages.
    """
    with disk_errors((target or folder) / PICTURES / TABLE):
        pq.write_table(pa.Table.from_pylist(list(rows), schema=_SCHEMA), folder / PICTURES / TABLE)
        lines = (json.dumps(_short(row), ensure_ascii=False) for row in rows)
        (folder / LINES).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def read_rows(folder: Path) -> list[Row]:
    """Return the rows of a data set.

    Raises
    ------
    InputError
        If the folder holds none, or its table is damaged or newer than this program.
    """
    path = folder / PICTURES / TABLE
    if not path.is_file():
        raise InputError(f"{folder} holds no pairs ({path} is missing): give the folder that `afet-video pairs` wrote")
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read (damaged or cut short?): {error}") from error
    version = (table.schema.metadata or {}).get(b"afet_schema_version")
    if version is None or not version.isdigit():
        raise InputError(f"{path} is no table of `afet-video pairs`: it carries no schema version")
    if int(version) > SCHEMA_VERSION:
        raise InputError(f"{path} was written by a newer afet-video: update afet-video")
    rows: list[Row] = table.to_pylist()
    return rows


def _short(row: Row) -> Row:
    """Return a row without its long lists, its numbers no longer than they mean anything."""
    return {name: _rounded(value) for name, value in row.items() if name not in _ARRAYS}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) if value == value else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
