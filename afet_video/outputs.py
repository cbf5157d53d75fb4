"""Files that appear whole or not at all.

in: final paths -> out: temporary paths beside them, renamed together at the end.  Must not: know what is in a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from afet_video.errors import OutputError


class Outputs:
    """A set of output files which all appear at a clean exit, and none otherwise.

    Use as a context manager: `path_for(target)` gives the temporary path to write to (same folder, same suffix).

    Parameters
    ----------
    overwrite : whether a target that exists may be replaced.
    """

    def __init__(self, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._pending: dict[Path, Path] = {}

    def path_for(self, target: Path) -> Path:
        """Return the path to write to in place of `target`.

        Raises
        ------
        OutputError
            If the target exists (without `overwrite`), is a folder, or its folder is missing or not writable.
        """
        target = target.absolute()
        check_target(target, overwrite=self._overwrite)
        temporary = target.with_name(f".{_short(target.stem)}.{uuid.uuid4().hex[:8]}.part{target.suffix}")
        _try_out(temporary, target)
        self._pending[target] = temporary
        return temporary

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for target, temporary in self._pending.items():
                    temporary.replace(target)
        finally:
            for temporary in self._pending.values():
                temporary.unlink(missing_ok=True)


def check_name(path: Path) -> None:
    """Raise `OutputError` if a file system or a side-car cannot hold the name of `path`."""
    try:
        str(path).encode()
        path.stat()
    except UnicodeEncodeError:
        shown = str(path).encode("utf-8", "backslashreplace").decode()
        raise OutputError(f"{shown}: the name is not UTF-8; rename the file or folder") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(f"{path}: the name is too long for its folder; choose a shorter one") from None


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` if `target` cannot become a file of ours."""
    check_name(target)
    if target.is_dir():
        raise OutputError(f"{target} is a folder: give the name of a file in it")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists already: choose another name or add --overwrite")
    if target.exists() and not target.is_file():
        raise OutputError(f"{target} is a pipe or a device, not a file: choose another name")
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent} is not a folder: create it first")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"{target.parent} is not writable: choose another folder or change its permissions")


def _short(stem: str) -> str:
    """Return the start of a name, at most 80 bytes: file systems count bytes."""
    return os.fsdecode(os.fsencode(stem)[:80]) if stem.isascii() else stem[:20]


def _try_out(temporary: Path, target: Path) -> None:
    """Make the temporary file and remove it: what the folder refuses is known before the work, not after."""
    with disk_errors(target):
        with temporary.open("xb"):
            pass
        temporary.unlink()


@contextlib.contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn an operating-system error while writing `target` into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(
                f"the disk that holds {target.parent} is full: free some space and start again"
            ) from error
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
