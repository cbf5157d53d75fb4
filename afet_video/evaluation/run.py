"""One conversion measured, from top to bottom.

in: source, result, track -> out: `EvaluationReport`.  Must not: print, or leave a file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from afet_video.datatypes import ZONES, FloatArray, Progress, ProgressCallback
from afet_video.evaluation.again import lag_figures, redetection_figures
from afet_video.evaluation.asymmetry import asymmetry_figures, clinical_figures, clinical_rows
from afet_video.evaluation.container import container_figures
from afet_video.evaluation.exactness import series_without_track, without_track
from afet_video.evaluation.figures import EvaluationReport, with_floor
from afet_video.evaluation.heads import detected_again
from afet_video.evaluation.inputs import open_conversion
from afet_video.evaluation.movement import measure_movement, movement_figures, track_head_fixed
from afet_video.evaluation.pictures import measure_pictures, picture_figures
from afet_video.evaluation.series import time_series
from afet_video.evaluation.steadiness import jitter_figures, midline_figures
from afet_video.evaluation.unit_figures import measure_units
from afet_video.evaluation.units import UnitSettings, open_backend


def evaluate(
    source: str | Path,
    result: str | Path,
    *,
    tracks: str | Path | None = None,
    source_again: FloatArray | None = None,
    units: UnitSettings | None = None,
    on_progress: ProgressCallback | None = None,
) -> EvaluationReport:
    """Measure how good a result of `convert` is.

    Parameters
    ----------
    source : the video that was converted.
    result : what it was converted to; its side-car is looked for beside it.
    tracks : its landmark track (.parquet or .npz); default: beside `result`, `NAME.tracks.parquet`.
    source_again : (T, 478, 3) landmarks found again in the source, where that has been done; default: it is done.
    units : who tells action units; default: the built-in AU proxy.
    on_progress : called with the frames done in each reading: "compare", "detect source", "detect result", "units".

    Returns
    -------
    EvaluationReport whose figures carry value, target, definition and number of samples each. A missed target is no
    error.

    Raises
    ------
    InputError, TrackFileError
        If the files do not belong together, or cannot be read: one line that says which and why.
    """
    conversion = open_conversion(Path(source), Path(result), None if tracks is None else Path(tracks))
    settings = conversion.made.landmarker
    units = units or UnitSettings()
    backend = open_backend(units, settings)
    total = len(conversion.tracks)

    pictures = measure_pictures(conversion, counter("compare", total, on_progress))
    floor = source_again
    if floor is None:
        floor = detected_again(
            conversion.source, conversion.source_xyz, settings, counter("detect source", total, on_progress)
        )
    again = detected_again(
        conversion.result, conversion.output_xyz, settings, counter("detect result", total, on_progress)
    )

    told = None
    if backend is not None:
        few = min(units.frames, total)
        told = measure_units(conversion, backend, frames=few, on_frame=counter("units", 2 * few, on_progress))

    profile = conversion.made.profile
    zones = measure_movement(conversion, again, floor)
    fixed = track_head_fixed(conversion)
    clinical = clinical_rows(conversion, fixed.source, fixed.result)
    figures = (
        *movement_figures(zones, is_linear=conversion.made.splice.ramp == "linear"),
        *jitter_figures(conversion, again, floor),
        *midline_figures(conversion, floor),
        *lag_figures(conversion, again, floor),
        *picture_figures(conversion, pictures),
        *redetection_figures(conversion, again, floor),
        *asymmetry_figures(conversion, fixed),
        *clinical_figures(conversion, clinical),
        *(told.figures if told else ()),
        *container_figures(conversion, pictures.before, pictures.after),
    )
    series = time_series(conversion, fixed, pictures.by_frame, pictures.before, again)
    if not conversion.made.exact:
        figures, clinical, series = tuple(map(without_track, figures)), [], series_without_track(series)
    return EvaluationReport(
        source=conversion.source.path,
        result=conversion.result.path,
        tracks=conversion.tracks_path,
        profile=profile,
        kept=dict(zip(ZONES, profile.kept, strict=True)),
        frames=total,
        figures=tuple(map(with_floor, figures)),
        warnings=(*conversion.warnings, *dict.fromkeys((*conversion.source.warnings, *conversion.result.warnings))),
        units=told,
        clinical=tuple(clinical),
        series=series,
    )


def counter(stage: str, total: int, on_progress: ProgressCallback | None) -> Callable[[], None]:
    """Return a function that reports one more frame of a stage each time it is called."""
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(Progress(stage, done, total))

    return one_more
