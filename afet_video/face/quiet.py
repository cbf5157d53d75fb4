"""Keep log lines of native code off the user's terminal.

in: a block of code -> out: the same block, with known native log lines dropped from standard error.  Must not: lose
anything else that is written there.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afet_video.errors import ModelFileError

_NATIVE_LINE = re.compile(rb"[WI]\d{4} |INFO: |WARNING: (Logging before|All log messages before)")
"""How glog / absl and TensorFlow Lite begin an informative line or a warning; errors (E, F) pass."""

_STDERR = 2
_one_at_a_time = threading.Lock()
"""The file descriptor belongs to the whole process: two nested diversions would leave it diverted for good."""


@contextlib.contextmanager
def native_log_dropped() -> Iterator[None]:
    """Divert file descriptor 2 during the block, then pass on every line that is not a native log line.

    Environment variables (GLOG_minloglevel, TF_CPP_MIN_LOG_LEVEL) have no effect on MediaPipe's Tasks library, and its
    lines come from threads of its own, so the descriptor is the only handle. What other threads of this program write
    meanwhile appears when the block ends. Without a usable descriptor 2 the block simply runs.
    """
    with _one_at_a_time, contextlib.ExitStack() as undo:
        try:
            saved = os.dup(_STDERR)
        except OSError:
            yield
            return
        undo.callback(os.close, saved)
        caught = undo.enter_context(tempfile.TemporaryFile())
        _flush_python()
        os.dup2(caught.fileno(), _STDERR)
        try:
            yield
        finally:
            _flush_python()
            os.dup2(saved, _STDERR)
            caught.seek(0)
            for line in caught:
                if not _NATIVE_LINE.match(line):
                    os.write(_STDERR, line)


def opened(task: Any, options: Any, model: Path | None) -> Any:
    """Return MediaPipe's `task` made from `options`, whose model file is `model`; its log lines are dropped.

    Raises
    ------
    ModelFileError
        If MediaPipe refuses the file.
    """
    try:
        with native_log_dropped():
            return task.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(f"MediaPipe refuses {model} ({reason}): install mediapipe again") from error


def _flush_python() -> None:
    """Send what Python holds back of standard error to where the descriptor points now."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
