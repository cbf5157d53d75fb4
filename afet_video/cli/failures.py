"""Errors become one clear line and an exit code.

in: what a command raises -> out: a line on stderr (or one JSON object on stdout), an exit code.
Must not: hide a traceback that was asked for (AFET_DEBUG=1).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator

import typer

from afet_video.errors import AfetError

FAILED = 1
INTERRUPTED = 130
"""128 + SIGINT, as shells count it."""
TERMINATED = 143
"""128 + SIGTERM."""

DEBIAN_PACKAGES = "libegl1 libgl1 libgles2 libglib2.0-0"
"""What MediaPipe and OpenCV need beyond a bare Debian."""

_MISSING_LIBRARY = re.compile(r"(\S+\.so\S*): cannot open shared object file")


@contextlib.contextmanager
def errors_as_lines(*, as_json: bool) -> Iterator[None]:
    """Run a command's body: whatever it raises leaves as one line and the exit code that belongs to it.

    With `as_json` the line goes to stdout as ``{"error": ..., "kind": ...}``. With AFET_DEBUG=1 in the environment
    errors pass as they are, with their traceback.
    """
    try:
        yield
    except typer.Exit:
        raise
    except BrokenPipeError:
        raise  # the reader of stdout has gone (`| head`): typer ends quietly
    except KeyboardInterrupt:
        _report("interrupted: no output was written", "KeyboardInterrupt", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if os.environ.get("AFET_DEBUG") == "1":
            raise
        _report(_line(error), type(error).__name__, as_json=as_json)
        raise typer.Exit(FAILED) from error


def _line(error: Exception) -> str:
    if isinstance(error, AfetError):
        return _one_line(str(error))
    missing = _MISSING_LIBRARY.search(str(error))
    if isinstance(error, ImportError | OSError) and missing:
        return (
            f"the system library {missing[1]} is missing: on Debian or Ubuntu run `apt-get install {DEBIAN_PACKAGES}`"
        )
    what = _one_line(f"{type(error).__name__}: {error}")
    return f"unexpected {what} (a bug, sorry: run again with AFET_DEBUG=1 set and report the traceback)"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _report(line: str, kind: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": line, "kind": kind}))
    else:
        typer.echo(f"afet-video: error: {line}", err=True)
