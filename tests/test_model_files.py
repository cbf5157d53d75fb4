"""The model that ships is the one expected; anything else is a clear error."""

from pathlib import Path

import pytest

from afet_video.errors import ModelFileError
from afet_video.model_files import FACE_LANDMARKER, HAND_LANDMARKER, locate, verify


def test_the_shipped_model_is_the_expected_one() -> None:
    path = locate(FACE_LANDMARKER)
    assert path.name == "face_landmarker.task"
    assert path.stat().st_size == FACE_LANDMARKER.size


def test_every_file_that_ships_is_described_beside_it() -> None:
    folder = locate(FACE_LANDMARKER).parent
    models = {model.name: model for model in (FACE_LANDMARKER, HAND_LANDMARKER)}
    assert {path.name for path in folder.glob("*.task")} == models.keys()
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    for name, model in models.items():
        (line,) = [line for line in lines if line.startswith(f"| `{name}` | MediaPipe")]
        assert line.endswith(f"| {model.size} | `{model.sha256}` |")


def test_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere\.task.*install afet-video again"):
        verify(tmp_path / "nowhere.task", FACE_LANDMARKER)


def test_a_cut_model(tmp_path: Path) -> None:
    cut = tmp_path / "cut.task"
    cut.write_bytes(locate(FACE_LANDMARKER).read_bytes()[:-1])
    with pytest.raises(ModelFileError, match="has 3758595 bytes"):
        verify(cut, FACE_LANDMARKER)


def test_one_wrong_byte(tmp_path: Path) -> None:
    data = bytearray(locate(FACE_LANDMARKER).read_bytes())
    data[1_000_000] ^= 1
    damaged = tmp_path / "damaged.task"
    damaged.write_bytes(data)
    with pytest.raises(ModelFileError, match="is damaged"):
        verify(damaged, FACE_LANDMARKER)


def test_a_folder_in_place_of_the_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        verify(tmp_path, FACE_LANDMARKER)
