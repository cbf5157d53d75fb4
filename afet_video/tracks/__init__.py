"""Landmark tracks in and out, and the side-car.

in: rows of a track <-> out: .parquet, .csv, .npz, .json.  Must not: open a video or a model.
"""

from afet_video.tracks.files import TRACK_SUFFIXES, check_track_suffix, load_tracks, open_track_writer
from afet_video.tracks.parts import PartedTrackWriter, join_parts
from afet_video.tracks.sidecar import OWN_HASH, content_sha256, read_sidecar, sha256_file, write_sidecar
from afet_video.tracks.table import Tracks, track_rows
from afet_video.tracks.writer import TrackWriter

__all__ = [
    "OWN_HASH",
    "TRACK_SUFFIXES",
    "PartedTrackWriter",
    "TrackWriter",
    "Tracks",
    "check_track_suffix",
    "content_sha256",
    "join_parts",
    "load_tracks",
    "open_track_writer",
    "read_sidecar",
    "sha256_file",
    "track_rows",
    "write_sidecar",
]
