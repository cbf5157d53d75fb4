"""The files of one conversion, found and checked.

in: paths -> out: `Conversion`.  Must not: measure anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FaceStatus, FloatArray, Midline, PalsyProfile, Side
from afet_video.errors import InputError, TrackFileError
from afet_video.face.activity import baseline
from afet_video.face.landmarker import LandmarkerSettings
from afet_video.face.neutral import rest_weights
from afet_video.settings_io import settings_from_mapping
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.midline import MidlineSettings
from afet_video.tracks import Tracks, load_tracks, read_sidecar, sha256_file
from afet_video.video.decode import VideoReader

REST = 0.6
"""How surely a frame must be at rest to count as resting (`face.neutral.rest_weights`, 0 to 1)."""


@dataclass(frozen=True, slots=True)
class HowMade:
    """What the side-car says of a conversion; defaults where there is no side-car.

    `exact`: whether the track's landmarks of the result are exact; those of pictures that networks painted are not.
    """

    profile: PalsyProfile = field(default_factory=PalsyProfile)
    splice: SpliceSettings = field(default_factory=SpliceSettings)
    midline: MidlineSettings = field(default_factory=MidlineSettings)
    landmarker: LandmarkerSettings = field(default_factory=LandmarkerSettings)
    lossless: bool = False
    exact: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A source, its result and the landmark track; `source_xyz` and `output_xyz` (T, 478, 3).

    `calm` (T,): how surely each frame is at rest, 0 to 1; `rest` (T,): whether it counts as resting.
    """

    source: VideoReader
    result: VideoReader
    tracks_path: Path
    tracks: Tracks
    made: HowMade
    source_xyz: FloatArray
    output_xyz: FloatArray
    calm: FloatArray
    warnings: tuple[str, ...]

    @property
    def side(self) -> Side:
        """The affected side."""
        return self.made.profile.side

    @property
    def rest(self) -> NDArray[np.bool_]:
        """Which frames (T,) show the face at rest."""
        return np.asarray(self.calm > REST, bool)

    def midline(self, frame: int) -> Midline | None:
        """Return the midline of a frame, None where there is no face."""
        assert self.tracks.midline_y is not None
        assert self.tracks.midline_x is not None
        y, x = self.tracks.midline_y[frame], self.tracks.midline_x[frame]
        return Midline(y, x) if len(y) and np.isfinite(y).all() and np.isfinite(x).all() else None


def open_conversion(source: Path, result: Path, tracks: Path | None = None) -> Conversion:
    """Find, load and check what belongs to a result.

    Raises
    ------
    InputError
        If a video cannot be read, the sizes differ, or the result was made from another source.
    TrackFileError
        If the track or side-car is missing, damaged, or belongs to something else.
    """
    before, after = VideoReader(source), VideoReader(result)
    if before.info.size_wh != after.info.size_wh:
        sizes = ["x".join(map(str, reader.info.size_wh)) for reader in (before, after)]
        raise InputError(f"{result} is {sizes[1]} pixels, {source} is {sizes[0]}: these are not source and result")
    sidecar_path = result.with_name(f"{result.stem}.afet.json")
    sidecar = read_sidecar(sidecar_path) if sidecar_path.exists() else {}
    _check_source(sidecar, source, result)
    path = tracks or _beside(result, sidecar)
    _check_track(path, source)
    track = load_tracks(path)
    warnings = [] if sidecar else [f"no side-car {sidecar_path.name}: settings are taken from the track, or as usual"]
    warnings += _gaps(track) + _raised_neutral(sidecar)
    return _conversion(before, after, path, track, _how_made(sidecar, sidecar_path, track), tuple(warnings))


def _check_source(sidecar: Mapping[str, Any], source: Path, result: Path) -> None:
    told = sidecar.get("source", {})
    if told.get("sha256") and told["sha256"] != sha256_file(source):
        raise InputError(
            f"{result} was made from another file than {source}: its side-car names {told.get('name', 'one')} "
            f"with SHA-256 {told['sha256'][:12]}..."
        )


def _check_track(path: Path, source: Path) -> None:
    """Refuse a track whose own side-car names another source."""
    sidecar = path.with_name(f"{path.name.removesuffix(path.suffix).removesuffix('.tracks')}.afet.json")
    told = read_sidecar(sidecar).get("source", {}) if sidecar.exists() else {}
    if told.get("sha256") and told["sha256"] != sha256_file(source):
        raise TrackFileError(
            f"{path} is the track of another video than {source}: {sidecar.name} names {told.get('name', 'one')} with "
            f"SHA-256 {told['sha256'][:12]}..."
        )


