"""One job of a batch: one clip, one side, one profile.

in: a `Job` -> out: a `JobResult`; the same wherever it runs.  Must not: know an engine, the journal or other jobs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from afet_video.batch.people import save_looks
from afet_video.errors import AfetError, InputError, OutputError
from afet_video.outputs import disk_errors
from afet_video.passes.settings import ConvertSettings
from afet_video.pipeline import convert
from afet_video.settings_io import settings_from_mapping
from afet_video.tracks import sha256_file

PARTS = {"video": ".mp4", "tracks": ".tracks.parquet", "sidecar": ".afet.json"}
"""What a job writes, by the ends of the names."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one job needs to know; plain values, so that it can travel.

    `facts`: what its result shall say of it, too. `settings`: `ConvertSettings` as a mapping. `look`: where to keep
    what the people look like, None = nobody wants to know. `done`: folder for what is finished; `work`: one for
    everything else. `fingerprint`: of the source's content and the settings; what another one has made does not count
    as done.
    """

    name: str
    source: str
    facts: Mapping[str, Any]
    settings: Mapping[str, Any]
    fingerprint: str
    done: str
    work: str
    log: str
    look: str | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job; `error` is one line, None = done.

    `sha256` by `PARTS`. `seconds`, `peak_memory` (bytes, of the worker so far) and `segments_found` (of the video, from
    an earlier run) are of this run, and go into no data set. `is_disk_full`: no other job has a chance either.
    """

    name: str
    fingerprint: str
    error: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory: int = 0
    segments_found: int = 0
    is_disk_full: bool = False
    warnings: tuple[str, ...] = ()

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"warnings": list(self.warnings)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> JobResult:
        """Return what `to_mapping` gave."""
        return cls(**{**mapping, "warnings": tuple(mapping["warnings"])})


def run_job(job: Job) -> JobResult:
    """Convert a clip into the folder of finished ones; whatever goes wrong is in the result.

    The log gets what is printed meanwhile, by native code too. Temporary files lie in the work folder.
    """
    start = time.perf_counter()
    try:
        with (
            disk_errors(Path(job.log)),
            Path(job.log).open("a", encoding="utf-8", buffering=1) as log,
            _standard_error_into(log.fileno()),
        ):
            log.write(f"{job.name}: process {os.getpid()}, source {job.source}\n")
            result = _attempt(job)
            log.write(_ending(result, time.perf_counter() - start))
    except AfetError as error:
        result = _failed(job, error)
    return _with_costs(result, time.perf_counter() - start)


def _attempt(job: Job) -> JobResult:
    folder = Path(job.work) / f"{job.name}.{uuid.uuid4().hex[:8]}"
    try:
        with disk_errors(folder):
            folder.mkdir()
        with _temporary_files_in(folder):
            return _convert(job, folder)
    except Exception as error:  # noqa: BLE001 - one clip must not take the others with it
        return _failed(job, error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _convert(job: Job, folder: Path) -> JobResult:
    content, planned = sha256_file(Path(job.source)), job.facts["source_sha256"]
    if content != planned:
        raise InputError(f"{job.source}: it has changed since the batch began: run the batch again with --resume")
    report = convert(
        job.source,
        folder / f"{job.name}{PARTS['video']}",
        settings=settings_from_mapping(ConvertSettings, job.settings),
        checkpoints=Path(job.work) / "checkpoints",
        source_sha256=content,
    )
    made = {part: folder / f"{job.name}{end}" for part, end in PARTS.items()}
    if job.look is not None:
        save_looks(Path(job.look), Path(job.source), made["tracks"])
    hashes = {part: sha256_file(path) for part, path in made.items()}
    with disk_errors(Path(job.done)):
        for path in reversed(made.values()):  # the video last: where it is, all is
            with path.open("r+b") as file:
                os.fsync(file.fileno())
            path.replace(Path(job.done) / path.name)
    facts = {
        **job.facts,
        "side": str(report.profile.side),
        "frames": report.frames,
        "duration_s": report.duration_s,
        "frames_by_status": dict(report.frames_by_status),
        "people": len(report.people),
    }
    return JobResult(
        job.name,
        job.fingerprint,
        facts=facts,
        sha256=hashes,
        segments_found=report.segments_found,
        warnings=report.warnings,
    )


def _failed(job: Job, error: Exception) -> JobResult:
    line = " ".join(str(error).split())
    if not isinstance(error, AfetError):
        line = f"unexpected {type(error).__name__}: {line} (a bug, sorry: convert it alone with AFET_DEBUG=1)"
    cause = error.__cause__ if isinstance(error, OutputError) else error
    is_full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
    return JobResult(job.name, job.fingerprint, error=line, is_disk_full=is_full)


def _with_costs(result: JobResult, seconds: float) -> JobResult:
    return JobResult.from_mapping(
        result.to_mapping() | {"seconds": round(seconds, 3), "peak_memory": peak_memory_bytes()}
    )


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held, 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _ending(result: JobResult, seconds: float) -> str:
    lines = [f"warning: {text}" for text in result.warnings]
    lines.append(f"error: {result.error}" if result.error else f"done in {seconds:.1f} s")
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextlib.contextmanager
def _standard_error_into(descriptor: int) -> Iterator[None]:
    """Send everything that this process writes to its standard error elsewhere, by native code too."""
    sys.stderr.flush()
    saved = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
