"""What a batch makes is a data set that the libraries people use can read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import afet_video
from afet_video.batch.croissant import write_croissant
from afet_video.batch.people import Seen, grouped
from afet_video.batch.splits import split_groups
from afet_video.face.look import Look
from tests.batch.conftest import FRAMES, JOBS, environment, is_tidy


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "metadata.parquet").to_pylist()
    return rows


def python(code: str, *arguments: object) -> str:
    """Run code in a process of its own: some libraries warn when they are imported."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, env=environment())
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_every_job_has_its_files_and_its_row(made: Path) -> None:
    rows = rows_of(made)
    assert {Path(row["file_name"]).stem for row in rows} == JOBS
    for row in rows:
        video = made / row["file_name"]
        assert video.is_file()
        tracks = afet_video.load_tracks(video.parent / row["tracks"])
        assert len(tracks) == row["frames"] == FRAMES
        assert set(tracks.side) == {row["side"]}
        sidecar = json.loads((video.parent / row["sidecar"]).read_text())
        assert (sidecar["source"]["name"], sidecar["affected_side"]) == (row["source"], row["side"])
        assert row["frames_detected"] + row["frames_reduced"] == FRAMES
    assert is_tidy(made)


def test_nobody_is_in_two_splits_and_a_man_who_smiles_is_the_same_man(made: Path) -> None:
    rows = rows_of(made)
    home = {row["clip"]: (row["person"], row["split"]) for row in rows}
    assert home["man"] == home["smile"]
    assert home["man"][0] != home["woman"][0]
    assert home["man"][1] != home["woman"][1]
    assert {row["person_from"] for row in rows} == {"look"}
    assert "no face recognition" in (made / "README.md").read_text()


def test_people_who_are_named_later_are_sorted_anew_and_nothing_is_converted_again(
    made: Path, clips: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    shutil.copytree(made, folder)
    settings = afet_video.BatchSettings(profiles=("hb3",))
    looked = afet_video.make_batch([clips], folder, settings=settings, resume=True)
    assert "taken for one person, as far as looks say: man, smile" in looked.notes
    named = afet_video.make_batch([clips], folder, settings=replace(settings, person="[a-z]+"), resume=True)
    assert (looked.done, named.done, named.earlier, named.notes) == ((), (), len(JOBS), ())
    rows = rows_of(folder)
    assert {(row["clip"], row["person"], row["person_from"]) for row in rows} == {
        (name, name, "path") for name in ("man", "smile", "woman")
    }
    assert len({(row["person"], row["split"]) for row in rows}) == len({row["split"] for row in rows}) == 3
    assert all((folder / row["file_name"]).is_file() for row in rows)


def test_the_lines_of_a_split_are_those_of_the_table(made: Path) -> None:
    for split in ("train", "test"):
        lines = [json.loads(line) for line in (made / split / "metadata.jsonl").read_text().splitlines()]
        table = [row for row in rows_of(made) if row["split"] == split]
        assert [f"{split}/{line['file_name']}" for line in lines] == [row["file_name"] for row in table]
    assert not (made / "validation").exists()


@pytest.mark.needs("datasets")
def test_hugging_face_loads_it_as_a_video_folder(made: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys\nfrom datasets import load_dataset, Video\n"
        "sets = load_dataset('videofolder', data_dir=sys.argv[1], cache_dir=sys.argv[2])\n"
        "found = {}\n"
        "for split, rows in sets.items():\n"
        "    rows = rows.cast_column('video', Video(decode=False))\n"
        "    found[split] = [(row['video']['path'], row['clip'], row['side'], row['tracks']) for row in rows]\n"
        "print(json.dumps(found))"
    )
    found = json.loads(python(code, made, tmp_path).splitlines()[-1])
    assert sum(map(len, found.values())) == len(JOBS)
    for split, rows in found.items():
        for path, clip, side, tracks in rows:
            assert Path(path) == made / split / f"{clip}-{side}-hb3.mp4"
            assert (made / split / tracks).is_file()


@pytest.mark.needs("webdataset")
def test_webdataset_reads_the_shards(made: Path) -> None:
    code = (
        "import hashlib, json, sys, webdataset\n"
        "for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):\n"
        "    row = json.loads(sample['json'])\n"
        "    assert hashlib.sha256(sample['mp4']).hexdigest() == row['video_sha256']\n"
        "    assert hashlib.sha256(sample['tracks.parquet']).hexdigest() == row['tracks_sha256']\n"
        "    print(sample['__key__'])"
    )
    assert set(python(code, *sorted((made / "shards").glob("*.tar"))).split()) == JOBS


@pytest.mark.needs("mlcroissant")
def test_croissants_own_library_reads_the_rows(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "set")
    write_croissant(tmp_path / "set")
    code = (
        "import json, sys, mlcroissant\n"
        "described = mlcroissant.Dataset(sys.argv[1])\n"
        "assert not described.metadata.issues.errors\n"
        "print(json.dumps([r['videos/file_name'].decode() for r in described.records('videos')]))"
    )
    found = json.loads(python(code, tmp_path / "set" / "croissant.json").splitlines()[-1])
    assert found == [row["file_name"] for row in rows_of(made)]


def test_splits_are_drawn_from_the_seed_and_the_people_alone() -> None:
    people = [f"p{i}" for i in range(20)]
    first = split_groups(people, (0.8, 0.1, 0.1), 1)
    assert first == split_groups(reversed(people), (0.8, 0.1, 0.1), 1)
    assert first != split_groups(people, (0.8, 0.1, 0.1), 2)
    assert sorted(first.values()).count("train") == 16
    assert sorted(split_groups("abc", (0.8, 0.1, 0.1), 0).values()) == ["test", "train", "validation"]
    assert sorted(split_groups("ab", (0.8, 0.1, 0.1), 0).values()) == ["test", "train"]
    assert list(split_groups("a", (0.8, 0.1, 0.1), 0).values()) == ["train"]
    assert set(split_groups(people, (1, 0, 0), 0).values()) == {"train"}


def test_names_that_a_user_gave_come_before_looks() -> None:
    def look(shade: float) -> Look:
        colors = np.zeros((3, 4), np.float32)
        colors[:, 0], colors[:, 1] = np.cos(shade), np.sin(shade)
        return Look(colors, np.zeros(20, np.float32))

    alike = [look(0.0)]
    assert grouped({"a": Seen("Ann", "1", alike), "b": Seen("Bea", "2", alike)}) == {"a": "a", "b": "b"}
    assert grouped({"a": Seen("Ann", "1", alike), "b": Seen("Ann", "2", [look(1.5)])}) == {"a": "a", "b": "a"}
    assert grouped({"a": Seen("Ann", "1", alike), "b": Seen(None, "2", [look(0.05)])}) == {"a": "a", "b": "a"}
    assert grouped({"a": Seen("Ann", "1", alike), "b": Seen(None, "2", [look(1.5)])}) == {"a": "a", "b": "b"}
    assert grouped({"a": Seen("Ann", "1"), "b": Seen("Bea", "1")}) == {"a": "a", "b": "a"}  # the same file
