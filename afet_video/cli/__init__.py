"""The command line: ``afet-video``.

in: arguments -> out: an exit code.  Must not: do any work itself, or import a stage before a command runs.
"""

from afet_video.cli.app import app, main

__all__ = ["app", "main"]
