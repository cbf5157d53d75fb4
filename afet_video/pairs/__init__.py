"""Pairs out of footage: frames of one person at rest and with an expression, alike in all else.

in: videos -> out: a data set.  Must not: change a face; every pixel is the video's own.
"""

from afet_video.pairs.review import ReviewReport, apply_review
from afet_video.pairs.run import PairsReport, SourceReport, make_pairs
from afet_video.pairs.settings import PairSettings

__all__ = ["PairSettings", "PairsReport", "ReviewReport", "SourceReport", "apply_review", "make_pairs"]
