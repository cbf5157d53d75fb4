"""One person before one camera: every frame becomes what the palsy would make of it.

in: pictures with their times, controls -> out: `LiveResult`s.  Must not: open a camera, draw, or look into the future.

The stages are those of `convert`; what they make of a frame depends on that frame and earlier ones alone. `process`
is `see` and then `show`: a program may run the two in threads of their own, the one a frame ahead of the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from afet_video.closing import Closing
from afet_video.datatypes import (
    ZONES,
    ByteArray,
    FaceStatus,
    FloatArray,
    Landmarks,
    PalsyProfile,
    Side,
    Timestamp,
    TrackRow,
)
from afet_video.errors import MidlineError, SettingsError
from afet_video.face.activity import landmark_speed, lid_aperture, mouth_gap, sharpness
from afet_video.face.pose import head_pose
from afet_video.face.visibility import in_picture, visibility
from afet_video.filters import OneEuroFilter
from afet_video.live.calibration import Calibration
from afet_video.live.clock import GrowingClock
from afet_video.live.learn import Learned
from afet_video.live.pace import SteadyPace
from afet_video.live.pool import Sighting
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.settings import LiveSettings
from afet_video.live.smooth import LandmarkFilter, StrengthFilter
from afet_video.live.stopwatch import Stopwatch
from afet_video.live.wardrobe import Wardrobe
from afet_video.live.watch import Watcher
from afet_video.live.worker import Teacher, TeacherBeside, TeacherHere
from afet_video.passes.prepare import around_face
from afet_video.passes.register import corrected
from afet_video.passes.render import FaceChanger, FaceMoment, row_without_face
from afet_video.passes.settings import ConvertSettings, with_profile
from afet_video.settings_io import replace_nested
from afet_video.splice.midline import fit_midline, head_frame, midline_points, to_image
from afet_video.video.frame import StoredFrame

LOST_S = 1.0
"""How long a face may be away during the calibration before it begins anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame that was looked at: `moment` is None where nobody can be changed in it."""

    source: ByteArray
    frame: StoredFrame
    moment: FaceMoment | None
    learned: Learned | None
    state: LiveState
    message: str
    countdown_s: float | None
    seeing_ms: float
    watch: Stopwatch


class LiveSession(Closing):
    """Implements `Session`; use it as a context manager, or call `close`.

    Raises
    ------
    ModelFileError
        If a model file is missing or damaged.
    """

    def __init__(self, settings: LiveSettings | None = None) -> None:
        self._settings = settings or LiveSettings()
        self._lock = threading.Lock()
        self._convert = self._settings.convert
        self._is_recalibration_due = False
        self._watcher = Watcher(self._convert, in_background=self._settings.in_background)
        self._clock = GrowingClock()
        self._pace = SteadyPace()
        self._teacher = self._new_teacher()
        self._calibration = Calibration(self._settings, self._teacher)
        self._landmark_filter = LandmarkFilter(self._settings.landmark_filter)
        self._midline_filter = OneEuroFilter(self._settings.midline_filter)
        self._strength = StrengthFilter()
        self._wardrobe = Wardrobe()
        self._index = -1
        self._last: tuple[FloatArray, float] | None = None
        self._person = -1
        if self._settings.in_background:
            self._load()

    def close(self) -> None:
        """Close the models; closing twice does no harm."""
        self._watcher.close()
        self._teacher.close()
        self._pace.release()

    @property
    def settings(self) -> LiveSettings:
        """The settings as they are now."""
        with self._lock:
            return replace(self._settings, convert=self._convert)

    @property
    def learned(self) -> Learned | None:
        """What is known of the person, or None until the calibration has ended."""
        return self._calibration.learned

    @property
    def profile(self) -> PalsyProfile:
        """The palsy that is shown now."""
        with self._lock:
            return self._convert.profile

    def choose_side(self, side: Side) -> None:
        """Show the palsy on the subject's own left or right from the next frame on."""
        with self._lock:
            self._convert = replace(self._convert, profile=replace(self._convert.profile, side=Side(side)))

    def choose_preset(self, name: str) -> None:
        """Show a preset of `afet_video.profiles` from the next frame on; the side stays.

        Raises
        ------
        SettingsError
            If there is none of that name.
        """
        with self._lock:
            base = self._settings.convert
            base = replace(base, profile=replace(base.profile, side=self._convert.profile.side))
            self._convert = with_profile(base, name)

    def keep_movement(self, kept: Mapping[str, float]) -> None:
        """Set the movement kept, 0..1, of the zones named.

        Raises
        ------
        SettingsError
            If a zone is unknown, or a share out of range.
        """
        unknown = [zone for zone in kept if zone not in ZONES]
        if unknown:
            raise SettingsError(f'unknown zone "{unknown[0]}": choose {", ".join(ZONES)}')
        with self._lock:
            changes = {f"profile.{zone}": float(share) for zone, share in kept.items()}
            self._convert = replace_nested(self._convert, changes)

    def recalibrate(self) -> None:
        """Forget the neutral and learn it anew."""
        with self._lock:
            self._is_recalibration_due = True

    def process(self, rgb: ByteArray, timestamp: Timestamp) -> LiveResult:
        """Return what a frame (H, W, 3) uint8 becomes; a trouble with a frame is a state, not an exception."""
        return self.show(self.see(rgb, timestamp))

    def see(self, rgb: ByteArray, timestamp: Timestamp) -> Seen:
        """Find the face of the next frame and where exactly it is; the first half of `process`."""
        started = time.perf_counter()
        timestamp = self._clock.next(timestamp)
        seconds = float(timestamp.seconds)
        self._obey()
        frame = StoredFrame.from_rgb(rgb, index=self._index + 1, timestamp=timestamp)
        self._index += 1
        watch = Stopwatch()
        with watch.time("detect"):
            face = self._watcher.find(rgb, frame)
        self._pace.hold()  # by now the models are loaded
        self._calibration.advance(seconds)
        moment = None
        if face is None:
            self._last = None
            self._forget_motion()
            if self._calibration.learned is None and self._watcher.away_s(seconds) > LOST_S:
                self._calibration.restart()
        else:
            self._meet()
            with watch.time("learn"):
                self._learn_from(rgb, frame, face, seconds)
            with watch.time("register"):
                exact = self._exact(frame, face)
            with watch.time("follow"):
                moment = self._follow(exact, face, seconds)
        state, message = self._say(face)
        learned = self._calibration.learned
        seeing_ms = (time.perf_counter() - started) * 1e3
        return Seen(rgb, frame, moment, learned, state, message, self._calibration.countdown_s, seeing_ms, watch)

    def show(self, seen: Seen) -> LiveResult:
        """Change a frame that was seen; the second half of `process`, to be called in the same order."""
        started = time.perf_counter()
        with self._lock:
            settings = self._convert
        source, frame, moment, learned = seen.source, seen.frame, seen.moment, seen.learned
        result = source
        if moment is None or learned is None:
            self._strength.reset()
            row = row_without_face(frame, settings, 0) if moment is None else _untouched(frame, moment, settings)
        else:
            with seen.watch.time("dress"):
                moment = replace(moment, strength=self._shown(frame, moment, settings))
                model = self._wardrobe.model(learned, settings)
            with seen.watch.time("change"):
                row = FaceChanger(settings, model).change(frame, moment)
                result = frame.rgb() if moment.strength > 0 else source
        showing_ms = (time.perf_counter() - started) * 1e3
        return LiveResult(
            source=source,
            result=result,
            timestamp=frame.timestamp,
            row=row,
            state=seen.state,
            message=seen.message,
            countdown_s=seen.countdown_s,
            processing_ms=seen.seeing_ms + showing_ms,
            stages=seen.watch.stages,
        )

    def _load(self) -> None:
        try:
            self._watcher.load()
        except BaseException:
            self.close()
            raise

    def _new_teacher(self) -> Teacher:
        if not self._settings.in_background:
            return TeacherHere()
        return TeacherBeside(self._convert, self._settings.landmark_filter, on_ready=self._pace.loaded_more)

    def _obey(self) -> None:
        with self._lock:
            due, self._is_recalibration_due = self._is_recalibration_due, False
        if due:
            self._calibration.restart()

    def _meet(self) -> None:
        """Start anew if it is somebody else who is in sight now."""
        if self._watcher.jumped:
            self._forget_motion()
        if self._watcher.person != self._person:
            self._person = self._watcher.person
            self._calibration.restart()

    def _forget_motion(self) -> None:
        self._landmark_filter.reset()
        self._midline_filter.reset()

    def _learn_from(self, rgb: ByteArray, frame: StoredFrame, face: Landmarks, seconds: float) -> None:
        motion = landmark_speed(self._last, face.xyz, seconds)
        self._last = (face.xyz, seconds)
        if not self._calibration.wants(face.blendshapes, motion, seconds):
            return
        pose = head_pose(face.transform)
        box = around_face(face.xyz, frame.size_wh)
        sighting = Sighting(
            index=self._index,
            timestamp=frame.timestamp,
            xyz=face.xyz,
            blendshapes=face.blendshapes,
            turn=np.array([pose.yaw_deg, pose.pitch_deg], np.float32),
            lid_aperture=lid_aperture(face.xyz),
            mouth_gap=mouth_gap(face.xyz),
            sharpness=sharpness(rgb, face.xyz[:, :2]),
            motion=motion,
            inside=float(in_picture(face.xyz[None], frame.size_wh)[0]),
            picture=rgb[box.y0 : box.y1, box.x0 : box.x1].copy(),
            origin=(box.x0, box.y0),
        )
        self._calibration.take(sighting)

    def _exact(self, frame: StoredFrame, face: Landmarks) -> FloatArray:
        """Return the landmarks (478, 3), laid over the neutrals' once these are known."""
        learned = self._calibration.learned
        if learned is None:
            return face.xyz
        pose = head_pose(face.transform)
        turn = np.array([pose.yaw_deg, pose.pitch_deg], np.float32)
        return corrected(frame, face.xyz, turn, list(learned.references))

    def _follow(self, xyz: FloatArray, face: Landmarks, seconds: float) -> FaceMoment | None:
        """Return where the face is, smoothed, with its midline; None if columns cannot divide it."""
        xyz = self._landmark_filter.update(xyz, seconds)
        try:
            head = head_frame(xyz)
            u = fit_midline(head.to_head(midline_points(xyz)), self._convert.midline)
            midline = to_image(self._midline_filter.update(u[:, None], seconds)[:, 0], head)
        except MidlineError:
            return None
        return FaceMoment(
            xyz=xyz,
            midline=midline,
            strength=0.0,
            status=FaceStatus.DETECTED,
            face_id=self._person,
            shot=0,
            blendshapes=face.blendshapes,
            transform=face.transform,
            hands=self._watcher.hands(seconds),
        )

    def _shown(self, frame: StoredFrame, moment: FaceMoment, settings: ConvertSettings) -> float:
        pose = head_pose(moment.transform)
        angles = np.nan_to_num(np.array([[pose.yaw_deg, pose.pitch_deg, pose.roll_deg]]))
        carried = visibility(moment.xyz[None], angles, frame.size_wh, settings.profile.side)[0]
        return self._strength.update(float(carried), float(frame.timestamp.seconds))

    def _say(self, face: Landmarks | None) -> tuple[LiveState, str]:
        calibration = self._calibration
        if calibration.learned is not None:
            if face is None:
                return LiveState.NO_FACE, "No face in sight: come back into the picture"
            return LiveState.LIVE, calibration.trouble
        if face is None and not calibration.has_begun:
            return LiveState.WAITING, "Waiting for a face"
        if face is not None:
            pose = head_pose(face.transform)
            if not calibration.is_straight(np.array([pose.yaw_deg, pose.pitch_deg], np.float32)):
                return LiveState.CALIBRATING, "Please look straight into the camera"
        if calibration.countdown_s == 0:
            return LiveState.CALIBRATING, "Thank you: one moment"
        again = f" ({calibration.trouble}: once more)" if calibration.trouble else ""
        return LiveState.CALIBRATING, f"Look straight into the camera and relax your face{again}"


def _untouched(frame: StoredFrame, moment: FaceMoment, settings: ConvertSettings) -> TrackRow:
    """Return the row of a face that nothing is changed of yet."""
    nothing = row_without_face(frame, settings, moment.shot)
    return replace(
        nothing,
        status=FaceStatus.REDUCED,
        face_id=moment.face_id,
        source_xyz=moment.xyz,
        output_xyz=moment.xyz,
        alpha=np.ones(len(moment.xyz), np.float32),
        blendshapes=moment.blendshapes,
        pose=head_pose(moment.transform),
        midline_y=moment.midline.y,
        midline_x=moment.midline.x,
    )
