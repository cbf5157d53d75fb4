"""Rows of numbers kept on disk, so that memory does not grow with the length of a video.

in: arrays of one shape, one after the other -> out: any range of them.  Must not: outlive the program, map memory.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from afet_video.closing import Closing
from afet_video.outputs import disk_errors


class RowFile(Closing):
    """A growing array (rows, *row_shape) in a temporary file, which is gone after `close` or the end of the program.

    Parameters
    ----------
    row_shape : shape of one row.
    dtype : type of the numbers as stored.
    directory : where the temporary file lies; None = the system's folder for such files.

    Raises
    ------
    OutputError
        If the file cannot be made or written, for example on a full disk.
    """

    def __init__(
        self, row_shape: tuple[int, ...], dtype: DTypeLike = np.float32, directory: Path | None = None
    ) -> None:
        self._row_shape = row_shape
        self._dtype = np.dtype(dtype)
        self._row_bytes = int(np.prod(row_shape, dtype=np.int64)) * self._dtype.itemsize
        self._count = 0
        folder = Path(tempfile.gettempdir()) if directory is None else directory
        self._label = folder / "temporary rows"
        with disk_errors(self._label):
            # Unbuffered: what is written is there to be read, and a full disk is noticed at once, not at the end.
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (lives as long as the object)

    def __len__(self) -> int:
        return self._count

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self._row_shape

    def append(self, row: NDArray[Any]) -> None:
        """Add one row.

        Raises
        ------
        ValueError
            If the row has another shape.
        OutputError
            If the disk refuses it; the rows before stay readable.
        """
        row = np.ascontiguousarray(row, self._dtype)
        if row.shape != self._row_shape:
            raise ValueError(f"expected a row of shape {self._row_shape}, got {row.shape}")
        data = memoryview(row.tobytes())
        with disk_errors(self._label):
            self._file.seek(self._count * self._row_bytes)
            while data:
                data = data[self._file.write(data) :]
        self._count += 1

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return rows `start` to `stop` (without `stop`) as a new array (stop - start, *row_shape).

        Raises
        ------
        IndexError
            If the range is not within the rows written.
        OutputError
            If the file cannot be read.
        """
        if not 0 <= start <= stop <= self._count:
            raise IndexError(f"rows {start} to {stop} asked for, of {self._count}")
        rows = np.empty((stop - start, *self._row_shape), self._dtype)
        view = memoryview(rows.reshape(-1).view(np.uint8).data)
        with disk_errors(self._label):
            self._file.seek(start * self._row_bytes)
            while view:
                got = self._file.readinto(view)
                if not got:
                    raise OSError("the temporary file was cut short")
                view = view[got:]
        return rows

    def close(self) -> None:
        """Delete the file; closing twice does no harm."""
        self._file.close()
