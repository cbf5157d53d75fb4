"""The master format: Parquet, one row a decoded frame, nothing rounded.

in: `TrackRow` values <-> out: .parquet.  Must not: hold more than one row group in memory while writing.
"""

from __future__ import annotations

import copy
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

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

ROW_GROUP = 256
"""Rows held back at a time: about 5 MB, enough for zstd to work with."""

_SCALAR_TYPES = {"int64": pa.int64(), "float64": pa.float64(), "str": pa.string()}


def _arrow_type(column: Column) -> pa.DataType:
    if column.is_midline:
        return pa.list_(pa.float32())
    if column.shape:
        return pa.list_(pa.float32(), math.prod(n for n in column.shape if n is not None))
    return _SCALAR_TYPES[column.dtype]


def _arrow_field(column: Column) -> pa.Field:
    nullable = bool(column.shape) or column.dtype == "float64"
    return pa.field(column.name, _arrow_type(column), nullable=nullable, metadata={"doc": column.doc})


def _arrow_column(column: Column, values: list[Any]) -> pa.Array:
    """Return one column of a row group; a value that is NaN throughout becomes null."""
    if not column.shape:
        if column.dtype == "float64":
            return pa.array(np.asarray(values, np.float64), from_pandas=True)
        return pa.array(values, _SCALAR_TYPES[column.dtype])
    is_null = [bool(np.isnan(value).all()) for value in values]
    if column.is_midline:
        lists = [None if null else value for value, null in zip(values, is_null, strict=True)]
        return pa.array(lists, _arrow_type(column))
    flat = pa.array(np.concatenate([np.asarray(value, np.float32).ravel() for value in values]))
    return pa.FixedSizeListArray.from_arrays(flat, type=_arrow_type(column), mask=pa.array(is_null))


def open_parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return pyarrow's writer of a track; the caller closes it."""
    return pq.ParquetWriter(
        str(path),
        schema,
        compression="zstd",
        use_dictionary=["status", "side"],
        write_statistics=[column.name for column in COLUMNS if not column.shape],
        # Neighbouring landmarks share their high bytes: a quarter smaller than plain floats.
        use_byte_stream_split=[f"{column.name}.list.element" for column in COLUMNS if column.shape],
    )


class ParquetTrackWriter(TrackWriter):
    """Parquet: row groups of 256 rows, zstd, missing values null."""

    def _open(self) -> None:
        self._schema = pa.schema(
            [_arrow_field(column) for column in COLUMNS], metadata=file_metadata(self._source_type)
        )
        self._held: dict[str, list[Any]] = {column.name: [] for column in COLUMNS}
        self._file = open_parquet(self._path, self._schema)

    def _append(self, values: dict[str, Any]) -> None:
        for name, held in self._held.items():
            # A copy: the caller may reuse its arrays before this row group is written.
            held.append(copy.copy(values[name]))
        if len(self._held["index"]) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        arrays = [_arrow_column(column, self._held[column.name]) for column in COLUMNS]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        for held in self._held.values():
            held.clear()

    def _finish(self, time_base: Fraction) -> None:
        if self._held["index"]:
            self._flush()
        self._file.add_key_value_metadata(
            {"time_base_num": str(time_base.numerator), "time_base_den": str(time_base.denominator)}
        )

    def _release(self) -> None:
        self._held.clear()
        self._file.close()


def load_parquet(path: Path) -> Tracks:
    """Read a .parquet track back.

    Raises
    ------
    TrackFileError
        If the file is not a track, is damaged, or comes from a newer schema.
    """
    try:
        with pq.ParquetFile(str(path)) as file:
            metadata = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
            check_version(metadata.get("schema_version"), path)
            found = set(file.schema_arrow.names)
            check_columns(found, {column.name for column in COLUMNS} - LATER, path)
            there = [column for column in COLUMNS if column.name in found]
            table = file.read([column.name for column in there])
        time_base = Fraction(int(metadata["time_base_num"]), int(metadata["time_base_den"]))
        columns = {column.name: _numpy_column(column, table[column.name], path) for column in there}
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0][:160]
        raise TrackFileError(f"{path} cannot be read as a Parquet track (damaged or cut short?): {reason}") from error
    return build_tracks(columns, time_base)


def _numpy_column(column: Column, chunked: pa.ChunkedArray, path: Path) -> Array:
    if column.dtype == "str":
        return np.asarray(chunked.to_pylist(), np.str_)
    if not column.shape:
        return np.asarray(chunked.to_numpy(), column.dtype).copy()
    lengths = np.asarray(pc.list_value_length(chunked.drop_null()))
    shape = column.shape
    if column.is_midline:
        shape = (int(lengths[0]) if len(lengths) else 0,)
    size = math.prod(n for n in shape if n is not None)
    if (lengths != size).any():
        raise TrackFileError(f"{path}: column {column.name} does not hold {size} numbers in every row")
    out = np.full((len(chunked), size), np.nan, np.float32)
    start = 0
    for chunk in chunked.chunks:  # flatten() leaves the null rows out
        rows = out[start : start + len(chunk)]
        rows[np.asarray(chunk.is_valid())] = np.asarray(chunk.flatten()).reshape(-1, size or 1)
        start += len(chunk)
    return out.reshape(len(chunked), *shape)
