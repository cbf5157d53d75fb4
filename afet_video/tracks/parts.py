"""A Parquet track that survives the program's end: written in parts, joined at the close.

in: `TrackRow`s -> out: a folder of small whole files, then one file.  Must not: hold more than one part in memory.

A Parquet file is unreadable without its last bytes, so a recording that is killed would lose all of its rows.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from afet_video.closing import Closing
from afet_video.datatypes import TrackRow
from afet_video.errors import TrackFileError
from afet_video.outputs import disk_errors
from afet_video.tracks.parquet import ROW_GROUP, ParquetTrackWriter, open_parquet

PART_ROWS = 50
"""Rows that can be lost: two seconds at 25 frames a second."""


def parts_folder(target: Path) -> Path:
    """Return where the parts of a track lie until it is whole."""
    return target.with_name(f"{target.name}.part")


class PartedTrackWriter(Closing):
    """Writes a track in parts; `close` makes the whole of them, so does `join_parts` after a crash.

    Parameters
    ----------
    target : the .parquet file to be.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self._target, self._folder = target, parts_folder(target)
        self._writer: ParquetTrackWriter | None = None
        self._parts = self._rows = 0
        self._is_open = True
        with disk_errors(target):
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir()

    def write(self, row: TrackRow) -> None:
        """Append one row."""
        if self._writer is None:
            self._writer = ParquetTrackWriter(self._folder / f"{self._parts:06d}.writing", target=self._target)
        self._writer.write(row)
        self._rows += 1
        if self._rows % PART_ROWS == 0:
            self._finish_part()

    def close(self) -> None:
        """Join the parts; closing twice does no harm."""
        if self._is_open:
            self._is_open = False
            self._finish_part()
            join_parts(self._target)

    def _finish_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        part = self._folder / f"{self._parts:06d}"
        with disk_errors(self._target):
            part.with_suffix(".writing").replace(part.with_suffix(".parquet"))
        self._parts += 1


def join_parts(target: Path) -> int:
    """Make one track of its parts, delete them, and return how many rows it has; 0 and no file if there are none.

    Raises
    ------
    TrackFileError
        If there is no folder with parts, or one of them is damaged.
    OutputError
        If the track cannot be written.
    """
    folder = parts_folder(target)
    if not folder.is_dir():
        raise TrackFileError(f"{folder}: no such folder, so there are no parts of {target.name} to join")
    parts = sorted(folder.glob("*.parquet"))
    rows = 0
    try:
        if parts:
            rows = _join(parts, target)
    except (pa.ArrowException, KeyError) as error:
        raise TrackFileError(f"{folder}: a part of the track is damaged ({str(error).splitlines()[0]})") from error
    shutil.rmtree(folder, ignore_errors=True)
    return rows


def _join(parts: list[Path], target: Path) -> int:
    temporary = target.with_name(f".{target.name}.joining")
    rows, held = 0, []
    with disk_errors(target):
        first = pq.read_schema(parts[0])
        with open_parquet(temporary, first) as writer:
            for part in parts:
                held.append(pq.read_table(part, schema=first))
                rows += len(held[-1])
                if sum(map(len, held)) >= ROW_GROUP:
                    writer.write_table(pa.concat_tables(held))
                    held = []
            if held:
                writer.write_table(pa.concat_tables(held))
            metadata = pq.read_metadata(parts[0]).metadata
            keep = ("time_base_num", "time_base_den")
            writer.add_key_value_metadata({name: metadata[name.encode()].decode() for name in keep})
        temporary.replace(target)
    return rows
