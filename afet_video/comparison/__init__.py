"""Methods side by side: results that are there, or simpler methods made on the spot, with the same figures for all.

in: a video, results or names of methods -> out: a table of figures, a contact sheet.  Must not: measure in a way of its
own: the figures are those of `evaluation`.
"""

from afet_video.comparison.liveportrait import LivePortraitSettings
from afet_video.comparison.method import Method
from afet_video.comparison.methods import METHODS
from afet_video.comparison.run import ComparedMethod, Comparison, compare_methods, compare_results

__all__ = [
    "METHODS",
    "ComparedMethod",
    "Comparison",
    "LivePortraitSettings",
    "Method",
    "compare_methods",
    "compare_results",
]
