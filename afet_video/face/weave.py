"""From sightings to tracks: one row a frame, short gaps filled.

in: all that the tracker saw, and who is who -> out: `FaceTrack`s.  Must not: decide who is who.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import BLENDSHAPE_COUNT, FaceStatus, Timestamp
from afet_video.face.track import FaceTrack, share_of_way
from afet_video.row_file import RowFile


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Detections in order of their frames, S of them; landmarks in `spool`, blendshapes (52) and transforms (4, 4) as
    the bytes of float32. `frame`, `person`, `run` (S,); persons and runs as in `People`, person -1: to be left out.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int32]
    run: NDArray[np.int32]
    blendshapes: bytes
    transforms: bytes
    spool: RowFile


def weave(
    sightings: Sightings,
    timestamps: tuple[Timestamp, ...],
    shots: NDArray[np.int32],
    max_gap_s: float,
    *,
    together: bool,
) -> tuple[FaceTrack, ...]:
    """Return tracks that hold every sighting once; people are numbered in the order in which they appear.

    `together`: there is one sighting a frame at most, and one track. Otherwise people who are in one shot together get
    tracks of their own, so that there are no more tracks than people in any shot, or a few more.
    """
    face_id = _in_order(sightings.person)
    # A run ends with its shot, also where the tracker followed a face across the cut.
    run_and_shot = sightings.run.astype(np.int64) * (len(shots) + 1) + shots[sightings.frame]
    sightings = replace(sightings, run=np.unique(run_and_shot, return_inverse=True)[1].astype(np.int32))
    tracks = np.zeros(len(face_id), int) if together else _first_fit(face_id, shots[sightings.frame])
    count = int(tracks.max(initial=0)) + 1
    return tuple(
        _track(sightings, face_id, (tracks == track) & (face_id >= 0), timestamps, shots, max_gap_s)
        for track in range(count)
    )


def _in_order(person: NDArray[np.int32]) -> NDArray[np.int32]:
    """Renumber people by their first sighting."""
    there = person >= 0
    found, first, place = np.unique(person[there], return_index=True, return_inverse=True)
    rank = np.empty(len(found), np.int32)
    rank[np.argsort(first)] = np.arange(len(found), dtype=np.int32)
    face_id = np.full(len(person), -1, np.int32)
    face_id[there] = rank[place]
    return face_id


def _first_fit(face_id: NDArray[np.int32], shot: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return for each sighting its track: each person has one, the first whose other people share no shot with them."""
    taken: list[set[int]] = []
    track_of = []
    for person in range(int(face_id.max(initial=-1)) + 1):
        own = set(shot[face_id == person].tolist())
        track = next((number for number, shots in enumerate(taken) if not shots & own), len(taken))
        if track == len(taken):
            taken.append(set())
        taken[track] |= own
        track_of.append(track)
    return np.array(track_of, np.int64)[face_id] if track_of else np.zeros(0, np.int64)


def _track(
    sightings: Sightings,
    face_id: NDArray[np.int32],
    chosen: NDArray[np.bool_],
    timestamps: tuple[Timestamp, ...],
    shots: NDArray[np.int32],
    max_gap_s: float,
) -> FaceTrack:
    count, rows = len(timestamps), np.flatnonzero(chosen)
    frames = sightings.frame[rows]
    ids, run = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    sighting = np.full(count, -1, np.int64)
    ids[frames], run[frames], sighting[frames] = face_id[rows], sightings.run[rows], rows
    blendshapes = np.full((count, BLENDSHAPE_COUNT), np.nan, np.float32)
    blendshapes[frames] = np.frombuffer(sightings.blendshapes, np.float32).reshape(-1, BLENDSHAPE_COUNT)[rows]
    transforms = np.full((count, 4, 4), np.nan, np.float32)
    transforms[frames] = np.frombuffer(sightings.transforms, np.float32).reshape(-1, 4, 4)[rows]
    status = [FaceStatus.MISSING if one < 0 else FaceStatus.DETECTED for one in ids.tolist()]
    before = np.full(count, -1, np.int64)
    after = before.copy()
    for one, two in zip(frames[:-1].tolist(), frames[1:].tolist(), strict=True):
        gap_s = timestamps[two].seconds - timestamps[one].seconds
        if two - one == 1 or run[one] != run[two] or gap_s > max_gap_s:
            continue
        between = slice(one + 1, two)
        before[between], after[between], ids[between], run[between] = one, two, ids[one], run[one]
        for frame in range(one + 1, two):
            status[frame] = FaceStatus.INTERPOLATED
            share = np.float32(share_of_way(timestamps, one, frame, two))
            for values in (blendshapes, transforms):
                values[frame] = values[one] + share * (values[two] - values[one])
    return FaceTrack(
        timestamps, tuple(status), blendshapes, transforms, ids, shots, run, sighting, sightings.spool, before, after
    )
