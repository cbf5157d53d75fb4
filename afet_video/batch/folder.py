"""Where a batch keeps what, and that no two of them share a folder at a time.

in: the folder the user named -> out: paths, a lock.  Must not: delete what a user put there.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afet_video.errors import OutputError
from afet_video.outputs import disk_errors


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder `root` of a data set, and the paths in it."""

    root: Path

    @property
    def state(self) -> Path:
        """Everything that is needed to go on; stays after the batch, and is small then."""
        return self.root / ".afet-batch"

    @property
    def journal(self) -> Path:
        """One line for each job that ended."""
        return self.state / "journal.jsonl"

    @property
    def done(self) -> Path:
        """What is finished, and has no place in a split yet."""
        return self.state / "done"

    @property
    def work(self) -> Path:
        """Temporary files and checkpoints; gone after a batch."""
        return self.state / "work"

    @property
    def looks(self) -> Path:
        """What the people in the clips look like."""
        return self.state / "looks"

    @property
    def logs(self) -> Path:
        """One text file a job."""
        return self.root / "logs"

    @property
    def retry(self) -> Path:
        """Manifest of what failed."""
        return self.root / "retry.jsonl"

    def check(self, *, resume: bool) -> None:
        """Refuse a folder that holds something that it should not.

        Raises
        ------
        OutputError
            With what to do instead.
        """
        if self.root.exists() and not self.root.is_dir():
            raise OutputError(f"{self.root} is a file: give the name of a folder")
        if self.journal.exists() and not resume:
            raise OutputError(f"{self.root} holds a batch already: add --resume to go on, or choose another folder")
        if not self.journal.exists() and self.root.is_dir() and any(self.root.iterdir()) and not self.state.exists():
            raise OutputError(f"{self.root} is not empty and no batch of afet-video: choose another folder")

    def prepare(self) -> None:
        """Make the folders; what a killed run left half-done is deleted, checkpoints stay.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        with disk_errors(self.root / "data set"):
            for path in (self.done, self.work / "checkpoints", self.looks, self.logs):
                path.mkdir(parents=True, exist_ok=True)
            for left in self.work.iterdir():
                if left.name != "checkpoints":
                    shutil.rmtree(left, ignore_errors=True)

    def close(self, *, is_complete: bool) -> None:
        """Delete temporary files; checkpoints too, if there is nothing left to do."""
        for left in self.work.iterdir() if self.work.is_dir() else ():
            if is_complete or left.name != "checkpoints":
                shutil.rmtree(left, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that a second batch in it is refused; the lock ends with the process, however it ends.

        Raises
        ------
        OutputError
            If another process holds it.
        """
        with disk_errors(self.state):
            self.state.mkdir(parents=True, exist_ok=True)
            lock = (self.state / "lock").open("a")
        with lock:
            _lock(lock.fileno(), self.root)
            yield


def _lock(descriptor: int, root: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nothing keeps a second batch out
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"another batch is at work in {root}: wait for it, or choose another folder") from error
