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
from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from afet_video.batch.job import Job, JobResult, run_job

ATTEMPTS = 2
"""How often a job is tried whose worker dies."""


def run_on_processes(jobs: Sequence[Job], workers: int) -> Generator[JobResult, None, None]:
    """Yield the result of every job; closing the generator kills the workers.

    A job whose worker dies is tried once more in a new one, and has then failed.
    """
    waiting = deque((job, 1) for job in jobs)
    pool = [_Worker() for _ in range(min(workers, len(jobs)))]
    try:
        while waiting or any(worker.task for worker in pool):
            for worker in pool:
                if worker.task is None and waiting:
                    worker.give(*waiting.popleft())
            busy = {worker.connection: worker for worker in pool if worker.task}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                job, attempt = worker.task  # type: ignore[misc]
                result = worker.result()
                if result is not None:
                    yield result
                    continue
                pool[pool.index(worker)] = _Worker()
                if attempt < ATTEMPTS:
                    waiting.appendleft((job, attempt + 1))
                else:
                    yield died(job, f"exit code {worker.exit_code}")
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
        self.task: tuple[Job, int] | None = None
        self._process: BaseProcess = context.Process(target=_work, args=(theirs,), name="afet-batch", daemon=True)
        self._process.start()
        theirs.close()

    def give(self, job: Job, attempt: int) -> None:
        self.task = (job, attempt)
        with contextlib.suppress(OSError):  # a dead one is noticed when its result is waited for
            self.connection.send(job)

    def result(self) -> JobResult | None:
        """Return the result that is there, or None if the process has died."""
        self.task = None
        try:
            return JobResult.from_mapping(self.connection.recv())
        except (EOFError, OSError):
            self.kill()
            return None

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
