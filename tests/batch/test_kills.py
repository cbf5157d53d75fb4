"""Whatever is killed, nothing is lost, nothing is done twice, and the data set is the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.batch import BatchSettings
from afet_video.batch.folder import Folder
from afet_video.batch.job import run_job
from afet_video.batch.manifest import read_inputs
from afet_video.batch.on_ray import check_address
from afet_video.batch.plan import plan_jobs
from afet_video.errors import SettingsError
from tests.batch.conftest import JOBS, content, finished, is_tidy, journal, start
from tests.synthetic import ClipSpec, make_clip, packets, video_pts


def wait_for(look: Callable[[], int | None], seconds: float = 120.0) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def process_of(log: Path, attempt: int = 1) -> int | None:
    """Return the process that works on a job, read from its log, once there have been so many."""
    text = log.read_text() if log.exists() else ""
    found = re.findall(r"process (\d+)", text)
    assert "done in" not in text, "too late"
    return int(found[attempt - 1]) if len(found) >= attempt else None


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_batch_killed_in_the_middle_goes_on(clips: Path, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    process = start(clips, "-o", folder, "--shards", "--workers", 1)
    assert process.stdout is not None
    first = [json.loads(process.stdout.readline())["job"] for _ in range(2)]
    third = wait_for(lambda: next(iter(_working(folder)), None))
    process.kill()
    process.communicate(timeout=240)
    wait_for(lambda: None if is_alive(third) else 0)  # the worker goes with it
    assert journal(folder)[:2] == first
    before = Counter(journal(folder))

    refused = finished(start(clips, "-o", folder), code=1)
    assert "add --resume" in refused[0]["error"]

    *results, last = finished(start(clips, "-o", folder, "--shards", "--resume"))
    assert {line["job"] for line in results} == JOBS - set(before)
    assert last["report"]["earlier"] == len(before)
    assert Counter(journal(folder)) == Counter(JOBS)
    assert content(folder) == content(made)
    assert is_tidy(folder)


def test_a_clip_killed_while_it_is_encoded_goes_on_after_its_last_segment(
    sample_pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    frames = [cv2.resize(rgb, (200, 150), interpolation=cv2.INTER_AREA) for rgb in sample_pictures[150:210]]
    times = np.cumsum(np.resize([40, 30, 50], len(frames))).tolist()
    clip = make_clip(tmp_path / "man.mp4", ClipSpec(size_wh=(200, 150), pts=times, audio="aac"), pictures=frames)
    settings = tmp_path / "settings.toml"
    settings.write_text("segment_frames = 5\n")
    options = ("--sides", "left", "--settings", settings)
    whole, folder = tmp_path / "whole", tmp_path / "set"
    (undisturbed, _) = finished(start(clip, "-o", whole, *options))
    assert undisturbed["segments_found"] == 0

    process = start(clip, "-o", folder, *options)
    wait_for(lambda: len(_segments(folder)) >= 2 or None)
    worker = process_of(folder / "logs" / "man-left-hb3.log")
    process.kill()
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    process.communicate(timeout=240)
    wait_for(lambda: None if is_alive(worker) else 0, 20)
    there = len(_segments(folder))
    assert 2 <= there < len(frames) // 5

    result, _ = finished(start(clip, "-o", folder, *options, "--resume"))
    assert result["segments_found"] == there
    assert Counter(journal(folder)) == Counter(["man-left-hb3"])
    assert content(folder) == content(whole)
    (video,) = folder.rglob("*.mp4")
    assert video_pts(video) == video_pts(clip)
    assert packets(video, "audio") == packets(clip, "audio")
    assert is_tidy(folder)


def _segments(folder: Path) -> list[Path]:
    """Return the segments that are finished."""
    found = (folder / ".afet-batch" / "work" / "checkpoints").glob("*/segments-*/*")
    return [path for path in found if not path.name.startswith(".")]


def _working(folder: Path) -> list[int]:
    """Return the processes of jobs that have begun and not ended."""
    texts = [log.read_text() for log in (folder / "logs").glob("*.log")]
    return [int(re.findall(r"process (\d+)", text)[-1]) for text in texts if "process" in text and "done" not in text]


def test_a_worker_that_dies_takes_down_its_own_job_alone(clips: Path, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    process = start(clips / "man.mp4", clips / "smile.mp4", "-o", folder, "--sides", "left")
    log = folder / "logs" / "man-left-hb3.log"
    for attempt in (1, 2):
        os.kill(wait_for(lambda attempt=attempt: process_of(log, attempt)), signal.SIGKILL)
    *results, last = finished(process, code=1)
    ended = {line["job"]: line["error"] for line in results}
    assert ended.keys() == {"man-left-hb3", "smile-left-hb3"}
    assert ended["smile-left-hb3"] is None
    assert "the worker process died, in 2 attempts" in ended["man-left-hb3"]
    assert [name for name, _ in last["report"]["failed"]] == ["man-left-hb3"]

    (row,) = map(json.loads, (folder / "retry.jsonl").read_text().splitlines())
    assert (row["name"], row["sides"], row["profiles"]) == ("man", ["left"], ["hb3"])
    finished(start(folder / "retry.jsonl", "--root", clips, "-o", folder, "--resume"))
    assert not (folder / "retry.jsonl").exists()
    assert Counter(journal(folder)) == Counter(ended.keys())
    mine, theirs = (content(where, (".tracks.parquet", ".mp4")) for where in (folder, made))
    same = {Path(name).name: data for name, data in theirs.items()}
    assert len(mine) == 4
    assert all(data == same[Path(name).name] for name, data in mine.items())


@pytest.mark.needs("ray")
def test_ray_makes_the_same_data_set_though_a_worker_is_killed(clips: Path, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    process = start(clips, "-o", folder, "--shards", "--engine", "ray")
    log = folder / "logs" / "smile-left-hb3.log"
    os.kill(wait_for(lambda: process_of(log)), signal.SIGKILL)
    *results, _ = finished(process)
    assert Counter(line["job"] for line in results) == Counter(JOBS)
    assert len(re.findall(r"process \d+", log.read_text())) == 2
    assert Counter(journal(folder)) == Counter(JOBS)
    assert content(folder) == content(made)
    assert is_tidy(folder)


_CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(True, head_node_args={"num_cpus": 2, "include_dashboard": False, "object_store_memory": 100 * 2**20})
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.mark.needs("ray")
def test_a_cluster_that_runs_is_found_at_its_address(
    clips: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    folder = tmp_path / "set"
    cluster = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert cluster.stdout is not None
        port = cluster.stdout.readline().strip().rpartition(":")[2]
        options = ("--sides", "left", "--engine", "ray", "--ray-address", f"127.0.0.1:{port}")
        finished(start(clips / "man.mp4", "-o", folder, *options))
        assert cluster.poll() is None, "the cluster is not ours to end"
    finally:
        try:
            cluster.communicate(timeout=120)
        except subprocess.TimeoutExpired:  # its parts may be slow to find each other gone
            cluster.kill()
    mine, theirs = (content(where, (".tracks.parquet", ".mp4")) for where in (folder, made))
    same = {Path(name).name: data for name, data in theirs.items()}
    assert len(mine) == 2
    assert all(data == same[Path(name).name] for name, data in mine.items())


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:70000", "ray://127.0.0.1:1", "[::1]:1"])
def test_an_address_where_nothing_answers_is_refused_at_once(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_address(address)
    assert f"no Ray cluster at {address}: " in str(caught.value)
    assert "ray start --head" in str(caught.value)


@pytest.mark.needs("ray")
def test_nothing_has_begun_when_there_is_no_cluster(clips: Path, tmp_path: Path) -> None:
    (line,) = finished(start(clips, "-o", tmp_path / "set", "--engine", "ray", "--ray-address", "127.0.0.1:1"), code=1)
    assert "no Ray cluster at 127.0.0.1:1: " in line["error"]
    assert not (tmp_path / "set").exists()


def test_addresses_that_ray_looks_up_are_left_to_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_address(f"127.0.0.1:{server.getsockname()[1]}")
    check_address("auto")


def test_a_clip_that_changed_since_the_batch_began_is_not_taken_for_what_it_was(clips: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    shutil.copy(clips / "man.mp4", clip)
    folder = Folder(tmp_path / "set")
    folder.prepare()
    (job, _) = plan_jobs(read_inputs([clip]).clips, BatchSettings(), folder).jobs
    with clip.open("ab") as file:
        file.write(b"0")
    result = run_job(job)
    assert result.error == f"{clip}: it has changed since the batch began: run the batch again with --resume"
    assert not list(folder.done.iterdir())
