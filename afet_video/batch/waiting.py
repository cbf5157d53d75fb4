"""The jobs that wait, in the order in which an engine should begin them.

in: jobs -> out: the next one.  Must not: run one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from afet_video.batch.job import Job


class Waiting:
    """A line of jobs, in which a clip's further jobs stand back while its first one finds the face for all of them.

    Parameters
    ----------
    jobs : in the order in which they are to begin.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        self._known: set[str] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    def take(self, running: Iterable[Job]) -> Job | None:
        """Return the next job that may begin beside those that run, or None if all have to wait."""
        busy = {job.source for job in running} - self._known
        for place, job in enumerate(self._jobs):
            if job.source not in busy:
                return self._jobs.pop(place)
        return None

    def put_back(self, job: Job) -> None:
        """Let a job begin again, before all others."""
        self._jobs.insert(0, job)

    def ended(self, job: Job) -> None:
        """Take note that a job of a clip has ended: nothing holds its others back any more."""
        self._known.add(job.source)
