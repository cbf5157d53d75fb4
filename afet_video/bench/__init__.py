"""How fast afet-video is on this machine.

in: a clip -> out: figures, with the targets beside them.  Must not: judge them, print, or leave a file.
"""

from afet_video.bench.figures import BenchReport, Figure
from afet_video.bench.run import ON_REQUEST, PARTS, BenchSettings, run_bench

__all__ = ["ON_REQUEST", "PARTS", "BenchReport", "BenchSettings", "Figure", "run_bench"]
