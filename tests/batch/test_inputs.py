"""What a user may get wrong in inputs, manifests and options; a line each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import afet_video
from afet_video.batch import run as batch_run
from afet_video.batch.folder import Folder
from afet_video.batch.job import Job, run_job
from afet_video.batch.journal import Journal
from afet_video.batch.limits import default_workers
from afet_video.batch.manifest import read_inputs
from afet_video.batch.plan import plan_jobs
from afet_video.batch.waiting import Waiting
from afet_video.cli import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def manifest(folder: Path, text: str, name: str = "clips.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files that are called videos."""
    home = tmp_path / "given"
    (home / "sub").mkdir(parents=True)
    for name in ("a.mp4", "sub/b.mp4"):
        (home / name).write_bytes(name.encode())
    (tmp_path / "secret.mp4").write_bytes(b"outside")
    return home


def test_all_kinds_of_manifests_say_the_same(folder: Path) -> None:
    rows = [
        {"file": "a.mp4", "person": "Ann", "sides": ["left", "right"], "profiles": ["hb3"]},
        {"file": "sub/b.mp4", "person": None, "sides": [], "profiles": []},
    ]
    lines = manifest(folder, "\n".join(map(json.dumps, rows)), "m.jsonl")
    table = manifest(folder, 'file,person,sides,profiles\na.mp4,Ann,"left, right",hb3\nsub/b.mp4,,,\n')
    pq.write_table(pa.Table.from_pylist(rows), folder / "m.parquet")
    found = [read_inputs([path]) for path in (lines, table, folder / "m.parquet")]
    assert all(not one.refused for one in found)
    first, second = found[0].clips
    assert (first.person, first.sides, first.profiles, first.name) == ("Ann", ("left", "right"), ("hb3",), "a")
    assert (second.person, second.sides, second.name) == (None, (), "b")
    for other in found[1:]:
        assert [(c.path, c.person, c.sides, c.profiles) for c in other.clips] == [
            (c.path, c.person, c.sides, c.profiles) for c in (first, second)
        ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("none.mp4,,", "row 2: none.mp4: no such file in"),
        ("../secret.mp4,,", "row 2: .* lies outside"),
        ("/etc/passwd,,", "row 2: /etc/passwd lies outside"),
        ("link.mp4,,", "row 2: link.mp4 lies outside"),
        ("sub,,", "row 2: sub: no such file"),
        (",,", "row 2: no file is named"),
        ("sub/b.mp4,up,", 'row 2: side "up" is unknown: choose among left, right, random'),
        ("sub/b.mp4,,hb33", 'row 2: unknown profile "hb33": did you mean "hb3"?'),
        ("sub/b.mp4,,../x.toml", "row 2: profile ../x.toml is a file"),
        ("a.mp4,,", 'row 2: the name "a" is that of .* row 1'),
    ],
)
def test_a_wrong_row_is_refused_alone(folder: Path, row: str, reason: str) -> None:
    (folder / "link.mp4").symlink_to(folder.parent / "secret.mp4")
    found = read_inputs([manifest(folder, f"file,sides,profiles\na.mp4,,\n{row}\n")])
    assert [clip.name for clip in found.clips] == ["a"]
    ((_, line),) = found.refused
    with pytest.raises(afet_video.InputError, match=reason):
        raise afet_video.InputError(line)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("file,persn\na.mp4,x\n", "m.csv", 'row 1: unknown column "persn": did you mean "person"?'),
        ("file\na.mp4,1,2\n", "m.csv", 'row 1: unknown column "more values than columns"'),
        ("file\n", "m.csv", "has no rows"),
        ('{"file": "a.mp4"}\nfile: a\n', "m.jsonl", "line 2 is not JSON"),
        ("[1]\n", "m.jsonl", "line 1 is no object"),
        ("PAR1 and nonsense", "m.parquet", "cannot read the manifest"),
    ],
)
def test_a_wrong_manifest_is_one_line(folder: Path, text: str, name: str, reason: str) -> None:
    result = run(manifest(folder, text, name), "-o", folder / "out")
    assert result.exit_code == 1
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--sides", "both"), 'side "both" is unknown'),
        (("--sides", "left,left"), "name each of them once"),
        (("--profiles", "hb9"), 'unknown profile "hb9"'),
        (("--profiles", ""), "profiles are none"),
        (("--splits", "0.5,0.5"), "give three numbers"),
        (("--splits", "0.5,0.5,0.5"), "whose sum is 1"),
        (("--ray-address", "auto"), "add --engine ray"),
        (("--person", "(S"), 'person "(S" is no regular expression: missing )'),
    ],
)
def test_wrong_options_are_one_line(folder: Path, options: tuple[str, ...], reason: str) -> None:
    result = run(folder / "a.mp4", "-o", folder / "out", *options)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "package", "reason"),
    [
        (("--engine", "ray"), "ray", "needs Ray: pip install 'afet-video[ray]'"),
        (("--croissant",), "mlcroissant", "needs mlcroissant: pip install 'afet-video[croissant]'"),
    ],
)
def test_a_missing_package_is_said_before_anything_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], package: str, reason: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = run(folder / "a.mp4", "-o", folder / "out", *options)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert not (folder / "out").exists()


