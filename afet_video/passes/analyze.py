"""Pass 1: find the person in every frame, and measure what the choice of the neutral needs.

in: a video -> out: `Analysis`.  Must not: keep pixels.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from afet_video.datatypes import ByteArray, FaceStatus, FloatArray, Landmarks, Progress, ProgressCallback, Timestamp
from afet_video.errors import NoFaceError
from afet_video.face.activity import lid_aperture, mouth_gap, sharpness
from afet_video.face.hands import HandFinder, HandTrack
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.neutral import FaceMeasures
from afet_video.face.pose import head_pose, interocular_px
from afet_video.face.track import FaceTrack
from afet_video.face.tracker import FaceTracker
from afet_video.passes.settings import ConvertSettings
from afet_video.threads import prefetch
from afet_video.video.decode import VideoReader


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What pass 1 knows: the track (to be closed by the owner), per-frame measures, hands before the face."""

    track: FaceTrack
    measures: FaceMeasures
    hands: HandTrack


def analyze(reader: VideoReader, settings: ConvertSettings, on_progress: ProgressCallback) -> Analysis:
    """Detect and track the person through the whole video.

    Raises
    ------
    NoFaceError
        If there is no face at all, or, with `on_no_face` "fail", in some frame.
    """
    tracker = FaceTracker(settings.tracker)
    try:
        collected = _Collected()
        total = reader.info.frame_count
        with FaceLandmarker(settings.landmarker) as landmarker, HandFinder(enabled=settings.mask.is_on) as hands:
            for index, timestamp, rgb in prefetch(_pictures(reader, settings.landmarker.max_side)):
                faces = landmarker.detect(
                    rgb, timestamp=timestamp, size_wh=reader.info.size_wh, follow=tracker.following
                )
                before = tracker.following
                tracker.update(index, timestamp, faces)
                face = tracker.following if tracker.following is not before else None
                collected.add(face, rgb, reader.info.size_wh, float(timestamp.seconds))
                hands.look(index, rgb, seconds=float(timestamp.seconds), size_wh=reader.info.size_wh, face=face)
                on_progress(Progress("detect", index + 1, total))
        track = tracker.finish()
    except BaseException:
        tracker.close()
        raise
    track = track.held() if settings.on_no_face == "hold" else track
    try:
        _check_faces(track, settings.on_no_face)
    except NoFaceError:
        track.close()
        raise
    return Analysis(track, collected.measures(track), hands.track)


def _pictures(reader: VideoReader, max_side: int) -> Iterator[tuple[int, Timestamp, ByteArray]]:
    for frame in reader:
        yield frame.index, frame.timestamp, frame.rgb(max_side=max_side)


def _check_faces(track: FaceTrack, on_no_face: str) -> None:
    if FaceStatus.DETECTED not in track.status:
        raise NoFaceError(
            "no face in any frame: is a face visible, upright and larger than about a tenth of the frame?"
        )
    if on_no_face == "fail" and FaceStatus.MISSING in track.status:
        frame = track.status.index(FaceStatus.MISSING)
        seconds = float(track.timestamps[frame].seconds)
        raise NoFaceError(
            f"no face in frame {frame} ({seconds:.2f} s): cut the video, or choose --on-no-face pass or hold"
        )


class _Collected:
    """Per-frame measures, a few numbers a frame."""

    def __init__(self) -> None:
        self._lids, self._mouth, self._sharpness, self._motion = (array("f") for _ in range(4))
        self._last: tuple[FloatArray, float] | None = None

    def add(self, face: Landmarks | None, rgb: ByteArray, size_wh: tuple[int, int], seconds: float) -> None:
        if face is None:
            for values in (self._lids, self._mouth, self._sharpness, self._motion):
                values.append(np.nan)
            self._last = None
            return
        scale = rgb.shape[1] / size_wh[0]
        self._lids.append(lid_aperture(face.xyz))
        self._mouth.append(mouth_gap(face.xyz))
        self._sharpness.append(sharpness(rgb, face.xyz[:, :2] * scale))
        self._motion.append(self._speed(face.xyz, seconds))
        self._last = (face.xyz, seconds)

    def _speed(self, xyz: FloatArray, seconds: float) -> float:
        """Mean speed of the landmarks since the frame before, inter-ocular distances a second."""
        if self._last is None or seconds <= self._last[1]:
            return 0.0
        moved = np.linalg.norm(xyz[:, :2] - self._last[0][:, :2], axis=1).mean()
        return float(moved / interocular_px(xyz) / (seconds - self._last[1]))

    def measures(self, track: FaceTrack) -> FaceMeasures:
        poses = [head_pose(transform) for transform in track.transforms]
        return FaceMeasures(
            timestamps=list(track.timestamps),
            blendshapes=track.blendshapes,
            angles_deg=np.array([(pose.yaw_deg, pose.pitch_deg) for pose in poses], np.float32).reshape(-1, 2),
            lid_aperture=np.array(self._lids, np.float32),
            mouth_gap=np.array(self._mouth, np.float32),
            sharpness=np.array(self._sharpness, np.float32),
            motion=np.array(self._motion, np.float32),
            detected=np.array([status is FaceStatus.DETECTED for status in track.status], bool),
        )
