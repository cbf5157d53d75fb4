"""The local engine: a few processes of this computer, each of which may die without harm to the others.

in: jobs -> out: results, as they come.  Must not: know what a job does.

The standard library's pool gives up altogether when one of its processes dies; so there is a small one here.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from afet_video.batch.job import Job, JobResult, run_job
from afet_video.batch.waiting import Waiting

ATTEMPTS = 2
"""How often a job is tried whose worker dies."""


def run_on_processes(jobs: Sequence[Job], workers: int) -> Generator[JobResult, None, None]:
    """Yield the result of every job; closing the generator kills the workers.

    A job whose worker dies is tried once more in a new one, and has then failed.
    """
    waiting = Waiting(jobs)
    deaths: Counter[str] = Counter()
    pool = [_Worker() for _ in range(min(workers, len(jobs)))]
    try:
        while waiting or any(worker.job for worker in pool):
            for worker in pool:
                job = None if worker.job else waiting.take(other.job for other in pool if other.job)
                if job is not None:
                    worker.give(job)
            busy = {worker.connection: worker for worker in pool if worker.job}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                job, result = worker.result()
                if result is None:
                    pool[pool.index(worker)] = _Worker()
                    deaths[job.name] += 1
                    if deaths[job.name] < ATTEMPTS:
                        waiting.put_back(job)
                        continue
                    result = died(job, f"exit code {worker.exit_code}")
                waiting.ended(job)
                yield result
    finally:
        for worker in pool:
            worker.kill()


def died(job: Job, how: str) -> JobResult:
    """Return the result of a job whose workers died."""
    line = f"{job.source}: the worker process died, in {ATTEMPTS} attempts ({how}; out of memory?): see {job.log}"
    return JobResult(job.name, job.fingerprint, error=line)


class _Worker:
    """A process that does one job after the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.job: Job | None = None
        self._process: BaseProcess = context.Process(target=_work, args=(theirs,), name="afet-batch", daemon=True)
        self._process.start()
        theirs.close()

    def give(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(OSError):  # a dead one is noticed when its result is waited for
            self.connection.send(job)

    def result(self) -> tuple[Job, JobResult | None]:
        """Return the job and its result, which is there, or None if the process has died."""
        job, self.job = self.job, None
        assert job is not None
        try:
            return job, JobResult.from_mapping(self.connection.recv())
        except (EOFError, OSError):
            self.kill()
            return job, None

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self.connection.close()
        self._process.kill()
        self._process.join()


def _work(connection: Connection) -> None:
    """Do the jobs that come; Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.dup2(2, 1)  # the standard output is the parent's alone
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            connection.send(run_job(connection.recv()).to_mapping())


def _die_with_parent() -> None:
    """Wait for the parent's end: a worker that outlived it would write into the folder of the batch that goes on."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
