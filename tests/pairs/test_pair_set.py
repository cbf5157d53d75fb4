"""From a video to a data set that loads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.face.landmarker import FaceLandmarker
from afet_video.image_files import read_mark, read_picture
from afet_video.pairs.rows import read_rows, write_rows
from tests.pairs.conftest import PairSet


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def copied_set(pair_set: PairSet, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pair_set.folder, tmp_path / "set"))


def test_the_brow_raise_and_the_smile_are_found_with_faces_at_rest(pair_set: PairSet) -> None:
    rows = pair_set.rows
    assert pair_set.report.pairs == len(rows) >= 2
    brows = [row for row in rows if 20 <= row["expression_frame"] <= 33]
    smiles = [row for row in rows if 76 <= row["expression_frame"] <= 114]
    assert len(brows) == 1
    assert len(smiles) >= 1
    assert "AU2" in brows[0]["expression_name"]
    assert "AU12" in smiles[0]["expression_name"]
    assert brows[0]["movement_iod"]["brow_left"] > 2 * brows[0]["movement_iod"]["mouth_left"]
    for row in rows:
        neutral = row["neutral_frame"]
        assert neutral < 20 or 33 < neutral < 40 or 52 < neutral < 64 or neutral > 114, row["neutral_frame"]
        assert row["onset_seconds"] <= row["expression_seconds"] <= row["offset_seconds"]
        assert row["rest_start_seconds"] <= row["neutral_seconds"] <= row["rest_end_seconds"]
        assert 0 < row["quality"] <= 1
        assert row["pose_gap_deg"] < 10


def test_no_moment_is_there_twice(pair_set: PairSet) -> None:
    times = sorted(row["expression_seconds"] for row in pair_set.rows)
    assert min(np.diff(times), default=1.0) > 0.2


def test_pictures_are_the_frames_own_pixels_and_landmarks_lie_on_them(pair_set: PairSet) -> None:
    with FaceLandmarker() as landmarker:
        for row in pair_set.rows[:2]:
            for role in ("neutral", "expression"):
                path = pair_set.folder / "pairs" / row[f"{role}_file_name"]
                picture = read_picture(path)
                assert picture.rgb.shape == (256, 256, 3)
                assert read_mark(path) is None
                points = np.array(row[f"{role}_landmarks"], np.float32)
                (seen,) = landmarker.detect_image(picture.rgb)
                assert np.linalg.norm((points - seen.xyz)[:, :2], axis=1).mean() < 2.0
                assert len(row[f"{role}_landmarks68"]) == 68
                mapping = np.array(row[f"{role}_crop_to_frame"]).reshape(2, 3)
                x, y = np.round(mapping @ [128, 150, 1]).astype(int)
                source = pair_set.pictures[row[f"{role}_frame"]][y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3)
                assert np.abs(picture.rgb[150, 128] - source.astype(float).mean(axis=0)).max() < 12


def test_where_they_come_from_is_said(pair_set: PairSet) -> None:
    from afet_video.tracks import sha256_file

    for row in pair_set.rows:
        assert (row["source"], row["source_sha256"]) == ("clip.mp4", sha256_file(pair_set.clip))
        assert row["synthetic"] is False
        assert row["review"] is None
    lines = (pair_set.folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    short = [json.loads(line) for line in lines]
    assert [one["id"] for one in short] == [row["id"] for row in pair_set.rows]
    assert "neutral_landmarks" not in short[0]
    assert read_picture(pair_set.folder / "contact-sheet.png").rgb.shape[1] > 600


def test_the_video_that_failed_is_reported_and_the_others_went_on(pair_set: PairSet) -> None:
    good, bad = pair_set.report.sources
    assert good.error is None
    assert good.pairs == pair_set.report.pairs
    assert bad.error is not None
    assert "\n" not in bad.error


def test_all_failed_is_exit_code_1_with_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    result = run("pairs", tmp_path / "a.mp4", tmp_path / "b.mp4", "-o", tmp_path / "set")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert "0 pairs in" in result.stdout
    assert "2 of 2 videos failed" in result.stdout
    assert read_rows(tmp_path / "set") == []


def test_a_data_set_is_not_overwritten_unasked(pair_set: PairSet, copied_set: Path) -> None:
    before = sorted(copied_set.rglob("*"))
    with pytest.raises(afet_video.OutputError, match="holds pairs already"):
        afet_video.make_pairs([pair_set.clip], copied_set)
    assert sorted(copied_set.rglob("*")) == before
    stranger = copied_set.parent / "mine"
    (stranger / "pairs").mkdir(parents=True)
    with pytest.raises(afet_video.OutputError, match="was not written by afet-video"):
        afet_video.make_pairs([pair_set.clip], stranger, overwrite=True)


def test_usage() -> None:
    for arguments in (("-o", "x"), ("a.mp4", "--apply-review", "d.json", "-o", "x")):
        result = run("pairs", *arguments)
        assert result.exit_code == 2
        assert "give one or more INPUTs, or --apply-review FILE" in " ".join(result.stderr.split())


@pytest.mark.needs("datasets")
def test_hugging_face_datasets_loads_it(pair_set: PairSet, tmp_path: Path) -> None:
    code = (
        "import sys, datasets\n"
        "data = datasets.load_dataset('imagefolder', data_dir=sys.argv[1], cache_dir=sys.argv[2])['train']\n"
        "row = data[0]\n"
        "print(len(data), row['neutral'].size, row['expression'].size, len(row['neutral_landmarks']), row['id'])\n"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    arguments = [sys.executable, "-c", code, str(pair_set.folder), str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=offline, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{len(pair_set.rows)} (256, 256) (256, 256) 478 000001"


# --- review ---------------------------------------------------------------------------------------------------------


def decisions(path: Path, **words: str) -> Path:
    content = {"kind": "afet-video pair review", "schema_version": 1, "decisions": {k[1:]: v for k, v in words.items()}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_rejected_pairs_leave_the_data_set(copied_set: Path, tmp_path: Path) -> None:
    before = read_rows(copied_set)
    file = decisions(tmp_path / "d.json", _000001="reject", _000002="accept")
    result = run("pairs", "--apply-review", file, "-o", copied_set)
    assert result.exit_code == 0, result.output
    rows = read_rows(copied_set)
    assert [row["id"] for row in rows] == [row["id"] for row in before[1:]]
    assert rows[0]["review"] == "accepted"
    assert rows[0]["neutral_landmarks"] == before[1]["neutral_landmarks"]
    assert not list((copied_set / "pairs").glob("000001*"))
    assert len(list((copied_set / "rejected").glob("000001*.png"))) == 2
    assert len((copied_set / "pairs.jsonl").read_text().splitlines()) == len(rows)
    assert '"000001"' not in (copied_set / "review.html").read_text(encoding="utf-8")
    again = afet_video.apply_review(file, copied_set)
    assert (again.rejected, again.accepted) == (0, 1)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("no json", "cannot be read as JSON"),
        ("[]", "is no decision file"),
        ('{"kind": "afet-video pair review", "schema_version": 9}', "another version"),
        ('{"kind": "afet-video pair review", "schema_version": 1, "decisions": {"000001": "maybe"}}', "are to be"),
        ('{"kind": "afet-video pair review", "schema_version": 1, "decisions": {"999999": "reject"}}', "999999"),
    ],
)
def test_wrong_decision_files_change_nothing(copied_set: Path, tmp_path: Path, content: str, line: str) -> None:
    (tmp_path / "d.json").write_text(content)
    before = pq.read_table(copied_set / "pairs" / "metadata.parquet")
    with pytest.raises(afet_video.InputError, match=line):
        afet_video.apply_review(tmp_path / "d.json", copied_set)
    assert pq.read_table(copied_set / "pairs" / "metadata.parquet") == before


def test_folders_without_pairs_are_refused(tmp_path: Path) -> None:
    file = decisions(tmp_path / "d.json")
    with pytest.raises(afet_video.InputError, match="holds no pairs"):
        afet_video.apply_review(file, tmp_path)
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "metadata.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(afet_video.InputError, match="cannot be read"):
        afet_video.apply_review(file, tmp_path)


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    write_rows(tmp_path, [])
    assert read_rows(tmp_path) == []
    assert "neutral_file_name" in pq.read_table(tmp_path / "pairs" / "metadata.parquet").column_names
