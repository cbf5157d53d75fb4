"""Action units of each half of a face.

in: videos of faces -> out: which units are active, left and right.  Must not: judge a conversion.

A half is mirrored to a whole face and then looked at, as in the paper (its reference 32: Iren & Tan). Who looks is
exchangeable: `proxy` (built in), `opengraphau` (a model that the user has), `table` (values that the user brings).
"""

from afet_video.evaluation.units.backends import BACKENDS, UnitSettings, open_backend
from afet_video.evaluation.units.faces import HalfFaces, UnitBackend, UnitScores

__all__ = ["BACKENDS", "HalfFaces", "UnitBackend", "UnitScores", "UnitSettings", "open_backend"]
