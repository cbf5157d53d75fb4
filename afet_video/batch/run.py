"""A batch, from top to bottom.

in: inputs, a folder, settings -> out: a data set, a report.  Must not: parse arguments, print.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from afet_video.batch.card import card
from afet_video.batch.croissant import check_croissant, write_croissant
from afet_video.batch.dataset import DataSet, assemble, is_there, write_atomically
from afet_video.batch.folder import Folder
from afet_video.batch.job import Job, JobResult
from afet_video.batch.journal import Journal
from afet_video.batch.limits import check_space, default_workers, needed_bytes
from afet_video.batch.manifest import read_inputs
from afet_video.batch.on_processes import run_on_processes
from afet_video.batch.on_ray import check_address, load_ray, run_on_ray
from afet_video.batch.plan import Plan, known_person, plan_jobs
from afet_video.batch.settings import BatchSettings
from afet_video.batch.shards import write_shards
from afet_video.datatypes import unreported
from afet_video.errors import InputError
from afet_video.profiles import PRESETS

ResultCallback = Callable[[JobResult], None]


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What a batch did.

    `done`, `failed` (name, reason) and `left`: jobs of this run that ended well, that did not, and that were not begun;
    `earlier`: jobs that an earlier run had done. `refused`: inputs that could not be taken, and why. `stopped`: why it
    ended early, None = it did not. `videos`: by split, of the whole data set. `peak_memory`: bytes, of the largest
    worker; `needed_space`: bytes, as estimated.
    """

    folder: Path
    done: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    left: int
    earlier: int
    refused: tuple[tuple[str, str], ...]
    stopped: str | None
    videos: dict[str, int]
    notes: tuple[str, ...]
    retry: Path | None
    retry_root: Path | None
    workers: int
    needed_space: int
    peak_memory: int

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for is there."""
        return not (self.failed or self.refused or self.left)


def make_batch(
    inputs: Sequence[str | Path],
    target: str | Path,
    *,
    settings: BatchSettings | None = None,
    resume: bool = False,
    on_plan: Callable[[int], None] | None = None,
    on_result: ResultCallback | None = None,
) -> BatchReport:
    """Convert many videos, each with every side and profile asked for, into a data set.

    Parameters
    ----------
    inputs : videos, folders of videos, manifests (.csv, .jsonl, .parquet).
    target : the data set's folder.
    settings : what to make of each, and how; one seed gives one data set, in tracks and tables byte for byte.
    resume : go on in a folder in which a batch was killed, stopped or had failures; nothing finished is done again.
    on_plan, on_result : called with the number of jobs of this run, and with every job that ended, once it is on the
        disk.

    Returns
    -------
    BatchReport. A clip that fails does not end the batch.

    Raises
    ------
    InputError, SettingsError
        If there is nothing that can be tried, or a manifest or setting is wrong.
    OutputError
        If the folder cannot be used, or has less space than the results need.
    """
    settings, folder = settings or BatchSettings(), Folder(Path(target).absolute())
    workers = settings.workers or default_workers()
    if settings.croissant:
        check_croissant()
    if settings.engine == "ray":
        load_ray()
        if settings.ray_address is not None:
            check_address(settings.ray_address)
    found = read_inputs([Path(path) for path in inputs], root=settings.root, person=settings.person)
    if not found.clips:
        raise InputError("; ".join(line for _, line in found.refused))
    folder.check(resume=resume)
    with folder.locked():
        folder.prepare()
        with Journal(folder.journal) as journal:
            plan = plan_jobs(found.clips, settings, folder)
            todo = [job for job in plan.jobs if not _is_done(job, journal, folder)]
            needed = needed_bytes(todo, workers, shards=settings.shards, lossless=settings.convert.encode.lossless)
            check_space(folder.root, needed)
            if on_plan is not None:
                on_plan(len(todo))
            run = _Run(settings, on_result or unreported)
            try:
                run.work_off(todo, workers, journal)
            finally:
                folder.close(is_complete=not run.failed and len(run.done) == len(todo))
            data = _finish(folder, _with_people(journal.results.values(), plan), settings)
        retry = _write_retry(folder, plan, run.failed)
    return BatchReport(
        folder=folder.root,
        done=tuple(run.done),
        failed=tuple(run.failed.items()),
        left=len(todo) - len(run.done) - len(run.failed),
        earlier=len(plan.jobs) - len(todo),
        refused=tuple(found.refused),
        stopped=run.stopped,
        videos={split: len(rows) for split, rows in data.rows.items()},
        notes=data.notes,
        retry=folder.retry if retry is not None else None,
        retry_root=retry,
        workers=workers,
        needed_space=needed,
        peak_memory=run.peak_memory,
    )


@dataclass(slots=True)
class _Run:
    """Works the jobs off and remembers what became of them."""

    settings: BatchSettings
    on_result: ResultCallback
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    peak_memory: int = 0

    def work_off(self, jobs: Sequence[Job], workers: int, journal: Journal) -> None:
        if not jobs:
            return
        with contextlib.closing(self._engine(jobs, workers)) as results:
            for result in results:
                journal.add(result)
                self._count(result)
                self.on_result(result)
                if self.stopped is not None:
                    return

    def _engine(self, jobs: Sequence[Job], workers: int) -> Generator[JobResult, None, None]:
        if self.settings.engine == "ray":
            return run_on_ray(jobs, workers, self.settings.ray_address)
        return run_on_processes(jobs, workers)

    def _count(self, result: JobResult) -> None:
        self.peak_memory = max(self.peak_memory, result.peak_memory)
        if result.error is None:
            self.done.append(result.name)
            return
        self.failed[result.name] = result.error
        most = self.settings.max_failures
        if result.is_disk_full:
            self.stopped = "the disk is full"
        elif most is not None and len(self.failed) > most:
            self.stopped = f"{len(self.failed)} jobs have failed, more than the {most} allowed"


def _is_done(job: Job, journal: Journal, folder: Folder) -> bool:
    result = journal.results.get(job.name)
    return (
        result is not None
        and result.error is None
        and result.fingerprint == job.fingerprint
        and is_there(folder, job.name)
    )


def _with_people(results: Iterable[JobResult], plan: Plan) -> list[JobResult]:
    """Return the results with the people that are known of now: an earlier run may have been told others."""
    return [
        replace(result, facts={**result.facts, **known_person(plan.clips[result.facts["clip"]].clip)})
        if result.facts.get("clip") in plan.clips
        else result
        for result in results
    ]


def _finish(folder: Folder, results: Sequence[JobResult], settings: BatchSettings) -> DataSet:
    data = assemble(folder, results, settings)
    write_atomically(folder.root / "README.md", card(data, settings).encode())
    if settings.shards:
        write_shards(folder.root, data.rows, largest_bytes=settings.shard_mb * 1_000_000)
    if settings.croissant:
        write_croissant(folder.root)
    return data


def _write_retry(folder: Folder, plan: Plan, failed: dict[str, str]) -> Path | None:
    """Write the manifest of the clips that failed, and return the folder it is to be read with; None if none did."""
    if not failed:
        folder.retry.unlink(missing_ok=True)
        return None
    rows: dict[str, dict[str, Any]] = {}
    for job in plan.jobs:
        if job.name not in failed:
            continue
        clip = plan.clips[job.facts["clip"]].clip
        row = rows.setdefault(clip.name, {"file": job.source, "name": clip.name, "sides": [], "profiles": []})
        if clip.person is not None:
            row["person"] = clip.person
        for key, value in (("sides", job.facts["side"]), ("profiles", job.facts["profile"])):
            if value not in row[key]:
                row[key].append(value)
    for row in rows.values():
        if any(name not in PRESETS for name in row["profiles"]):
            del row["profiles"]  # files: to be given with --profiles again
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values())
    write_atomically(folder.retry, text.encode())
    return Path(os.path.commonpath([Path(row["file"]).parent for row in rows.values()]))
