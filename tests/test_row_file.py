"""Rows on disk: what is written comes back, nothing stays behind, a full disk is one clear line."""

import errno
from pathlib import Path

import numpy as np
import pytest

from afet_video.errors import OutputError
from afet_video.row_file import RowFile


def test_rows_come_back_in_any_range(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(17, 5, 3)).astype(np.float32)
    rows[4] = np.nan
    with RowFile((5, 3), np.float32, tmp_path) as file:
        for count, row in enumerate(rows):
            file.append(row)
            assert len(file) == count + 1
            np.testing.assert_array_equal(file.read(count, count + 1), rows[count : count + 1])
        for start, stop in ((0, 17), (3, 9), (16, 17), (8, 8)):
            read = file.read(start, stop)
            np.testing.assert_array_equal(read, rows[start:stop])
            assert read.flags.writeable


def test_writing_goes_on_after_reading(tmp_path: Path) -> None:
    with RowFile((2,), np.int16, tmp_path) as file:
        file.append(np.array([1, 2]))
        file.append(np.array([3, 4]))
        file.read(0, 1)
        file.append(np.array([5, 6]))
        assert file.read(0, 3).tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (0, 3), (2, 1)])
def test_a_range_outside_is_an_index_error(tmp_path: Path, start: int, stop: int) -> None:
    with RowFile((2,), np.float32, tmp_path) as file:
        file.append(np.zeros(2))
        file.append(np.zeros(2))
        with pytest.raises(IndexError):
            file.read(start, stop)


def test_a_row_of_another_shape_is_refused(tmp_path: Path) -> None:
    with RowFile((2,), np.float32, tmp_path) as file, pytest.raises(ValueError, match="shape"):
        file.append(np.zeros(3))


def test_nothing_stays_on_disk(tmp_path: Path) -> None:
    file = RowFile((1000,), np.float32, tmp_path)
    file.append(np.zeros(1000))
    file.close()
    file.close()
    assert list(tmp_path.iterdir()) == []


class _FullDisk:
    """The temporary file of a disk without room after `room` bytes."""

    def __init__(self, file: object, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: memoryview) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = data[: self._room]
        self._room -= len(part)
        return self._file.write(part)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def test_a_full_disk_is_one_clear_line_and_keeps_the_rows_before(tmp_path: Path) -> None:
    file = RowFile((4,), np.float32, tmp_path)
    file._file = _FullDisk(file._file, room=24)  # type: ignore[assignment]
    file.append(np.arange(4))
    with pytest.raises(OutputError, match="is full: free some space"):
        file.append(np.arange(4))
    assert len(file) == 1
    assert file.read(0, 1).tolist() == [[0, 1, 2, 3]]
    file.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="gone"):
        RowFile((4,), np.float32, tmp_path / "gone")
