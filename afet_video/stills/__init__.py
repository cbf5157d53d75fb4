"""Stills: a picture at rest and one with an expression become one with a palsy.

in: picture files, or faces that are in memory -> out: pictures with exact landmarks.  Must not: make pairs.

`splice_faces` is the method on two faces in memory, `write_still` the files of one result; `splice_still` and
`splice_pairs` join both.
"""

from afet_video.stills.files import StillPaths, read_landmarks, write_still
from afet_video.stills.find import Face, find_face
from afet_video.stills.run import Failure, StillMaker, StillReport, StillsReport, splice_pairs, splice_still
from afet_video.stills.splicer import SplicedStill, splice_faces

__all__ = [
    "Face",
    "Failure",
    "SplicedStill",
    "StillMaker",
    "StillPaths",
    "StillReport",
    "StillsReport",
    "find_face",
    "read_landmarks",
    "splice_faces",
    "splice_pairs",
    "splice_still",
    "write_still",
]
