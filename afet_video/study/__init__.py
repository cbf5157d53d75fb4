"""A rater study: can people tell generated items from real ones?

in: real and generated pictures and clips -> out: an offline page for raters; their decisions -> figures.
Must not: let anything but what an item shows tell the rater what it is.
"""

from afet_video.study.make import StudyReport, make_study
from afet_video.study.score import RaterScore, StudyScore, score_study

__all__ = ["RaterScore", "StudyReport", "StudyScore", "make_study", "score_study"]
