"""One clip converted at several shares of movement kept: does what comes out follow what was asked for?

in: a video -> out: `SweepReport`.  Must not: print, or leave a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.datatypes import ZONES, FloatArray, PalsyProfile, ProgressCallback, Side
from afet_video.errors import SettingsError
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.heads import detected_again
from afet_video.evaluation.inputs import open_conversion
from afet_video.evaluation.movement import ZoneMovement, measure_movement
from afet_video.evaluation.run import counter
from afet_video.metrics.regression import Slope, line_through
from afet_video.pipeline import ConvertSettings, convert
from afet_video.video.encoders import EncodeSettings

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

_TARGET = (0.9, 1.1)
_DEFINITION = (
    "Slope (least squares) of the measured share of movement kept on the share asked for, over conversions of one "
    "clip; {which}."
)
_WAYS = {"track": "by the landmark track", "found again": "by landmarks that the detector finds in the result"}


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Slopes of all zones as `figures`, and the `points` they go through.

    `points` maps a zone and a way ("brow, track") to (asked for, measured, its standard error) for each conversion;
    measured is None where the zone hardly moves.
    """

    source: Path
    side: Side
    shares: tuple[float, ...]
    frames: int
    figures: tuple[Figure, ...]
    points: Mapping[str, tuple[tuple[float, float | None, float | None], ...]]

    def to_mapping(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "source": str(self.source),
            "side": str(self.side),
            "shares": list(self.shares),
            "frames": self.frames,
            "figures": [figure.to_mapping() for figure in self.figures],
            "points": {name: [list(point) for point in points] for name, points in self.points.items()},
        }


def sweep(
    source: str | Path,
    *,
    shares: Sequence[float] = SHARES,
    settings: ConvertSettings | None = None,
    on_progress: ProgressCallback | None = None,
) -> SweepReport:
    """Convert a video several times into a temporary folder and measure how movement kept follows what is asked for.

    Parameters
    ----------
    source : video with a face that moves.
    shares : movement to keep in all zones, one conversion each; at least two different ones from 0 to 1.
    settings : as for `convert`. Of its profile only the side counts.
    on_progress : called with the frames done in every pass of every conversion.

    Raises
    ------
    SettingsError
        If `shares` are not two or more different numbers from 0 to 1.
    AfetError
        As `convert` does.
    """
    if len(set(shares)) < 2 or not all(0 <= share <= 1 for share in shares):
        raise SettingsError(
            f"shares {', '.join(f'{s:g}' for s in shares)}: give two or more from 0 to 1, as in 0,0.5,1"
        )
    settings = settings or ConvertSettings()
    side = settings.profile.side
    floor: FloatArray | None = None
    measured: list[list[ZoneMovement]] = []
    with tempfile.TemporaryDirectory(prefix="afet-sweep-") as folder:
        for share in shares:
            target = Path(folder) / f"kept-{share:g}.mkv"
            chosen = replace(settings, profile=PalsyProfile(side, share), encode=_encoding(settings))
            convert(source, target, settings=chosen, on_progress=on_progress)
            conversion = open_conversion(Path(source), target)
            total, look = len(conversion.tracks), conversion.made.landmarker
            stage = f"detect at {share:g}"
            if floor is None:
                floor = detected_again(
                    conversion.source, conversion.source_xyz, look, counter("detect source", total, on_progress)
                )
            again = detected_again(conversion.result, conversion.output_xyz, look, counter(stage, total, on_progress))
            measured.append(measure_movement(conversion, again, floor))
            target.unlink()
    points = {
        f"{zone}, {way}": tuple(_point(zones[number_], way) for zones in measured)
        for number_, zone in enumerate(ZONES)
        for way in _WAYS
    }
    figures = tuple(_figure(name, values) for name, values in points.items())
    return SweepReport(Path(source), side, tuple(shares), total, figures, points)


def _encoding(settings: ConvertSettings) -> EncodeSettings:
    """Return settings under which the detector sees the pictures as rendered."""
    return replace(settings.encode, codec="auto", crf=None, lossless=True)


def _point(zone: ZoneMovement, way: str) -> tuple[float, float | None, float | None]:
    slope: Slope | str = zone.track if way == "track" else zone.found
    if isinstance(slope, str):
        return zone.requested, None, None
    return zone.requested, number(slope.value), number(slope.error)


def _figure(name: str, points: Sequence[tuple[float, float | None, float | None]]) -> Figure:
    asked = np.array([point[0] for point in points], np.float64)
    found = np.array([np.nan if point[1] is None else point[1] for point in points], np.float64)
    definition = _DEFINITION.format(which=_WAYS[name.rpartition(", ")[2]])
    line = line_through(asked, found)
    if isinstance(line, str):
        note = f"{line}: the zone hardly moves by itself in this clip"
        return Figure("requested to measured", name, None, "", 0, "conversions", definition, _TARGET, note=note)
    slope, intercept = line
    return Figure(
        "requested to measured",
        name,
        number(slope.value),
        "",
        slope.n,
        "conversions",
        definition,
        _TARGET,
        error=number(slope.error),
        note=f"intercept {intercept:+.2f}",
    )
