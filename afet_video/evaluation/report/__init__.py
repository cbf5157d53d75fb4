"""The report: one HTML file with everything in it.

in: an `EvaluationReport` -> out: .html.  Must not: measure, or load anything from a network.
"""

from afet_video.evaluation.report.write import write_report

__all__ = ["write_report"]
