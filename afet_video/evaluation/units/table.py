"""Action units that the user brings: tables of OpenFace, py-feat or other detectors.

in: .csv or .parquet files, one for each video and side -> out: scores.  Must not: guess what a column means.

Read are columns such as ` AU12_c` (OpenFace, 0 or 1), `AU12_r` (OpenFace, 0 to 5), `AU12` (py-feat, 0 to 1). Rows are
told by `frame`; OpenFace counts it from 1, py-feat from 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from numpy.typing import NDArray

from afet_video.errors import TrackFileError
from afet_video.evaluation.units.faces import SIDES, HalfFaces, ScoreArray, UnitScores
from afet_video.evaluation.units.names import UNITS

SUFFIXES = (".csv", ".parquet")

_COLUMN = re.compile(r"AU0*(\d+)(_c|_r)?", re.IGNORECASE)
_FROM = {"_c": 0.5, "_r": 1.0, "": 0.5}
"""From which value on a unit is active: presence, intensity (FACS level A and up), probability."""

_PREFERRED = ("_c", "", "_r")


class TableBackend:
    """Reads `source-left`, `source-right`, `result-left`, `result-right` (.csv or .parquet) from a folder.

    Each holds one row a frame of the video of mirrored half faces that `--export-halves` writes.

    Raises
    ------
    TrackFileError
        If a table is missing, cannot be read, or has no column of a unit.
    """

    title = "AU"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables = {
            (role, side): _read(_find(folder, f"{role}-{side}")) for role in ("source", "result") for side in SIDES
        }
        found = set.intersection(*(set(units) for _, units in self._tables.values()))
        if not found:
            raise TrackFileError(f"{folder}: its four tables have no action unit in common")
        missing = [unit.code for unit in UNITS if unit.number not in found]
        self.note = f"AUs from the tables in {folder}, as their detector gave them for mirrored half faces."
        if missing:
            self.note += f" Without {', '.join(missing)}, which not all tables have."
        self._known = found

    def scores(self, source: HalfFaces, result: HalfFaces) -> tuple[UnitScores, UnitScores]:
        """Return the scores of both videos, 1 = active, 0 = not, NaN where a table has no row or no value."""
        return self._of(source), self._of(result)

    def _of(self, video: HalfFaces) -> UnitScores:
        scores: ScoreArray = np.full((len(video.frames), len(SIDES), len(UNITS)), np.nan)
        for number, side in enumerate(SIDES):
            rows, units = self._tables[video.role, side]
            for column, unit in enumerate(UNITS):
                if unit.number in self._known:
                    values = units[unit.number]
                    scores[:, number, column] = [values.get(rows, frame) for frame in video.frames]
        if not np.isfinite(scores).any():
            raise TrackFileError(f"{self._folder}: the {video.role}'s tables have no value for any frame of the video")
        return UnitScores(scores, np.full(len(UNITS), 0.5))


class _Column:
    """Values of one unit by frame, 1 = active."""

    def __init__(self, values: NDArray[np.float64], limit: float) -> None:
        self._active = np.where(np.isfinite(values), (values >= limit).astype(np.float64), np.nan)

    def get(self, rows: Mapping[int, int], frame: int) -> float:
        row = rows.get(frame)
        return float("nan") if row is None else float(self._active[row])


def _find(folder: Path, name: str) -> Path:
    for suffix in SUFFIXES:
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    raise TrackFileError(
        f"{folder / name}.csv: no such table (nor .parquet); see --export-halves for what to detect in"
    )


def _read(path: Path) -> tuple[dict[int, int], dict[int, _Column]]:
    """Return the row of each frame (from 0), and the units."""
    try:
        table = pa_parquet.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise TrackFileError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}") from error
    units: dict[int, dict[str, int]] = {}
    frames: int | None = None
    for index, name in enumerate(table.column_names):
        found = _COLUMN.fullmatch(name.strip())
        if found:
            units.setdefault(int(found[1]), {})[(found[2] or "").lower()] = index
        elif name.strip().lower() == "frame":
            frames = index
    if not units:
        raise TrackFileError(f"{path} has no column of an action unit such as AU12, AU12_c or AU12_r")
    is_openface = any("_c" in kinds or "_r" in kinds for kinds in units.values())
    rows = _rows(table, frames, 1 if is_openface else 0)
    return rows, {unit: _column(table, kinds, path) for unit, kinds in units.items()}


def _rows(table: pa.Table, frames: int | None, first: int) -> dict[int, int]:
    if frames is None:
        return {row: row for row in range(table.num_rows)}
    return {int(frame) - first: row for row, frame in enumerate(table.column(frames).to_pylist()) if frame is not None}


def _column(table: pa.Table, kinds: Mapping[str, int], path: Path) -> _Column:
    kind = next(kind for kind in _PREFERRED if kind in kinds)
    column = table.column(kinds[kind])
    try:
        values = np.array([np.nan if value is None else float(value) for value in column.to_pylist()], np.float64)
    except (TypeError, ValueError):
        raise TrackFileError(f"{path}: column {table.column_names[kinds[kind]].strip()} is not numbers") from None
    return _Column(values, _FROM[kind])
