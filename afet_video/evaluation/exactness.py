"""Results whose exact landmarks nobody knows: what rests on them is not measured.

in: figures, series -> out: the same, n/a where the track of the result has a say.  Must not: measure.

A network that paints a face is asked for a movement and does something like it. Where its track stands for the truth, a
figure would say how well the wish was written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afet_video.evaluation.figures import Figure

_WHY = "the result was painted by a network: the exact places of its landmarks are not known"

_PARTS = ("asymmetry", "clinical", "flicker", "found again", "stillness")
_SERIES = ("asymmetry, result", "found again", "off")


def without_track(figure: Figure) -> Figure:
    """Return a figure without its value, if that rests on the track's landmarks of the result."""
    is_half = (figure.part, figure.name) == ("warping error", "affected half")
    if figure.part in _PARTS or figure.name.endswith(", track") or is_half:
        return replace(figure, value=None, error=None, n=0, note=_WHY)
    return figure


def series_without_track(series: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the series, those that rest on the track's landmarks of the result as NaN."""
    return {
        name: np.full_like(values, np.nan) if name in _SERIES or name.startswith("result, ") else values
        for name, values in series.items()
    }
