"""Between the passes: every detected face is laid over its neutral, pixel against pixel.

in: a video, pass 1's landmarks, the neutrals chosen -> out: the same analysis with exact landmarks.
Must not: keep pixels, or smooth.

The video is decoded once more, for its luma alone: who is neutral is not known before the whole of it has been seen.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, replace

import numpy as np

from afet_video.datatypes import FaceStatus, FloatArray, NeutralChoice, Progress, ProgressCallback, VideoFrame
from afet_video.face.pose import head_pose
from afet_video.face.register import FaceRegistration, luma_around
from afet_video.face.track import FaceTrack
from afet_video.passes.analyze import Analysis, Lane
from afet_video.passes.neutrals import NeutralChoices
from afet_video.row_file import RowFile
from afet_video.splice.mesh import build_mesh
from afet_video.threads import prefetch, side_by_side
from afet_video.video.decode import VideoReader

_TURN_DEG = (20.0, 40.0)
"""Turn of the head away from the neutral from which its pixels say less, and say nothing."""

_HOME_DEG = 10.0
"""How much farther away the first neutral may be than another one and is asked all the same: it is the best picture."""

_HANDOVER_DEG = 6.0
"""Difference of the distances to two neutrals below which both are asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A neutral's face, and its head's yaw and pitch (2,) in degrees."""

    face: FaceRegistration
    turn: FloatArray


Registrations = dict[tuple[int, int], list[Reference]]
"""The neutrals of a person in a shot, by `face_id` and shot."""


def register(
    reader: VideoReader, analysis: Analysis, choices: NeutralChoices, on_progress: ProgressCallback
) -> Analysis:
    """Return the analysis with corrected landmarks; that of pass 1 is closed."""
    registrations = _registrations(reader, analysis, choices)
    files = [RowFile((478, 3)) for _ in analysis.lanes]
    try:
        total = len(analysis.timestamps)
        with contextlib.closing(prefetch(reader)) as frames:
            tasks = (_tasks(frame, analysis, registrations) for frame in itertools.islice(frames, total))
            with contextlib.closing(side_by_side(_corrected_all, tasks)) as corrected:
                for done, faces in enumerate(corrected, 1):
                    for rows, xyz in zip(files, faces, strict=True):
                        rows.append(xyz)
                    on_progress(Progress("register", done, total))
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
    made: dict[tuple[int, int], list[Reference]] = {}
    found: Registrations = {}
    for (face_id, shot), choice in choices.items():
        if (face_id, choice.index) not in made:
            made[face_id, choice.index] = _references(reader, analysis.lane_of(face_id).track, choice)
        found[face_id, shot] = made[face_id, choice.index]
    return found


def _references(reader: VideoReader, track: FaceTrack, choice: NeutralChoice) -> list[Reference]:
    """Return the neutral and the further ones of its bank; those are laid over the first, so that all agree."""
    first: FloatArray = track.xyz(choice.index, choice.index + 1)[0]
    triangles = build_mesh(first)
    references: list[Reference] = []
    indices = (choice.index, *choice.bank)
    frames = reader.frames_at([track.timestamps[index] for index in indices])
    for index, frame in zip(indices, frames, strict=True):
        xyz, turn = track.xyz(index, index + 1)[0], _turn(track, index)
        if references:
            xyz = corrected(frame, xyz, turn, references[:1])
        references.append(Reference(FaceRegistration(luma_around(frame, xyz), xyz, triangles), turn))
    return references


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A face to be laid over its neutrals: where it is detected (478, 3), and the head's yaw and pitch (2,)."""

    frame: VideoFrame
    xyz: FloatArray
    turn: FloatArray
    references: list[Reference]


def _tasks(frame: VideoFrame, analysis: Analysis, registrations: Registrations) -> list[_Task]:
    """Return a task for each lane; without references, and NaN, where nobody is detected."""
    index, tasks = frame.index, []
    for track in (lane.track for lane in analysis.lanes):
        if track.status[index] is FaceStatus.DETECTED:
            references = registrations.get((int(track.face_id[index]), int(track.shot[index])), [])
            tasks.append(_Task(frame, track.xyz(index, index + 1)[0], _turn(track, index), references))
        else:
            tasks.append(_Task(frame, np.full((478, 3), np.nan, np.float32), np.zeros(2, np.float32), []))
    return tasks


def _corrected_all(tasks: list[_Task]) -> list[FloatArray]:
    return [
        corrected(task.frame, task.xyz, task.turn, task.references) if task.references else task.xyz for task in tasks
    ]


def corrected(frame: VideoFrame, xyz: FloatArray, turn: FloatArray, references: list[Reference]) -> FloatArray:
    """Return landmarks (478, 3) corrected by the reference nearest in pose, or by the two that are about as near."""
    away = np.array([np.linalg.norm(turn - reference.turn) for reference in references])
    away = np.nan_to_num(away)  # no transform: taken to be turned like the neutral
    far = away.copy()
    far[0] -= _HOME_DEG
    order = np.argsort(far, kind="stable")
    shares = [1.0]
    if len(order) > 1:
        second = 0.5 * max(1.0 - float(far[order[1]] - far[order[0]]) / _HANDOVER_DEG, 0.0)
        shares = [1.0 - second, second]
    low, high = _TURN_DEG
    luma = luma_around(frame, xyz)
    result = xyz.astype(np.float64)
    for share, which in zip(shares, order[:2], strict=True):
        share *= float(np.clip((high - away[which]) / (high - low), 0.0, 1.0))
        if share > 0.0:
            result += share * (references[which].face.refine(luma, xyz) - xyz)
    return np.asarray(result, np.float32)


def _turn(track: FaceTrack, frame: int) -> FloatArray:
    pose = head_pose(track.transforms[frame])
    return np.array([pose.yaw_deg, pose.pitch_deg], np.float32)
