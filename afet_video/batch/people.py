"""Who is the same person in several clips, as far as looks can say.

in: finished tracks and their sources; looks -> out: groups of clips.  Must not: recognise faces.

Clips are put together rather too often than too rarely: two people in one group cost nothing but choice, one person in
two groups would be in two splits.
"""

from __future__ import annotations

import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afet_video.datatypes import FaceStatus, Timestamp
from afet_video.face.look import OTHER_LOOK, Look, look_distance, look_of
from afet_video.outputs import disk_errors
from afet_video.tracks import load_tracks
from afet_video.video.decode import VideoReader

_SAMPLES = 5


def save_looks(path: Path, source: Path, tracks: Path) -> None:
    """Keep what each person in a source looks like, unless it is kept already: a few frames are decoded."""
    if path.exists():
        return
    looks = _looks(source, tracks)
    part = path.with_name(f".{uuid.uuid4().hex[:8]}.part.npz")
    try:
        with disk_errors(path):
            np.savez(
                part,
                allow_pickle=False,
                colors=np.stack([look.colors for look in looks]),
                proportions=np.stack([look.proportions for look in looks]),
            )
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_looks(path: Path) -> list[Look]:
    """Return the looks kept at `path`, none if there are none."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return [Look(*pair) for pair in zip(kept["colors"], kept["proportions"], strict=True)]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return []


def _looks(source: Path, tracks: Path) -> list[Look]:
    rows, reader = load_tracks(tracks), VideoReader(source)
    assert rows.source_xyz is not None  # only a CSV lacks them
    seen = np.isin(rows.status, [FaceStatus.DETECTED, FaceStatus.REDUCED])
    found = []
    for face_id in np.unique(rows.face_id[seen]):
        own = np.flatnonzero(seen & (rows.face_id == face_id))
        chosen = own[np.linspace(0, len(own) - 1, min(_SAMPLES, len(own))).astype(int)]
        mean: Look | None = None
        for count, row in enumerate(chosen.tolist(), 1):
            rgb = reader.frame_at(Timestamp(int(rows.pts[row]), rows.time_base)).rgb()
            look = look_of(rgb, rows.source_xyz[row], reader.info.size_wh)
            mean = look if mean is None else mean.joined(look, 1 / count)
        if mean is not None:
            found.append(mean)
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the people in a clip: a name that the user gave, the content's hash, looks."""

    person: str | None
    sha256: str
    looks: Sequence[Look] = ()


def grouped(clips: Mapping[str, Seen]) -> dict[str, str]:
    """Return for each clip the name of its group: the first of its clips, in order of the alphabet.

    Clips of one group show one person, or people who cannot be told apart. Two clips whose people the user named are
    compared by these names alone.
    """
    leader = {name: name for name in clips}

    def lead(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    names = sorted(clips)
    for position, name in enumerate(names):
        for other in names[:position]:
            if lead(name) != lead(other) and _is_same(clips[name], clips[other]):
                first, second = sorted((lead(name), lead(other)))
                leader[second] = first
    return {name: lead(name) for name in names}


def _is_same(one: Seen, other: Seen) -> bool:
    if one.sha256 == other.sha256:
        return True
    if one.person is not None and other.person is not None:
        return one.person == other.person
    return any(look_distance(a, b) < OTHER_LOOK for a in one.looks for b in other.looks)
