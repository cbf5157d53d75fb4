"""A conversion that was stopped after it had found the face goes on from there, to the same result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import afet_video
from afet_video.datatypes import Progress
from afet_video.passes.checkpoint import Checkpoints
from afet_video.tracks import sha256_file
from tests.synthetic import ClipSpec, make_clip

ENDS = (".mp4", ".tracks.parquet", ".afet.json")


class Stopped(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def clip(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of 200x150 pixels, the sixth of them without a face, with uneven times."""
    frames = [cv2.resize(rgb, (200, 150), interpolation=cv2.INTER_AREA) for rgb in sample_pictures[60:72]]
    frames[5] = np.full_like(frames[5], 90)
    spec = ClipSpec(size_wh=(200, 150), pts=[0, 40, 80, 130, 160, 200, 240, 285, 320, 360, 400, 440])
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", spec, pictures=frames)


def recorder(stop: str | None = None) -> tuple[set[str], Callable[[Progress], None]]:
    """Return what is filled with the stages that run, and a callback that stops the run in one of them."""
    stages: set[str] = set()

    def note(progress: Progress) -> None:
        stages.add(progress.stage)
        if progress.stage == stop and progress.done == 3:
            raise Stopped

    return stages, note


def convert(
    clip: Path, folder: Path, checkpoints: Path | None, stop: str | None = None
) -> tuple[set[str], list[bytes]]:
    folder.mkdir(exist_ok=True)
    stages, note = recorder(stop)
    settings = afet_video.ConvertSettings(on_no_face="hold")
    afet_video.convert(clip, folder / "out.mp4", settings=settings, checkpoints=checkpoints, on_progress=note)
    return stages, [(folder / f"out{end}").read_bytes() for end in ENDS]


@pytest.fixture(scope="module")
def undisturbed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return convert(clip, tmp_path_factory.mktemp("undisturbed"), None)[1]


@pytest.mark.parametrize(
    ("stop", "repeated"),
    [("detect", {"detect", "register"}), ("register", {"register"}), ("splice", set())],
)
def test_what_was_found_is_not_looked_for_again(
    clip: Path, undisturbed: list[bytes], tmp_path: Path, stop: str, repeated: set[str]
) -> None:
    with pytest.raises(Stopped):
        convert(clip, tmp_path / "o", tmp_path / "kept", stop)
    assert not list((tmp_path / "o").iterdir())
    stages, result = convert(clip, tmp_path / "o", tmp_path / "kept")
    assert stages == repeated | {"splice"}
    assert result == undisturbed


def test_another_source_setting_or_damage_is_noticed(clip: Path, undisturbed: list[bytes], tmp_path: Path) -> None:
    kept, settings = tmp_path / "kept", afet_video.ConvertSettings(on_no_face="hold")
    convert(clip, tmp_path / "o", kept)
    found = Checkpoints(kept, clip, settings).load("registered")
    assert found is not None
    found.close()
    other = afet_video.replace_nested(settings, {"tracker.face": "all"})
    assert Checkpoints(kept, clip, other).load("registered") is None
    (tmp_path / "other.mp4").write_bytes(clip.read_bytes() + b"0")
    assert Checkpoints(kept, tmp_path / "other.mp4", settings).load("registered") is None
    (rows,) = kept.rglob("*.rows")
    rows.write_bytes(rows.read_bytes()[:-100])
    stages, result = convert(clip, tmp_path / "p", kept)
    assert stages == {"detect", "register", "splice"}
    assert result == undisturbed


def test_the_source_is_read_once_for_its_hash(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    digest = hashlib.file_digest

    def counted(file: BinaryIO, name: str) -> Any:
        hashed.append(Path(file.name).name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    settings = afet_video.ConvertSettings(on_no_face="hold", side_seed=1)
    afet_video.convert(clip, tmp_path / "out.mp4", settings=settings, checkpoints=tmp_path / "kept")
    assert hashed.count(clip.name) == 1
    known = sha256_file(clip)
    assert json.loads((tmp_path / "out.afet.json").read_text())["source"]["sha256"] == known
    hashed.clear()
    told = {"settings": settings, "checkpoints": tmp_path / "kept", "source_sha256": known}
    afet_video.convert(clip, tmp_path / "again.mp4", **told)
    assert clip.name not in hashed
    assert json.loads((tmp_path / "again.afet.json").read_text())["source"]["sha256"] == known
