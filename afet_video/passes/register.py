"""Between the passes: every detected face is laid over its neutral, pixel against pixel.

in: a video, pass 1's landmarks, the neutrals chosen -> out: the same analysis with exact landmarks.
Must not: keep pixels, or smooth.

The video is decoded once more, for its luma alone: who is neutral is not known before the whole of it has been seen.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from afet_video.datatypes import FaceStatus, FloatArray, Progress, ProgressCallback, VideoFrame
from afet_video.face.pose import head_pose
from afet_video.face.register import FaceRegistration, luma_around
from afet_video.face.track import FaceTrack
from afet_video.passes.analyze import Analysis, Lane
from afet_video.passes.neutrals import NeutralChoices
from afet_video.row_file import RowFile
from afet_video.splice.mesh import build_mesh
from afet_video.threads import prefetch
from afet_video.video.decode import VideoReader

_TURN_DEG = (20.0, 40.0)
"""Turn of the head away from the neutral from which its pixels say less, and say nothing."""

Registrations = dict[tuple[int, int], tuple[FaceRegistration, FloatArray]]
"""By `face_id` and shot: the neutral's face, and its yaw and pitch (2,) in degrees."""


def register(
    reader: VideoReader, analysis: Analysis, choices: NeutralChoices, on_progress: ProgressCallback
) -> Analysis:
    """Return the analysis with corrected landmarks; that of pass 1 is closed."""
    registrations = _registrations(reader, analysis, choices)
    files = [RowFile((478, 3)) for _ in analysis.lanes]
    try:
        total = len(analysis.timestamps)
        with contextlib.closing(prefetch(reader)) as frames:
            for frame in frames:
                if frame.index >= total:
                    break  # the file has grown: pass 2 says so
                for lane, rows in zip(analysis.lanes, files, strict=True):
                    rows.append(_registered(frame, lane.track, registrations))
                on_progress(Progress("register", frame.index + 1, total))
        for rows in files:
            while len(rows) < total:
                rows.append(np.full((478, 3), np.nan, np.float32))
    except BaseException:
        for rows in files:
            rows.close()
        raise
    lanes = (Lane(lane.track.corrected(rows), lane.measures) for lane, rows in zip(analysis.lanes, files, strict=True))
    result = replace(analysis, lanes=tuple(lanes))
    analysis.close()
    return result


def _registrations(reader: VideoReader, analysis: Analysis, choices: NeutralChoices) -> Registrations:
    found: Registrations = {}
    made: dict[tuple[int, int], tuple[FaceRegistration, FloatArray]] = {}
    for (face_id, shot), choice in choices.items():
        if choice.timestamp is None:
            continue
        if (face_id, choice.index) not in made:
            track = analysis.lane_of(face_id).track
            xyz = track.xyz(choice.index, choice.index + 1)[0]
            luma = luma_around(reader.frame_at(choice.timestamp), xyz)
            made[face_id, choice.index] = FaceRegistration(luma, xyz, build_mesh(xyz)), _turn(track, choice.index)
        found[face_id, shot] = made[face_id, choice.index]
    return found


def _registered(frame: VideoFrame, track: FaceTrack, registrations: Registrations) -> FloatArray:
    """Return the landmarks (478, 3) of the track in a frame, NaN where nobody is detected."""
    index = frame.index
    if track.status[index] is not FaceStatus.DETECTED:
        return np.full((478, 3), np.nan, np.float32)
    xyz: FloatArray = track.xyz(index, index + 1)[0]
    entry = registrations.get((int(track.face_id[index]), int(track.shot[index])))
    if entry is None:
        return xyz
    registration, neutral_turn = entry
    turn = float(np.linalg.norm(_turn(track, index) - neutral_turn))
    low, high = _TURN_DEG
    share = np.float32(np.clip((high - turn) / (high - low), 0.0, 1.0)) if np.isfinite(turn) else np.float32(1.0)
    if share == 0.0:
        return xyz
    return np.asarray(xyz + share * (registration.refine(luma_around(frame, xyz), xyz) - xyz), np.float32)


def _turn(track: FaceTrack, frame: int) -> FloatArray:
    pose = head_pose(track.transforms[frame])
    return np.array([pose.yaw_deg, pose.pitch_deg], np.float32)
