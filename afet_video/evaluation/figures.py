"""What an evaluation says: figures with definition and target.

in: numbers -> out: `Figure`, `EvaluationReport`.  Must not: measure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import PalsyProfile
from afet_video.settings_io import settings_to_mapping

if TYPE_CHECKING:
    from afet_video.evaluation.asymmetry import ClinicalRow
    from afet_video.evaluation.unit_figures import UnitReport


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity.

    `part`: what it belongs to ("movement kept", "seam", ...). `value` in `unit` ("" = a ratio or share), None = it
    could not be measured, and `note` says why; infinity = two pictures are equal (dB). `error`: standard error.
    `n`: how many of `counted` (frames, pixels, packets) it rests on. `target`: lowest and highest value aimed at,
    None = no limit. `definition`: one sentence. `floor`: the same measured with the source in the result's place, or as
    the definition says: what the measure shows where nothing was done.
    """

    part: str
    name: str
    value: float | None
    unit: str
    n: int
    counted: str
    definition: str
    target: tuple[float | None, float | None] = (None, None)
    error: float | None = None
    note: str = ""
    floor: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value is within the target; None if there is no value or no target."""
        low, high = self.target
        if self.value is None or (low is None and high is None):
            return None
        return (low is None or self.value >= low) and (high is None or self.value <= high)

    def to_mapping(self) -> dict[str, Any]:
        """Return all fields and `met` as plain values for JSON; infinity as the text "inf"."""
        mapping = settings_to_mapping(self)
        for name in ("value", "floor"):
            value = getattr(self, name)
            if value is not None and math.isinf(value):
                mapping[name] = "inf"
        return mapping | {"met": self.met}


_OF_ITSELF: Mapping[str, float] = {
    "movement kept": 1.0,
    "jitter": 1.0,
    "lag": 0.0,
    "seam": 1.0,
    "healthy half": 0.0,
    "container": 0.0,
}
"""Parts that say the same of every video that is compared with itself."""

_OF_ITSELF_BY_NAME: Mapping[tuple[str, str], float] = {
    ("rest", "result against source"): math.inf,
    ("rest", "liveness"): 1.0,
    ("outside the face", "samples changed"): 0.0,
    ("outside the face", "PSNR outside"): math.inf,
    ("outside the face", "PSNR inside"): math.inf,
}


def with_floor(figure: Figure) -> Figure:
    """Return a figure with what it is for the source in the result's place, where that is known without measuring."""
    if figure.floor is not None or figure.name.endswith(", detector"):
        return figure
    known = _OF_ITSELF_BY_NAME.get((figure.part, figure.name), _OF_ITSELF.get(figure.part))
    return figure if known is None else replace(figure, floor=known)


def number(value: float) -> float | None:
    """Return a rounded value, or None for NaN."""
    return None if math.isnan(value) else round(float(value), 6)


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """All figures of one conversion, in order, and what it was asked for: `kept` by zone.

    `units`: the paper's table, None if units are off. `clinical`: left and right of the clinical measures. `series`:
    what changes over time, (T,) each, NaN = not known (see `evaluation.series`); it is not in the JSON.
    """

    source: Path
    result: Path
    tracks: Path
    profile: PalsyProfile
    kept: Mapping[str, float]
    frames: int
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...] = ()
    units: UnitReport | None = None
    clinical: tuple[ClinicalRow, ...] = ()
    series: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def find(self, part: str, name: str) -> Figure:
        """Return the figure with this part and name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for figure in self.figures:
            if (figure.part, figure.name) == (part, name):
                return figure
        raise KeyError(f"{part}: {name}")

    def to_mapping(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        whole = {"source": self.source, "result": self.result, "tracks": self.tracks}
        return {
            **{key: str(path) for key, path in whole.items()},
            "profile": settings_to_mapping(self.profile),
            "kept": dict(self.kept),
            "frames": self.frames,
            "figures": [figure.to_mapping() for figure in self.figures],
            "units": None if self.units is None else self.units.to_mapping(),
            "clinical": [settings_to_mapping(row) for row in self.clinical],
            "warnings": list(self.warnings),
        }
