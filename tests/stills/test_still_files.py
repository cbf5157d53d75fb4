"""Stills from files, one by one and by the folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.image_files import read_mark, read_picture
from afet_video.stills import read_landmarks
from afet_video.tracks import read_sidecar
from afet_video.verification import verify


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_picture_landmarks_and_sidecar(still_files: Mapping[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    report = afet_video.splice_still(still_files["neutral"], still_files["smile"], target)
    assert report.side is afet_video.Side.LEFT
    assert read_mark(target) == "compositeSynthetic"
    assert not np.array_equal(read_picture(target).rgb, read_picture(still_files["smile"]).rgb)
    landmarks = read_landmarks(report.landmarks)
    assert landmarks["source_xyz"].shape == landmarks["output_xyz"].shape == (478, 3)
    assert landmarks["source_xy68"].shape == landmarks["output_xy68"].shape == (68, 2)
    assert landmarks["alpha"].shape == (478,)
    assert landmarks["synthetic"] is True
    assert np.abs(landmarks["output_xyz"] - landmarks["source_xyz"]).max() > 1
    sidecar = read_sidecar(report.sidecar)
    assert sidecar["synthetic"] is True
    assert set(sidecar["sources"]) == {"neutral", "expression"}
    assert len(sidecar["sources"]["neutral"]["sha256"]) == 64
    assert set(report.seconds_by_stage) == {"read", "detect", "splice", "write"}


def test_a_still_can_be_verified(still_files: Mapping[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    afet_video.splice_still(still_files["neutral"], still_files["smile"], target)
    for source in ("neutral", "smile"):
        for name in ("out.png", "out.landmarks.json", "out.afet.json"):
            found = verify(tmp_path / name, source=still_files[source])
            assert all(check.fits for check in found.checks), found
            assert {"out.png", "out.landmarks.json", "out.afet.json"} <= {check.what for check in found.checks}
    other = verify(target, source=still_files["brows"])
    assert [check.what for check in other.checks if not check.fits] == ["source brows.png"]
    landmarks = tmp_path / "out.landmarks.json"
    landmarks.write_text(landmarks.read_text().replace('"strength": 1.0', '"strength": 0.9'))
    changed = verify(target)
    assert [check.what for check in changed.checks if not check.fits] == ["out.landmarks.json"]


def test_jpeg_without_the_mark(still_files: Mapping[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "out.jpg"
    pair = ("--neutral", still_files["neutral"], "--expression", still_files["smile"])
    result = run("still", *pair, "-o", target, "--no-synthetic-mark", "--side", "right", "--movement-kept", 0.5)
    assert result.exit_code == 0, result.output
    assert read_mark(target) is None
    assert read_sidecar(tmp_path / "out.afet.json")["settings"]["profile"]["movement_kept"] == 0.5
    assert "right side" in result.stdout


def test_nothing_is_overwritten_unasked(still_files: Mapping[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_text("mine")
    with pytest.raises(afet_video.OutputError, match="exists already"):
        afet_video.splice_still(still_files["neutral"], still_files["smile"], target)
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    own = tmp_path / "smile.png"
    shutil.copy(still_files["smile"], own)
    with pytest.raises(afet_video.OutputError, match="is the expression picture itself"):
        afet_video.splice_still(still_files["neutral"], own, own, overwrite=True)


def test_the_random_side_is_that_of_the_expressions_content(still_files: Mapping[str, Path], tmp_path: Path) -> None:
    sides = set()
    for seed in range(6):
        settings = afet_video.ConvertSettings(side_seed=seed)
        target = tmp_path / f"{seed}.png"
        sides.add(afet_video.splice_still(still_files["neutral"], still_files["smile"], target, settings=settings).side)
    assert sides == {afet_video.Side.LEFT, afet_video.Side.RIGHT}


@pytest.fixture
def mixed_folder(still_files: Mapping[str, Path], tmp_path: Path) -> Path:
    """Two pairs that work, one whose picture is damaged, one with its neutral missing, and other files."""
    folder = tmp_path / "data" / "pairs"
    folder.mkdir(parents=True)
    for name in ("a", "b", "broken"):
        shutil.copy(still_files["neutral"], folder / f"{name}_neutral.png")
        shutil.copy(still_files["brows" if name == "b" else "smile"], folder / f"{name}_expression.png")
    data = (folder / "broken_expression.png").read_bytes()
    (folder / "broken_expression.png").write_bytes(data[: len(data) // 2])
    shutil.copy(still_files["smile"], folder / "lonely_expression.png")
    (folder / "metadata.parquet").write_bytes(b"")
    (folder / "notes.txt").write_text("hello")
    return folder.parent


def test_a_folder_goes_on_after_failures_and_ends_with_1(mixed_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    result = run("still", "--from-pairs", mixed_folder, "-o", target, "--timing")
    assert result.exit_code == 1, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert "broken" in lines[0]
    assert "damaged or cut short" in lines[0]
    assert lines[1].endswith("lonely: there is no lonely_neutral picture beside it")
    assert "2 of 4 pairs spliced" in result.stdout
    assert "2 failed, 2 other files ignored" in result.stdout
    assert "median time read" in result.stdout
    assert sorted(path.name for path in target.glob("*.png")) == ["a.png", "b.png"]


def test_a_folder_as_json(mixed_folder: Path, tmp_path: Path) -> None:
    result = run("still", "--from-pairs", mixed_folder / "pairs", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert [Path(one["target"]).name for one in report["done"]] == ["a.png", "b.png"]
    assert [one["name"] for one in report["failed"]] == ["broken", "lonely"]


def test_folders_that_cannot_be(mixed_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(afet_video.InputError, match="holds no pair"):
        afet_video.splice_pairs(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(afet_video.InputError, match="is not a folder"):
        afet_video.splice_pairs(tmp_path / "none", tmp_path / "out")
    with pytest.raises(afet_video.OutputError, match="is where the pairs are"):
        afet_video.splice_pairs(mixed_folder, mixed_folder / "pairs")


@pytest.mark.parametrize("options", [(), ("--neutral", "a.png"), ("--expression", "a.png", "--from-pairs", "d")])
def test_half_a_pair_is_wrong_usage(options: tuple[str, ...]) -> None:
    result = run("still", *options, "-o", "x.png")
    assert result.exit_code == 2
    assert "give --neutral and --expression, or --from-pairs" in " ".join(result.stderr.split())
