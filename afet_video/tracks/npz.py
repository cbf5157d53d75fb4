"""Tracks for NumPy users: one .npz archive, no pickles.

in: `TrackRow` values <-> out: .npz.  Must not: hold a whole column in memory while writing.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from afet_video.datatypes import FaceStatus, Side
from afet_video.errors import TrackFileError
from afet_video.tracks.table import (
    COLUMNS,
    LATER,
    Array,
    Column,
    Tracks,
    build_tracks,
    check_columns,
    check_version,
    file_metadata,
)
from afet_video.tracks.writer import TrackWriter

_TEXT_LENGTH = max(len(word) for word in (*FaceStatus, *Side))


def _storage_type(column: Column) -> np.dtype[Any]:
    """Return the little-endian type of a column on the disk."""
    return np.dtype(f"<U{_TEXT_LENGTH}" if column.dtype == "str" else column.dtype).newbyteorder("<")


class NpzTrackWriter(TrackWriter):
    """NPZ: each column goes to a spool file beside the target, and from there into the archive."""

    def _open(self) -> None:
        prefix = f".{self._path.stem[:80]}.spool-"
        with contextlib.ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix=prefix, dir=self._path.parent, ignore_cleanup_errors=True)
            self._folder = Path(stack.enter_context(folder))
            self._spools: dict[str, IO[bytes]] = {
                column.name: stack.enter_context((self._folder / column.name).open("w+b")) for column in COLUMNS
            }
            self._archive = stack.enter_context(zipfile.ZipFile(self._path, "w", zipfile.ZIP_STORED, allowZip64=True))
            self._resources = stack.pop_all()
        self._rows_without_midline = 0

    def _append(self, values: dict[str, Any]) -> None:
        if not len(values["midline_y"]):
            if self._midline_count is None:
                self._rows_without_midline += 1
            values["midline_y"] = values["midline_x"] = np.full(self._midline_count or 0, np.nan, np.float32)
        elif self._rows_without_midline:
            # Rows from before the number of samples was known get theirs now.
            gap = np.full(self._rows_without_midline * len(values["midline_y"]), np.nan, np.float32)
            self._spools["midline_y"].write(gap.tobytes())
            self._spools["midline_x"].write(gap.tobytes())
            self._rows_without_midline = 0
        for column in COLUMNS:
            data = np.asarray(values[column.name], _storage_type(column))
            self._spools[column.name].write(data.tobytes())

    def _finish(self, time_base: Fraction) -> None:
        for column in COLUMNS:
            shape = (self._midline_count or 0,) if column.is_midline else column.shape
            self._copy_member(column, (self._rows, *shape))
        about = file_metadata(self._source_type)
        self._write_member("schema_version", np.int64(about["schema_version"]))
        self._write_member("time_base", np.array([time_base.numerator, time_base.denominator], np.int64))
        self._write_member("synthetic", np.bool_(True))
        self._write_member("about", np.str_(json.dumps(about)))
        self._archive.close()

    def _copy_member(self, column: Column, shape: tuple[int | None, ...]) -> None:
        header = {"descr": _storage_type(column).str, "fortran_order": False, "shape": shape}
        spool = self._spools[column.name]
        spool.seek(0)
        with self._archive.open(f"{column.name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            shutil.copyfileobj(spool, member, 1 << 20)
        # Given back at once: the disk holds the track twice only one column at a time.
        spool.close()
        (self._folder / column.name).unlink()

    def _write_member(self, name: str, value: Any) -> None:
        with self._archive.open(f"{name}.npy", "w") as member:
            np.lib.format.write_array(member, np.asanyarray(value), allow_pickle=False)

    def _release(self) -> None:
        self._resources.close()


def load_npz(path: Path) -> Tracks:
    """Read an .npz track back.

    Raises
    ------
    TrackFileError
        If the file is not a track, is damaged, or comes from a newer schema.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            check_version(archive.get("schema_version"), path)
            names = {column.name for column in COLUMNS}
            check_columns(set(archive.files), names - LATER | {"time_base"}, path)
            numerator, denominator = (int(n) for n in archive["time_base"])
            columns = {
                column.name: _checked(column, archive[column.name], path)
                for column in COLUMNS
                if column.name in archive
            }
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, TypeError) as error:
        reason = str(error).splitlines()[0][:160]
        raise TrackFileError(f"{path} cannot be read as an NPZ track (damaged or cut short?): {reason}") from error
    return build_tracks(columns, Fraction(numerator, denominator))


def _checked(column: Column, array: Array, path: Path) -> Array:
    wanted = (None, *column.shape)
    fits = array.ndim == len(wanted) and all(n in (None, m) for n, m in zip(wanted, array.shape, strict=True))
    if not fits or (array.dtype.kind == "U") != (column.dtype == "str"):
        raise TrackFileError(f"{path}: column {column.name} has shape {array.shape} and type {array.dtype}")
    return array if column.dtype == "str" else array.astype(column.dtype, copy=False)
