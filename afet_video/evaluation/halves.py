"""Half faces of a conversion, written as videos.

in: source, result, track -> out: four videos.  Must not: measure anything.
"""

from __future__ import annotations

from pathlib import Path

from afet_video.evaluation.inputs import open_conversion
from afet_video.evaluation.unit_figures import half_faces
from afet_video.evaluation.units.export import export_halves


def export_half_faces(
    source: str | Path,
    result: str | Path,
    folder: str | Path,
    *,
    tracks: str | Path | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write the mirrored half faces of source and result for other detectors; return the four paths.

    Their tables, named as the videos (``source-left.csv`` ...) in one folder, are what ``--units table:FOLDER`` reads.

    Raises
    ------
    InputError, TrackFileError, OutputError
        If the files do not belong together, or a video cannot be written.
    """
    conversion = open_conversion(Path(source), Path(result), None if tracks is None else Path(tracks))
    return export_halves(half_faces(conversion, None), Path(folder), overwrite=overwrite)
