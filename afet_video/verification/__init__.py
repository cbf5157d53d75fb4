"""Is a file marked as synthetic, and is it still what was written?

in: any output -> out: its marks, and whether the hashes fit.  Must not: change a file.
"""

from afet_video.verification.marks import Mark, read_marks
from afet_video.verification.run import Check, Verification, verify

__all__ = ["Check", "Mark", "Verification", "read_marks", "verify"]