def test_clips_that_are_no_videos_fail_and_are_listed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(folder, folder / "none.mp4", folder / "sub", "-o", out, "--workers", 1, "--max-failures", 1)
    assert result.exit_code == 1
    errors = result.stderr.splitlines()
    assert sum("no such file" in line for line in errors) == 1
    assert sum("-complete: " in line for line in errors) == 2  # of four jobs: then it stopped
    assert any("more than the 1 allowed; 2 jobs were not begun: go on with --resume" in line for line in errors)
    assert (out / "retry.jsonl").is_file()
    assert not list(out.glob("*/*.mp4"))


def test_names_suit_every_file_system_and_a_file_named_twice_counts_once(folder: Path) -> None:
    for name in ("b c.d.mp4", "é" * 100 + ".mp4"):
        (folder / name).write_bytes(b"")
    found = read_inputs([folder, folder / "a.mp4"])
    assert not found.refused
    assert [clip.name for clip in found.clips[:2]] == ["a", "b_c_d"]
    assert re.fullmatch("é{35}-[0-9a-f]{8}", found.clips[2].name)


def test_folders_are_searched_to_the_bottom_but_not_results_nor_what_is_hidden(folder: Path) -> None:
    for path in ("sub/deep/b.mp4", "sub/set/train/x.mp4", ".hidden/c.mp4", "sub/.d.mp4"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    (folder / "sub" / "set" / ".afet-batch").mkdir()
    (folder / "linked").symlink_to(folder / "sub", target_is_directory=True)
    found = read_inputs([folder, folder / "sub" / "b.mp4"])
    assert not found.refused
    assert [clip.name for clip in found.clips] == ["a", "sub_b", "sub_deep_b"]


def test_the_person_is_found_in_the_path(folder: Path) -> None:
    table = manifest(folder, "file,person\na.mp4,Ann\nsub/b.mp4,\n")
    for pattern, of_a, of_b in (("[a-z]+/b", None, "sub/b"), ("^([a-z]+)/", None, "sub"), ("x*", None, None)):
        found = {
            clip.path.name: (clip.person, clip.person_from) for clip in read_inputs([folder], person=pattern).clips
        }
        assert found == {"a.mp4": (of_a, of_a and "path"), "b.mp4": (of_b, of_b and "path")}
    a, b = read_inputs([table], person="[^/]+").clips
    assert (a.person, a.person_from, b.person, b.person_from) == ("Ann", "manifest", "sub", "path")
    (alone,) = read_inputs([folder / "sub" / "b.mp4"], person="sub").clips
    assert alone.person is None  # the path that counts begins below the folder that is given


def test_folders_that_hold_something_else_are_refused(folder: Path) -> None:
    assert "is not empty" in run(folder / "a.mp4", "-o", folder).stderr
    assert "is a file" in run(folder / "a.mp4", "-o", folder / "sub" / "b.mp4").stderr


def test_two_batches_in_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        Folder(tmp_path).locked(),
        pytest.raises(afet_video.OutputError, match="another batch is at work"),
        Folder(tmp_path).locked(),
    ):
        raise AssertionError("two at a time")


