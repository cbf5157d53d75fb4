"""Pass 1: find the people in every frame, and the cuts, and measure what the choice of the neutral needs.

in: a video -> out: `Analysis`.  Must not: keep pixels.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FaceStatus, FloatArray, Landmarks, Progress, ProgressCallback, Timestamp
from afet_video.errors import NoFaceError
from afet_video.face.activity import landmark_speed, lid_aperture, mouth_gap, sharpness
from afet_video.face.hands import HandFinder, HandTrack
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.look import Look, look_of
from afet_video.face.neutral import FaceMeasures
from afet_video.face.pose import head_pose
from afet_video.face.shots import ShotFinder
from afet_video.face.solo import LOOK_AHEAD, LOOK_AHEAD_OF_ONE
from afet_video.face.track import FaceTrack
from afet_video.face.tracker import FaceTracker
from afet_video.face.visibility import in_picture
from afet_video.passes.settings import ConvertSettings
from afet_video.threads import prefetch, run_behind, with_following
from afet_video.video.decode import VideoReader

_LARGE_PX = 1_500_000
"""Pixels of a frame from which decoding and scaling take so long that one landmarker keeps pace with them."""

_BEST_FIRST = (FaceStatus.DETECTED, FaceStatus.INTERPOLATED, FaceStatus.HELD, FaceStatus.MISSING)


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One track, and what was measured in its frames; people who are never in one shot together can share a lane."""

    track: FaceTrack
    measures: FaceMeasures


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What pass 1 knows: the lanes (one, unless everybody is followed), whose tracks the owner closes; hands."""

    lanes: tuple[Lane, ...]
    hands: HandTrack = field(default_factory=HandTrack)

    @property
    def timestamps(self) -> tuple[Timestamp, ...]:
        """Times of the T decoded frames."""
        return self.lanes[0].track.timestamps

    @property
    def shot(self) -> NDArray[np.int32]:
        """The shot of every frame (T,)."""
        return self.lanes[0].track.shot

    @property
    def status(self) -> tuple[FaceStatus, ...]:
        """The best status that anybody has in each frame: detected, interpolated, held, missing."""
        return tuple(min(states, key=_BEST_FIRST.index) for states in zip(*self._states(), strict=True))

    @property
    def main_person(self) -> int:
        """The person who is seen in most frames."""
        counts = Counter[int]()
        for lane in self.lanes:
            counts.update(lane.track.face_id[lane.track.face_id >= 0].tolist())
        return counts.most_common(1)[0][0]

    def lane_of(self, face_id: int) -> Lane:
        """Return the lane that holds a person."""
        return next(lane for lane in self.lanes if face_id in lane.track.people)

    def close(self) -> None:
        """Delete the temporary file of the tracks."""
        for lane in self.lanes:
            lane.track.close()

    def _states(self) -> list[tuple[FaceStatus, ...]]:
        return [lane.track.status for lane in self.lanes]


def analyze(reader: VideoReader, settings: ConvertSettings, on_progress: ProgressCallback) -> Analysis:
    """Detect and track one person, or everybody, through the whole video, and find the cuts.

    Raises
    ------
    NoFaceError
        If there is no face at all, or, with `on_no_face` "fail", in some frame.
    """
    tracker, shots = FaceTracker(settings.tracker), ShotFinder()
    try:
        collected = _Collected()
        total = reader.info.frame_count
        width, height = reader.info.size_wh
        sharing, ahead = (1, LOOK_AHEAD_OF_ONE) if width * height >= _LARGE_PX else (2, LOOK_AHEAD)
        with (
            FaceLandmarker(settings.landmarker, sharing=sharing) as landmarker,
            HandFinder(enabled=settings.mask.is_on) as hands,
            run_behind(partial(_look_for_hands, hands)) as hands_behind,
            contextlib.closing(prefetch(_pictures(reader, settings.landmarker.max_side))) as pictures,
        ):
            for picture, following in with_following(pictures, ahead):
                maybe_cut = shots.update(picture.rgb)
                coming = [other.rgb for other in following]
                faces = _detect(landmarker, tracker, picture, coming, maybe_cut, everybody=settings.tracker.everybody)
                kept = tracker.update(picture.index, picture.timestamp, faces, picture.look_of, maybe_cut=maybe_cut)
                collected.add(kept, picture)
                hands_behind.put((picture, max((face for _, face in kept), key=_height, default=None)))
                on_progress(Progress("detect", picture.index + 1, total))
        tracks = tracker.finish(shots.shots())
    except BaseException:
        tracker.close()
        raise
    if settings.on_no_face == "hold":
        tracks = tuple(track.held() for track in tracks)
    analysis = Analysis(tuple(Lane(track, collected.measures(track)) for track in tracks), hands.track)
    try:
        _check_faces(analysis, settings.on_no_face)
    except NoFaceError:
        analysis.close()
        raise
    return analysis


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """A decoded frame as the search sees it: `rgb` (h, w, 3), scaled down from `size_wh`."""

    index: int
    timestamp: Timestamp
    rgb: ByteArray
    size_wh: tuple[int, int]

    def look_of(self, face: Landmarks) -> Look:
        return look_of(self.rgb, face.xyz, self.size_wh)


def _pictures(reader: VideoReader, max_side: int) -> Iterator[_Picture]:
    for frame in reader:
        yield _Picture(frame.index, frame.timestamp, frame.rgb(max_side=max_side), reader.info.size_wh)


def _detect(
    landmarker: FaceLandmarker,
    tracker: FaceTracker,
    picture: _Picture,
    coming: Sequence[ByteArray],
    maybe_cut: bool,
    *,
    everybody: bool,
) -> list[Landmarks]:
    if everybody:
        return landmarker.detect_all(
            picture.rgb,
            timestamp=picture.timestamp,
            size_wh=picture.size_wh,
            known=tracker.in_sight,
            maybe_cut=maybe_cut,
            coming=coming,
        )
    return landmarker.detect(
        picture.rgb,
        timestamp=picture.timestamp,
        size_wh=picture.size_wh,
        follow=None if maybe_cut else tracker.following,
        coming=coming,
    )


def _look_for_hands(hands: HandFinder, seen: tuple[_Picture, Landmarks | None]) -> None:
    picture, face = seen
    seconds = float(picture.timestamp.seconds)
    hands.look(picture.index, picture.rgb, seconds=seconds, size_wh=picture.size_wh, face=face)


def _height(face: Landmarks) -> float:
    return float(np.ptp(face.xyz[:, 1]))


def _check_faces(analysis: Analysis, on_no_face: str) -> None:
    status = analysis.status
    if FaceStatus.DETECTED not in status:
        raise NoFaceError(
            "no face in any frame: is a face visible, upright and larger than about a tenth of the frame?"
        )
    if on_no_face == "fail" and FaceStatus.MISSING in status:
        frame = status.index(FaceStatus.MISSING)
        seconds = float(analysis.timestamps[frame].seconds)
        raise NoFaceError(
            f"no face in frame {frame} ({seconds:.2f} s): cut the video, or choose --on-no-face pass or hold"
        )


class _Collected:
    """Measures of every sighting, a few numbers each."""

    def __init__(self) -> None:
        self._lids, self._mouth, self._sharpness, self._motion, self._inside = (array("f") for _ in range(5))
        self._last: dict[int, tuple[FloatArray, float]] = {}

    def add(self, faces: Sequence[tuple[int, Landmarks]], picture: _Picture) -> None:
        """Measure the faces that the tracker kept, each with the number of its stretch."""
        scale = picture.rgb.shape[1] / picture.size_wh[0]
        seconds = float(picture.timestamp.seconds)
        now: dict[int, tuple[FloatArray, float]] = {}
        for number, face in faces:
            self._lids.append(lid_aperture(face.xyz))
            self._mouth.append(mouth_gap(face.xyz))
            self._sharpness.append(sharpness(picture.rgb, face.xyz[:, :2] * scale))
            self._inside.append(float(in_picture(face.xyz[None], picture.size_wh)[0]))
            self._motion.append(landmark_speed(self._last.get(number), face.xyz, seconds))
            now[number] = (face.xyz, seconds)
        self._last = now

    def measures(self, track: FaceTrack) -> FaceMeasures:
        """Return the measures of the sightings that a track holds, frame by frame."""
        seen = track.sighting >= 0

        def by_frame(values: Sequence[float]) -> FloatArray:
            found = np.full(len(track), np.nan, np.float32)
            found[seen] = np.array(values, np.float32)[track.sighting[seen]]
            return found

        poses = [head_pose(transform) for transform in track.transforms]
        return FaceMeasures(
            timestamps=list(track.timestamps),
            blendshapes=track.blendshapes,
            angles_deg=np.array([(pose.yaw_deg, pose.pitch_deg) for pose in poses], np.float32).reshape(-1, 2),
            lid_aperture=by_frame(self._lids),
            mouth_gap=by_frame(self._mouth),
            sharpness=by_frame(self._sharpness),
            motion=by_frame(self._motion),
            inside=by_frame(self._inside),
            detected=np.array([status is FaceStatus.DETECTED for status in track.status], bool),
        )
