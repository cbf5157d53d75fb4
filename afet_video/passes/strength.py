"""Between the passes: how much of the palsy each frame shows.

in: the track, its smoothed landmarks -> out: strength per frame.  Must not: look at pixels.

The palsy fades where the view cannot carry it (see `face.visibility`) and where the face comes or goes, so that it
never pops on or off. At a cut the whole picture changes: nothing is faded there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FaceStatus, FloatArray, Side
from afet_video.face.pose import head_pose
from afet_video.face.track import FaceTrack
from afet_video.face.visibility import visibility
from afet_video.filters import smooth_floor
from afet_video.passes.follow import FollowedFace

GAP_FADE_S = 0.15
"""How long the palsy takes to set in after the face appears, and to go before it disappears."""

_FLOOR_S = 0.13
"""How far, each way, the strength of a frame looks at others. It is never above what the frame itself can carry."""

_CHUNK = 128


def frame_strength(track: FaceTrack, followed: FollowedFace, size_wh: tuple[int, int], side: Side) -> FloatArray:
    """Return (T,) 0..1: share of the palsy that each frame shows, 0 where there is no face.

    Parameters
    ----------
    size_wh : width and height of the upright frame.
    side : the affected side.
    """
    seconds = track.seconds
    breaks = np.zeros(len(track), bool)
    breaks[1:] = (track.face_id[1:] != track.face_id[:-1]) | (track.shot[1:] != track.shot[:-1])
    strength = smooth_floor(_carried(track, followed, size_wh, side), seconds, half_width_s=_FLOOR_S, breaks=breaks)
    missing = np.array([status is FaceStatus.MISSING for status in track.status], bool)
    for shot in np.unique(track.shot):
        inside = track.shot == shot
        strength[inside] *= gap_fade(missing[inside], seconds[inside])
    return np.asarray(np.where(missing, 0.0, strength), np.float32)


def _carried(track: FaceTrack, followed: FollowedFace, size_wh: tuple[int, int], side: Side) -> FloatArray:
    """Return (T,) what each frame by itself can carry, NaN without a face."""
    poses = [head_pose(transform) for transform in track.transforms]
    angles = np.array([(pose.yaw_deg, pose.pitch_deg, pose.roll_deg) for pose in poses]).reshape(-1, 3)
    angles = np.nan_to_num(angles)  # no transform: taken to be frontal
    share = np.full(len(track), np.nan, np.float32)
    for start in range(0, len(track), _CHUNK):
        stop = min(start + _CHUNK, len(track))
        xyz = followed.rows.read(start, stop)
        share[start:stop] = visibility(xyz, angles[start:stop], size_wh, side)
        for frame in range(start, stop):
            if np.isfinite(share[frame]) and followed.midline(frame, xyz[frame - start]) is None:
                share[frame] = 0.0  # there is no telling the halves apart
    return share


def gap_fade(missing: NDArray[np.bool_], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (T,) 0 in frames without a face, growing to 1 away from them; the ends of the shot fade nothing.

    Parameters
    ----------
    missing : (T,) frames without a face.
    seconds : (T,) times.
    """
    gaps = seconds[missing]
    if not len(gaps):
        return np.ones(len(seconds))
    after = np.searchsorted(gaps, seconds)
    to_next = np.where(after < len(gaps), gaps[np.minimum(after, len(gaps) - 1)] - seconds, np.inf)
    to_last = np.where(after > 0, seconds - gaps[np.maximum(after - 1, 0)], np.inf)
    t = np.clip(np.minimum(to_next, to_last) / GAP_FADE_S, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float64)