def test_a_line_that_a_kill_cut_short_does_not_count(tmp_path: Path) -> None:
    result = afet_video.JobResult("one", "f", facts={"clip": "ä"}, warnings=("w",))
    with Journal(tmp_path / "j") as journal:
        journal.add(result)
    with (tmp_path / "j").open("ab") as file:
        file.write(b'{"name": "two", "finger')
    with Journal(tmp_path / "j") as journal:
        assert journal.results == {"one": result}
        journal.add(afet_video.JobResult("three", "f"))
    with Journal(tmp_path / "j") as journal:
        assert list(journal.results) == ["one", "three"]


def planned(clip: Path, target: Path, **changes: Any) -> list[Job]:
    home = Folder(target)
    home.prepare()
    return list(plan_jobs(read_inputs([clip]).clips, afet_video.BatchSettings(**changes), home).jobs)


def test_random_sides_depend_on_seed_and_content_alone(folder: Path, tmp_path: Path) -> None:
    drawn = {
        seed: [job.facts["side"] for job in planned(folder / "a.mp4", tmp_path / "o", sides=("random",), seed=seed)]
        for seed in range(12)
    }
    assert {len(sides) for sides in drawn.values()} == {1}
    assert {sides[0] for sides in drawn.values()} == {"left", "right"}
    (folder / "renamed.mp4").write_bytes((folder / "a.mp4").read_bytes())
    assert planned(folder / "renamed.mp4", tmp_path / "p", sides=("random",), seed=3)[0].facts["side"] == drawn[3][0]


def test_a_clips_first_job_goes_ahead_of_its_others(folder: Path, tmp_path: Path) -> None:
    jobs = planned(folder / "a.mp4", tmp_path / "o") + planned(folder / "sub", tmp_path / "o")
    line = Waiting(jobs)
    first = line.take([])
    second = line.take([first] if first else [])
    assert first is not None and second is not None
    assert [Path(job.source).name for job in (first, second)] == ["a.mp4", "b.mp4"]
    assert line.take([first, second]) is None
    line.ended(first)
    third = line.take([second])
    assert third is not None and third.source == first.source
    line.put_back(third)
    assert line.take([second]) is third
    assert len(line) == 1


def test_another_setting_is_another_fingerprint(folder: Path, tmp_path: Path) -> None:
    jobs = [planned(folder / "a.mp4", tmp_path / "o", profiles=(name,)) for name in ("hb3", "hb4")]
    assert len({job.fingerprint for pair in jobs for job in pair}) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_to_be_full(clips: Path, tmp_path: Path) -> None:
    (job, _) = planned(clips / "man.mp4", tmp_path / "o")
    result = run_job(replace(job, log="/dev/full"))
    assert result.is_disk_full
    assert "is full: free some space" in (result.error or "")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = (
        os.getuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk], capture_output=True
        ).returncode
    )
    if not made:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_disk_that_is_too_small_is_refused_before_anything_runs(clips: Path, small_disk: Path) -> None:
    result = run(clips, "-o", small_disk / "set")
    assert result.exit_code == 1
    assert "GB left, the batch needs about" in result.stderr


def test_a_disk_that_fills_up_stops_the_batch_cleanly(
    clips: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_run, "check_space", lambda *_: None)
    settings = afet_video.BatchSettings(profiles=("hb3", "hb4"), workers=1)
    report = afet_video.make_batch([clips], small_disk / "set", settings=settings)
    assert report.stopped == "the disk is full"
    assert report.left > 0
    assert "is full" in report.failed[0][1]
    assert sum(report.videos.values()) == len(report.done)
    assert not [path for path in small_disk.rglob("*") if ".part" in path.name]


def test_there_is_always_a_worker() -> None:
    assert default_workers() >= 1
