"""Whatever is killed, nothing is lost, nothing is done twice, and the data set is the same."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.conftest import JOBS, content, finished, is_tidy, journal, start


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
    process.communicate()
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
