"""How good a conversion is: source, result and landmark track in, figures with their targets out.

in: files -> out: reports.  Must not: judge beyond the targets, print, or leave a file.
"""

from afet_video.evaluation.figures import EvaluationReport, Figure
from afet_video.evaluation.run import evaluate
from afet_video.evaluation.sweep import SweepReport, sweep

__all__ = ["EvaluationReport", "Figure", "SweepReport", "evaluate", "sweep"]
