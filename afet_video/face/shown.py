"""What a face plainly does that no face at rest does, whoever it is.

in: blendshapes -> out: how relaxed the face is, and words for what it does.  Must not: know the person's habits.

Habits do not tell rest from a smile that lasts as long as the video. MediaPipe's scores for a smile and an open mouth
do: at rest they are below 0.2 on all faces looked at, in a broad smile above 0.7. Those for brows, squint and pursed
lips do not: raised brows, deep-set eyes and the small mouths of children score up to 0.9 at rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afet_video import facemesh
from afet_video.datatypes import FloatArray

_LEAST_RELAXED = 0.03
"""What is left of a face that does all of it, so that the least of a smile is found where there is nothing else."""

_PLAIN = 0.5


@dataclass(frozen=True, slots=True)
class _Sign:
    """`words` for what is done; `names`: blendshapes whose mean tells it: it counts from `start`, fully at `full`."""

    words: str
    names: tuple[str, ...]
    start: float
    full: float

    def shown(self, blendshapes: FloatArray) -> FloatArray:
        """Return how plainly it is done, 0..1, by blendshapes (..., 52)."""
        columns = [facemesh.BLENDSHAPES.index(name) for name in self.names]
        share = np.clip((blendshapes[..., columns].mean(axis=-1) - self.start) / (self.full - self.start), 0.0, 1.0)
        return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)


_SIGNS = (
    _Sign("smiles", ("mouthSmileLeft", "mouthSmileRight"), 0.3, 0.7),
    _Sign("opens the mouth", ("jawOpen",), 0.15, 0.45),
    _Sign(
        "bares the teeth",
        ("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
        0.2,
        0.6,
    ),
)


def relaxed(blendshapes: FloatArray) -> FloatArray:
    """Return how far faces (..., 52) do none of what no face at rest does, 1 = nothing, NaN where unknown."""
    product = np.prod([1.0 - sign.shown(blendshapes) for sign in _SIGNS], axis=0)
    return np.asarray(_LEAST_RELAXED + (1.0 - _LEAST_RELAXED) * product, np.float32)


def plainly_shown(blendshapes: FloatArray) -> tuple[str, ...]:
    """Return in words what a face (52,) plainly does that no face at rest does, such as "smiles"; () if nothing."""
    return tuple(sign.words for sign in _SIGNS if sign.shown(blendshapes) > _PLAIN)
