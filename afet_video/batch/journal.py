"""What has been done, so that nothing is done twice: a file to which lines are only ever added.

in: results <-> out: `journal.jsonl`.  Must not: rewrite a line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from afet_video.batch.job import JobResult
from afet_video.closing import Closing
from afet_video.outputs import disk_errors


class Journal(Closing):
    """The journal of a batch; use it as a context manager.

    Parameters
    ----------
    path : the file; made if it is not there. A line that a kill cut short is taken out.

    Attributes
    ----------
    results : the last result of each job by its name.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.results: dict[str, JobResult] = {}
        self._path = path
        with disk_errors(path):
            self._file: IO[bytes] = path.open("a+b")
            self._file.seek(0)
            whole = 0
            for line in self._file:
                if not line.endswith(b"\n"):
                    break
                result = JobResult.from_mapping(json.loads(line))
                self.results[result.name] = result
                whole += len(line)
            self._file.truncate(whole)

    def add(self, result: JobResult) -> None:
        """Write a result; when this returns, it is on the disk.

        Raises
        ------
        OutputError
            If the disk refuses it.
        """
        line = json.dumps(result.to_mapping(), ensure_ascii=False) + "\n"
        with disk_errors(self._path):
            self._file.write(line.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        self.results[result.name] = result

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self._file.close()
