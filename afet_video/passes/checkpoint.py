"""What pass 1 found, kept on disk, so that a conversion that was killed need not look for the face again.

in: an analysis <-> out: a folder of arrays, named after the source's content and the settings that made it.
Must not: unpickle, or take what another source, setting or version left.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray, Timestamp
from afet_video.face.hands import HandTrack
from afet_video.face.neutral import FaceMeasures
from afet_video.face.track import FaceTrack
from afet_video.model_files import FACE_LANDMARKER, HAND_LANDMARKER
from afet_video.outputs import disk_errors
from afet_video.passes.analyze import Analysis, Lane
from afet_video.passes.settings import ConvertSettings
from afet_video.row_file import RowFile
from afet_video.settings_io import settings_to_mapping
from afet_video.tracks import sha256_file

Step = Literal["detected", "registered"]

_LIBRARIES = ("afet-video", "av", "mediapipe", "numba", "numpy", "opencv-contrib-python", "scipy")
_ROW_SHAPE = (478, 3)
_CHUNK = 256
_MEASURED = tuple(field.name for field in fields(FaceMeasures) if field.name != "timestamps")


class Checkpoints:
    """The analyses of one source under one set of settings.

    Parameters
    ----------
    folder : where they are kept, made when needed; None = nothing is kept or found.
    source : the video; its content counts, not its name.
    settings : those of them that pass 1 and registration depend on count.
    sha256 : of the source, where it is known.

    Attributes
    ----------
    folder : where all that goes with this source and these settings is kept; None = nowhere.

    Raises
    ------
    InputError
        If the source cannot be read.
    """

    def __init__(
        self, folder: Path | None, source: Path, settings: ConvertSettings, *, sha256: str | None = None
    ) -> None:
        self.folder = None if folder is None else folder / _fingerprint(sha256 or sha256_file(source), settings)

    def load(self, step: Step) -> Analysis | None:
        """Return what was kept after `step`, or None; the owner closes it."""
        if self.folder is None:
            return None
        try:
            return _load(self.folder / step)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # not there, just deleted by another worker, or damaged: it is all found again

    def keep(self, step: Step, analysis: Analysis) -> Analysis:
        """Keep an analysis and return it; what was kept after an earlier step is deleted.

        Raises
        ------
        OutputError
            If it cannot be written; the analysis is closed then.
        """
        if self.folder is None:
            return analysis
        part = self.folder / f".{uuid.uuid4().hex[:8]}.part"
        try:
            with disk_errors(part):
                part.mkdir(parents=True)
                _save(part, analysis)
                into_place(part, self.folder / step)
        except BaseException:
            analysis.close()
            raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
        if step == "registered":
            shutil.rmtree(self.folder / "detected", ignore_errors=True)
        return analysis


def _fingerprint(sha256: str, settings: ConvertSettings) -> str:
    known = {
        "source": sha256,
        "landmarker": settings_to_mapping(settings.landmarker),
        "tracker": settings_to_mapping(settings.tracker),
        "hands": settings.mask.is_on,
        "on_no_face": settings.on_no_face,
        "models": [FACE_LANDMARKER.sha256, HAND_LANDMARKER.sha256],
        "versions": [metadata.version(name) for name in _LIBRARIES],
    }
    return fingerprint_of(known)


def fingerprint_of(known: Mapping[str, Any]) -> str:
    """Return a short name for all that something depends on."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:32]


def into_place(part: Path, final: Path) -> None:
    """Give a folder of files its final name, once all of it is on the disk; one that is there already stays."""
    for path in part.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    try:
        part.rename(final)
    except OSError:
        if not final.is_dir():  # else another worker kept the same just now
            raise


def _save(folder: Path, analysis: Analysis) -> None:
    times = analysis.timestamps
    base = times[0].time_base
    common = {
        "pts": np.array([stamp.pts for stamp in times], np.int64),
        "time_base": np.array([base.numerator, base.denominator], np.int64),
        "lanes": np.array(len(analysis.lanes)),
        **_hands_to_arrays(analysis.hands),
    }
    np.savez(folder / "common.npz", allow_pickle=False, **common)
    for number, lane in enumerate(analysis.lanes):
        measures = {f"measured_{name}": getattr(lane.measures, name) for name in _MEASURED}
        np.savez(folder / f"lane{number}.npz", allow_pickle=False, **lane.track.to_arrays(), **measures)
        _save_rows(folder / f"lane{number}.rows", lane.track)


def _save_rows(path: Path, track: FaceTrack) -> None:
    """Write the landmarks of every sighting, frame by frame, as plain float32."""
    seen = np.flatnonzero(track.sighting >= 0).tolist()
    with path.open("wb") as file:
        for start in range(0, len(seen), _CHUNK):
            rows = [track.seen(frame) for frame in seen[start : start + _CHUNK]]
            file.write(np.ascontiguousarray(rows, "<f4").tobytes())


def _load(folder: Path) -> Analysis:
    common = _arrays(folder / "common.npz")
    base = Fraction(*common["time_base"].tolist())
    times = tuple(Timestamp(pts, base) for pts in common["pts"].tolist())
    lanes: list[Lane] = []
    try:
        for number in range(int(common["lanes"])):
            arrays = _arrays(folder / f"lane{number}.npz")
            measures = FaceMeasures(list(times), **{name: arrays.pop(f"measured_{name}") for name in _MEASURED})
            rows = _load_rows(folder / f"lane{number}.rows")
            lanes.append(Lane(FaceTrack.from_arrays(times, arrays, rows), measures))
    except BaseException:
        for lane in lanes:
            lane.track.close()
        raise
    return Analysis(tuple(lanes), _hands_from_arrays(common))


def _load_rows(path: Path) -> RowFile:
    rows = RowFile(_ROW_SHAPE)
    size = int(np.prod(_ROW_SHAPE)) * 4
    try:
        with path.open("rb") as file:
            while data := file.read(size):
                rows.append(np.frombuffer(data, "<f4").reshape(_ROW_SHAPE))
    except BaseException:
        rows.close()
        raise
    return rows


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as loaded:
        return {name: loaded[name] for name in loaded.files}


def _hands_to_arrays(hands: HandTrack) -> dict[str, NDArray[Any]]:
    frames = list(hands.points)
    points: list[FloatArray] = [hands.points[frame] for frame in frames]
    return {
        "hand_frames": np.array(frames, np.int64),
        "hand_counts": np.array([len(found) for found in points], np.int64),
        "hand_points": np.concatenate(points) if points else np.zeros((0, 21, 2), np.float32),
        "hand_seconds": np.array([hands.seconds[frame] for frame in frames], np.float64),
    }


def _hands_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> HandTrack:
    frames = arrays["hand_frames"].tolist()
    points = np.split(arrays["hand_points"], np.cumsum(arrays["hand_counts"])[:-1]) if frames else []
    return HandTrack(
        dict(zip(frames, points, strict=True)), dict(zip(frames, arrays["hand_seconds"].tolist(), strict=True))
    )