def _gaps(track: Tracks) -> list[str]:
    """Return a warning for rows without landmarks: nothing is measured there."""
    if track.source_xyz is None or track.output_xyz is None:
        return []
    both = np.isfinite(track.source_xyz) & np.isfinite(track.output_xyz)
    bad = np.atleast_1d(~both.all(axis=(1, 2)))
    if not bad.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bad.astype(np.int8), [0]]))).reshape(-1, 2)
    spans = [f"{a}-{b - 1}" if b - a > 1 else f"{a}" for a, b in edges[:3].tolist()]
    more = f" and {len(edges) - 3} more" if len(edges) > 3 else ""
    return [f"no landmarks in {int(bad.sum())} of {len(bad)} frames ({', '.join(spans)}{more}): not measured there"]


def _beside(result: Path, sidecar: Mapping[str, Any]) -> Path:
    """Return the track's default name, or the one that the side-car names."""
    usual = result.with_name(f"{result.stem}.tracks.parquet")
    named = sidecar.get("outputs", {}).get("tracks")
    if not usual.exists() and named and result.with_name(named).exists():
        return result.with_name(named)
    if not usual.exists():
        raise TrackFileError(f"{usual}: no such track file; name the track of {result.name} with --tracks")
    return usual


def _raised_neutral(sidecar: Mapping[str, Any]) -> list[str]:
    """Return a warning if the neutral's brows are not at rest: what is told of frames like it is not told of rest."""
    told = sidecar.get("neutral")
    neutrals = [one for one in told.values() if isinstance(one, Mapping)] if isinstance(told, Mapping) else []
    below = [float(value) for one in neutrals for value in one.get("brows_below_iod", {}).values()]
    if not any(below):
        return []
    return [
        f"the neutral's brows are raised by up to {max(below):.2f} of the eye distance and were taken to rest lower: "
        "the affected brow is moved in frames that count as resting, and brow units are told against raised brows"
    ]


def _how_made(sidecar: Mapping[str, Any], path: Path, track: Tracks) -> HowMade:
    settings = sidecar.get("settings")
    if not isinstance(settings, Mapping):
        kept = float(track.movement_kept[0]) if len(track) else 0.0
        side = Side(str(track.side[0])) if len(track) else Side.LEFT
        return HowMade(PalsyProfile(side, kept))
    return HowMade(
        profile=settings_from_mapping(PalsyProfile, settings.get("profile", {}), source=str(path)),
        splice=settings_from_mapping(SpliceSettings, settings.get("splice", {}), source=str(path)),
        midline=settings_from_mapping(MidlineSettings, settings.get("midline", {}), source=str(path)),
        landmarker=settings_from_mapping(LandmarkerSettings, settings.get("landmarker", {}), source=str(path)),
        lossless=bool(settings.get("encode", {}).get("lossless")),
        exact=sidecar.get("exact_landmarks") is not False,
    )


def _conversion(
    before: VideoReader, after: VideoReader, path: Path, track: Tracks, made: HowMade, warnings: tuple[str, ...]
) -> Conversion:
    if track.source_xyz is None or track.output_xyz is None or track.blendshapes is None:
        raise TrackFileError(f"{path} holds the 68 points only: give a track that ends in .parquet or .npz")
    if not np.isfinite(track.source_xyz).all(axis=(1, 2)).any():
        raise TrackFileError(f"{path} has no face in any frame: nothing to measure")
    if len(set(track.index.tolist())) < len(track):
        raise TrackFileError(f"{path} holds several people: convert with one (--face N) to measure them one by one")
    sides = {str(side) for side in track.side}
    if sides != {str(made.profile.side)}:
        raise TrackFileError(f"{path} has {' and '.join(sorted(sides))} as affected side, not {made.profile.side}")
    return Conversion(
        source=before,
        result=after,
        tracks_path=path,
        tracks=track,
        made=made,
        source_xyz=track.source_xyz,
        output_xyz=track.output_xyz,
        calm=_calm(track),
        warnings=warnings,
    )


def neutral_frame(track: Tracks) -> int:
    """Return the frame that served as neutral for most frames, -1 if none did: others of its bank show other poses."""
    used = track.neutral_index[track.neutral_index >= 0]
    frames, counts = np.unique(used, return_counts=True)
    return int(frames[counts.argmax()]) if len(frames) else -1


def _calm(track: Tracks) -> FloatArray:
    """Return how surely each frame (T,) shows the face at rest, judged by the source alone; 0 where none is seen."""
    assert track.blendshapes is not None
    index = neutral_frame(track)
    usable = 0 <= index < len(track) and np.isfinite(track.blendshapes[index]).all()
    neutral = track.blendshapes[index] if usable else baseline(track.blendshapes)
    seen = track.status == str(FaceStatus.DETECTED)
    return np.asarray(np.where(seen, np.nan_to_num(rest_weights(track.blendshapes, neutral)), 0.0), np.float32)
