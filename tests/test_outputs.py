from __future__ import annotations

import errno
from pathlib import Path

import pytest

from afet_video.errors import OutputError
from afet_video.outputs import Outputs, check_target, disk_errors


def test_all_files_appear_together_at_the_end(tmp_path: Path) -> None:
    targets = [tmp_path / "a.mp4", tmp_path / "a.tracks.parquet"]
    with Outputs(overwrite=False) as outputs:
        for target in targets:
            temporary = outputs.path_for(target)
            assert temporary.suffix == target.suffix
            assert temporary.parent == target.parent
            temporary.write_text(target.name)
            assert not target.exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {t.name: t.name for t in targets}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_none_appears_after_an_error(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "old.mp4").write_text("old")
    with pytest.raises(error), Outputs(overwrite=True) as outputs:
        outputs.path_for(tmp_path / "old.mp4").write_text("new")
        outputs.path_for(tmp_path / "never written.csv")
        raise error
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old.mp4": "old"}


def test_a_file_that_exists_is_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "old.mp4"
    target.write_text("old")
    with pytest.raises(OutputError, match="exists already"), Outputs(overwrite=False) as outputs:
        outputs.path_for(target)
    assert target.read_text() == "old"
    with Outputs(overwrite=True) as outputs:
        outputs.path_for(target).write_text("new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_a_very_long_name_has_room_for_the_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 240 + ".mp4")
    with Outputs(overwrite=False) as outputs:
        outputs.path_for(target).write_text("new")
    assert target.read_text() == "new"


def test_targets_that_cannot_be_files(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        check_target(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="create it first"):
        check_target(tmp_path / "missing" / "a.mp4", overwrite=False)
    check_target(tmp_path / "a.mp4", overwrite=False)


@pytest.mark.parametrize(("code", "message"), [(errno.ENOSPC, "is full"), (errno.EIO, "cannot write")])
def test_errors_of_the_disk_are_one_line(code: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=message) as caught, disk_errors(tmp_path / "a.mp4"):
        raise OSError(code, "trouble")
    assert "\n" not in str(caught.value)
