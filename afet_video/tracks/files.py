"""Track files by name: the suffix says which format.

in: paths -> out: writers and loaded tracks.  Must not: know what a format looks like inside.
"""

from __future__ import annotations

from pathlib import Path

from afet_video.datatypes import DIGITAL_SOURCE_TYPE
from afet_video.errors import TrackFileError
from afet_video.tracks.npz import NpzTrackWriter, load_npz
from afet_video.tracks.openface_csv import CsvTrackWriter, load_csv
from afet_video.tracks.parquet import ParquetTrackWriter, load_parquet
from afet_video.tracks.table import Tracks
from afet_video.tracks.writer import TrackWriter

_FORMATS = {
    ".parquet": (ParquetTrackWriter, load_parquet),
    ".csv": (CsvTrackWriter, load_csv),
    ".npz": (NpzTrackWriter, load_npz),
}

TRACK_SUFFIXES: tuple[str, ...] = tuple(_FORMATS)


def check_track_suffix(path: Path) -> str:
    """Return the lower-case suffix of a track file.

    Raises
    ------
    TrackFileError
        If it is none of `TRACK_SUFFIXES`.
    """
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise TrackFileError(f"{path}: a track file ends in {', '.join(TRACK_SUFFIXES[:-1])} or {TRACK_SUFFIXES[-1]}")
    return suffix


def open_track_writer(path: Path, *, target: Path | None = None, source_type: str = DIGITAL_SOURCE_TYPE) -> TrackWriter:
    """Return a writer for `path`, whose suffix chooses the format: .parquet, .csv or .npz.

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    target : path to name in error messages, if `path` is a temporary stand-in for it.
    source_type : IPTC's digital source type of what the track belongs to.

    Raises
    ------
    TrackFileError
        If the suffix is unknown.
    OutputError
        If the file cannot be created.
    """
    writer, _ = _FORMATS[check_track_suffix(path)]
    return writer(path, target=target, source_type=source_type)


def load_tracks(path: Path | str) -> Tracks:
    """Read a landmark track written by afet-video.

    Parameters
    ----------
    path : a .parquet, .csv or .npz file. A CSV holds the 68 points only: the 478 landmarks, alpha, blendshapes and
        midline are then None.

    Returns
    -------
    One row for every decoded frame; NaN where there is no face.

    Raises
    ------
    TrackFileError
        If the file is missing, is not a track, is damaged, or comes from a newer version of the schema.
    """
    path = Path(path)
    if not path.is_file():
        raise TrackFileError(f"{path}: no such track file")
    _, load = _FORMATS[check_track_suffix(path)]
    return load(path)
