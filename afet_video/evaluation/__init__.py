"""How good a conversion is: source, result and landmark track in, figures with their targets out.

in: files -> out: reports.  Must not: judge beyond the targets, print, or leave a file.
"""

from afet_video.evaluation.dataset import DatasetReport, evaluate_dataset
from afet_video.evaluation.figures import EvaluationReport, Figure
from afet_video.evaluation.halves import export_half_faces
from afet_video.evaluation.report.write import check_report, write_report
from afet_video.evaluation.run import evaluate
from afet_video.evaluation.sweep import SweepReport, sweep
from afet_video.evaluation.units.backends import UnitSettings

__all__ = [
    "DatasetReport",
    "EvaluationReport",
    "Figure",
    "SweepReport",
    "UnitSettings",
    "check_report",
    "evaluate",
    "evaluate_dataset",
    "export_half_faces",
    "sweep",
    "write_report",
]
