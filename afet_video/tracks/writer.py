"""What all track writers share: one row at a time, checked, with clear errors.

in: `TrackRow` -> out: hooks that a file format fills in.  Must not: know a file format.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from afet_video.datatypes import DIGITAL_SOURCE_TYPE, TrackRow
from afet_video.errors import TrackFileError
from afet_video.outputs import disk_errors
from afet_video.tracks.table import row_values


class TrackWriter(ABC):
    """Writes a track row by row; its memory does not grow with the number of rows.

    Use as a context manager: a clean exit closes the file, an exception abandons it (what is on the disk is then
    incomplete, and for the caller to delete).

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    target : path to name in error messages, if `path` is a temporary stand-in for it.
    source_type : IPTC's digital source type of what the track belongs to.
    """

    def __init__(self, path: Path, *, target: Path | None = None, source_type: str = DIGITAL_SOURCE_TYPE) -> None:
        self._path = path
        self._source_type = source_type
        self._target = target or path
        self._time_base: Fraction | None = None
        self._midline_count: int | None = None
        self._rows = 0
        self._is_open = True
        with disk_errors(self._target):
            self._open()

    def write(self, row: TrackRow) -> None:
        """Append one row.

        Raises
        ------
        TrackFileError
            If the row's time base or number of midline samples differs from those of the rows before it.
        OutputError
            If the file cannot be written.
        """
        if not self._is_open:
            raise ValueError("write() on a closed track writer")
        if self._time_base is None:
            self._time_base = row.timestamp.time_base
        elif row.timestamp.time_base != self._time_base:
            raise self._mismatch(row, f"time base {row.timestamp.time_base}, not {self._time_base}")
        count = len(row.midline_y)
        if count:  # a row without a face may come without samples
            if self._midline_count is None:
                self._midline_count = count
            elif count != self._midline_count:
                raise self._mismatch(row, f"{count} midline samples, not {self._midline_count}")
        with disk_errors(self._target):
            self._append(row_values(row))
        self._rows += 1

    def close(self) -> None:
        """Finish the file. Closing twice is allowed.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        if not self._is_open:
            return
        self._is_open = False
        with disk_errors(self._target):
            try:
                self._finish(self._time_base or Fraction(1))
            finally:
                self._release()

    def abandon(self) -> None:
        """Let go of the file without finishing it."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(OSError):  # the error that led here is the one to report
                self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _mismatch(self, row: TrackRow, what: str) -> TrackFileError:
        return TrackFileError(f"{self._target}: frame {row.index} has {what} as the frames before it")

    @abstractmethod
    def _open(self) -> None:
        """Create the file."""

    @abstractmethod
    def _append(self, values: dict[str, Any]) -> None:
        """Take one row: column name -> value."""

    @abstractmethod
    def _finish(self, time_base: Fraction) -> None:
        """Write what is still held back."""

    @abstractmethod
    def _release(self) -> None:
        """Close handles and delete helper files; called once, after `_finish` or instead of it."""
